"""Names that gpt-oss knows from its training mean its own tools. A user's tool of such a name gets another.

A function is safe in its namespace, `functions.python`. A toolset is opened under a name of its own, and answers to
that; it does not know.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from cadenza.harmony import ToolNamespace
from cadenza.tools import FunctionToolset, ToolResult, ToolSession, Toolset, Traits

BUILT_IN: Final = ("python", "browser")
"""Namespaces that stand in the system message."""


def aliased(toolset: Toolset) -> Toolset:
    """The toolset, or the same under another name if its own is taken."""
    if toolset.name not in BUILT_IN or _is_ours(toolset):
        return toolset
    return Aliased(toolset, f"{toolset.name}_tool")


def aliases(toolsets: Sequence[Toolset]) -> tuple[tuple[str, str], ...]:
    """What tools are called, and what the model calls them, where that differs or could be misunderstood."""
    named = [(each.toolset.name, each.name) for each in toolsets if isinstance(each, Aliased)]
    for each in toolsets:
        if isinstance(each, FunctionToolset):
            named += [(tool.name, f"{each.name}.{tool.name}") for tool in each.tools if tool.name in BUILT_IN]
    return tuple(named)


def _is_ours(toolset: Toolset) -> bool:
    package = f"cadenza.tools.{toolset.name}."
    return any(f"{kind.__module__}.".startswith(package) for kind in type(toolset).__mro__)


@dataclass(frozen=True, slots=True)
class Aliased:
    """A toolset under another name."""

    toolset: Toolset
    name: str

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AliasedSession]:
        async with self.toolset.open() as session:
            yield AliasedSession(session, self.name)


class AliasedSession:
    """Its calls go on to the session, under the name that this knows."""

    def __init__(self, session: ToolSession, name: str) -> None:
        self._session = session
        self.namespace: ToolNamespace = replace(session.namespace, name=name)

    def traits(self, recipient: str) -> Traits:
        return self._session.traits(self._known(recipient))

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        return await self._session.call(self._known(recipient), arguments)

    def _known(self, recipient: str) -> str:
        space, dot, function = recipient.partition(".")
        return f"{self._session.namespace.name}{dot}{function}" if space == self.namespace.name else recipient
