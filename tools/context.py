"""`ToolContext`: what a tool may know of the run that calls it.

The agent makes one per call and activates it around the call; a function that has a parameter annotated
`ToolContext[...]` gets it injected, and any other toolset can ask for `ToolContext.current()`. It travels in a context
variable, so the protocol of toolsets stays two strings in, one result out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Deps = TypeVar("Deps", covariant=True)


def _nowhere(text: str) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, kw_only=True)
class ToolContext(Generic[Deps]):
    """One call, seen from inside the tool.

    deps: the agent's own dependencies; run: its id; call: the call's number in the run, from 1;
    on_progress: what `progress` passes its text to, called in the thread of the event loop.
    """

    deps: Deps
    run: str = ""
    call: int = 0
    on_progress: Callable[[str], None] = field(default=_nowhere, repr=False)

    def progress(self, text: str) -> None:
        """Shows `text` to who watches the run; the model does not read it. May be called from any thread.

        Does nothing once the call is over, as in a thread that outlived its time limit.
        """
        self.on_progress(text)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Makes this the context of the calls inside the block, which must not contain a `yield`."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    @staticmethod
    def current() -> ToolContext[Any]:
        """The context of the call that is being answered; outside of one, a context without deps."""
        return _current.get() or ToolContext(deps=None)


_current: ContextVar[ToolContext[Any] | None] = ContextVar("cadenza_tool_context", default=None)
