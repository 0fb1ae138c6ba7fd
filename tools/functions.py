"""`FunctionToolset`: function tools under one namespace, `functions` unless they have one of their own.

For tools that share a resource, write a toolset whose `open` starts it, decorates closures or bound methods, and
yields what `FunctionToolset([...], name=...).open()` gives.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass
from difflib import get_close_matches
from typing import Any, Final

from cadenza.harmony import ToolNamespace

from .context import ToolContext
from .decorator import FunctionTool, check_name
from .errors import ToolError
from .invoke import Tally, invoke
from .toolset import ToolResult, Traits

_MAX_NAMED: Final = 20  # of the tools that there are, when the model asks for one that there is not


@dataclass(frozen=True)
class FunctionToolset:
    """Function tools as one toolset.

    name, description: of the namespace; stateful: calls build on what earlier ones left in this process;
    result_bytes: UTF-8 that the model reads of one result, None for as much as usual.

    Raises ToolError if two tools have one name.
    """

    tools: Sequence[FunctionTool[..., Any]]
    _: KW_ONLY
    name: str = "functions"
    description: str | None = None
    stateful: bool = False
    result_bytes: int | None = None

    def __post_init__(self) -> None:
        check_name(self.name, f"toolset {self.name!r}")
        if self.result_bytes is not None and self.result_bytes < 1:
            raise ToolError(f"toolset {self.name!r}: result_bytes must be at least 1, not {self.result_bytes}")
        seen = set[str]()
        for tool in self.tools:
            if not isinstance(tool, FunctionTool):
                named = getattr(tool, "__name__", type(tool).__name__)
                raise ToolError(f"toolset {self.name!r}: {named} is no function tool; decorate it with @tool")
            if tool.name in seen:
                raise ToolError(f"toolset {self.name!r}: two tools are called {tool.name!r}; pass @tool(name=...)")
            seen.add(tool.name)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FunctionSession]:
        yield FunctionSession(self)


class FunctionSession:
    """The function tools of one run, and how often each was called."""

    def __init__(self, toolset: FunctionToolset) -> None:
        described = tuple(tool.described for tool in toolset.tools)
        self.namespace = ToolNamespace(name=toolset.name, description=toolset.description, tools=described)
        self._stateful = toolset.stateful
        self._tools = {tool.name: tool for tool in toolset.tools}
        self._tallies = {name: Tally() for name in self._tools}
        self._result_bytes = toolset.result_bytes

    def find(self, recipient: str) -> FunctionTool[..., Any] | None:
        """The tool that `functions.NAME`, or a bare `NAME`, calls."""
        return self._tools.get(recipient.removeprefix(f"{self.namespace.name}."))

    def traits(self, recipient: str) -> Traits:
        """As the tool was declared. A function that is not there may be called as often as one likes."""
        tool = self.find(recipient)
        if tool is None:
            return Traits(stateful=self._stateful, repeatable=True, result_bytes=self._result_bytes)
        return Traits(
            stateful=self._stateful,
            repeatable=tool.idempotent,
            needs_approval=tool.needs_approval,
            reads_private=tool.reads_private,
            reads_untrusted=tool.reads_untrusted,
            sends_out=tool.sends_out,
            result_bytes=self._result_bytes,
        )

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        """Answers one call. Raises ToolFatal."""
        tool = self.find(recipient)
        if tool is None:
            return no_function(recipient, self.namespace)
        return await invoke(tool, arguments, ToolContext.current(), self._tallies[tool.name])

    def recall(self, recipient: str, tally: Tally) -> None:
        """Counts calls of earlier processes of the run, too."""
        tool = self.find(recipient)
        if tool is not None:
            self._tallies[tool.name].ran += tally.ran
            self._tallies[tool.name].failures = tally.failures


def no_function(recipient: str, space: ToolNamespace) -> ToolResult:
    """What the model reads when it calls a function that its namespace does not have."""
    names = [tool.name for tool in space.tools]
    near = get_close_matches(recipient.removeprefix(f"{space.name}."), names)
    told = [f"{space.name}.{name}" for name in near or names[:_MAX_NAMED]]
    hint = f"did you mean {' or '.join(told)}?" if near else f"there is {', '.join(told) or 'none'}"
    return ToolResult(text=f"no function {recipient[:80]!r}; {hint}", status="error", reached=False)
