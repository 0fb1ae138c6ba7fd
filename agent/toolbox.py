"""The open tools of one run: how the model sees them, and which of them a recipient means."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from difflib import get_close_matches
from typing import Any, TypeAlias

from cadenza.harmony import HarmonyError, ToolNamespace
from cadenza.model import ModelError
from cadenza.tools import (
    Citation,
    Citing,
    FunctionSession,
    FunctionTool,
    FunctionToolset,
    Restorable,
    Tally,
    ToolError,
    ToolResult,
    ToolSession,
    Toolset,
    toolset_by_name,
)

from .alias import BUILT_IN, aliased, aliases
from .errors import AgentError, UserError, told

AnyTool: TypeAlias = str | Toolset | FunctionTool[..., Any]
"""The name of a toolset, a toolset, or a function decorated with @tool."""


def toolsets_of(tools: Sequence[AnyTool]) -> list[Toolset]:
    """The toolsets that an agent's tools come to; its functions are one. Raises UserError, ToolError."""
    if isinstance(tools, str):
        raise UserError(f"tools: must be a list, such as [{tools!r}]")
    functions = [tool for tool in tools if isinstance(tool, FunctionTool)]
    toolsets: list[Toolset] = [FunctionToolset(functions)] if functions else []
    for tool in tools:
        if isinstance(tool, str):
            toolsets.append(aliased(toolset_by_name(tool)))
        elif not isinstance(tool, FunctionTool):
            if not hasattr(tool, "open"):
                raise UserError(f"tools: {getattr(tool, '__name__', tool)!r} is no tool; decorate it with @tool")
            toolsets.append(aliased(tool))
    names = [toolset.name for toolset in toolsets]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise UserError(f"tools: two toolsets are called {name!r}; give one of them another name")
    return toolsets


async def call_of(session: ToolSession, recipient: str, arguments: str) -> ToolResult:
    """The result of a call. Raises what must end the run; what a session raises by mistake is a ToolError too."""
    with _told(recipient):
        return await session.call(recipient, arguments)


@contextmanager
def _told(who: str) -> Iterator[None]:
    """What another package's code raises by mistake, as a ToolError of one line."""
    try:
        yield
    except (AgentError, ModelError, ToolError, HarmonyError):
        raise
    except Exception as error:
        raise ToolError(f"{who}: {told(error)}") from error


class Toolbox:
    """Sessions by the name of their namespace. aliases: see `alias`."""

    def __init__(self, sessions: Sequence[ToolSession] = (), aliases: Sequence[tuple[str, str]] = ()) -> None:
        self.aliases = tuple(aliases)
        self._sessions = {session.namespace.name: session for session in sessions}

    @classmethod
    @asynccontextmanager
    async def open(cls, toolsets: Sequence[Toolset]) -> AsyncIterator[Toolbox]:
        """Starts every toolset, and ends them when the block ends. Raises ToolError."""
        async with AsyncExitStack() as stack:
            sessions = []
            for toolset in toolsets:
                with _told(toolset.name):
                    sessions.append(await stack.enter_async_context(toolset.open()))
            yield cls(sessions, aliases(toolsets))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._sessions)

    @property
    def built_in(self) -> tuple[ToolNamespace, ...]:
        """For the system message."""
        return tuple(self._sessions[name].namespace for name in self._sessions if name in BUILT_IN)

    @property
    def functions(self) -> tuple[ToolNamespace, ...]:
        """For the developer message."""
        return tuple(self._sessions[name].namespace for name in self._sessions if name not in BUILT_IN)

    def find(self, recipient: str) -> tuple[str, ToolSession | None]:
        """The namespace that a recipient means and its session; a bare name may be that of a function."""
        name = recipient.partition(".")[0]
        if name not in self._sessions:
            for space, session in self._sessions.items():
                if recipient in (tool.name for tool in session.namespace.tools):
                    return space, session
        return name, self._sessions.get(name)

    def recall(self, tallies: Mapping[str, Tally]) -> None:
        """Tells function tools how often earlier processes of the run called them. tallies: by recipient."""
        for recipient, tally in tallies.items():
            _, session = self.find(recipient)
            if isinstance(session, FunctionSession):
                session.recall(recipient, tally)

    def restore(self, memories: Mapping[str, Sequence[Any]]) -> set[str]:
        """Gives sessions back what earlier calls of the run left, by namespace; returns those that so lost nothing."""
        restored = set()
        for name, session in self._sessions.items():
            if isinstance(session, Restorable):
                session.restore(memories.get(name, ()))
                restored.add(name)
        return restored

    def citations(self, answer: str) -> list[Citation]:
        """What an answer names of what was read in the run, in its order."""
        sessions = (session for session in self._sessions.values() if isinstance(session, Citing))
        found = [citation for session in sessions for citation in session.citations(answer)]
        return sorted(found, key=lambda citation: citation.start)

    def unknown(self, recipient: str) -> str:
        """What the model reads when it calls what is not there."""
        spaces = (session.namespace for session in self._sessions.values())
        known = [name for space in spaces for name in _recipients(space)]
        near = get_close_matches(recipient, known) or known[:20]
        return f"no tool {recipient[:80]!r}; there is: {', '.join(near) or 'none'}"


def _recipients(space: ToolNamespace) -> list[str]:
    return [f"{space.name}.{tool.name}" for tool in space.tools] or [space.name]
