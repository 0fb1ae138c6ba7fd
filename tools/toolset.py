"""What the agent knows of tools: a toolset is opened for a run, presents itself to the model and answers calls."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from cadenza.harmony import ToolNamespace


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a call came to.

    text: what the model reads; status: how it went; state: whether what earlier calls built up is still there;
    backend: what ran it, such as "bubblewrap"; seconds: wall time.
    """

    text: str
    status: Literal["ok", "error", "timeout", "killed"] = "ok"
    state: Literal["kept", "lost"] = "kept"
    backend: str = "host"
    seconds: float = 0.0


class ToolSession(Protocol):
    """An open toolset: one run's worth of state."""

    @property
    def namespace(self) -> ToolNamespace:
        """How the model sees it. Calls go to the namespace's name, or to `name.function`."""

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        """Answers one call. A tool's failure is a result that says so; raises only what must end the run."""


class Toolset(Protocol):
    """A group of tools with a lifecycle."""

    @property
    def name(self) -> str:
        """The name of its namespace."""

    def open(self) -> AbstractAsyncContextManager[ToolSession]:
        """Starts what the tools need; nothing of it outlives the block. Raises ToolError if it cannot be had."""
