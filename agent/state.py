"""Where a run stands: what the loop changes as it goes, and what `resume` derives from the events of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cadenza.harmony import Message, Transcript

from .events import ApprovalGiven, ToolCallReady, Usage


@dataclass(slots=True, kw_only=True)
class RunState:
    """turns: finished; calls: announced; same: how often in a row the last one was made; called: recipients whose calls
    were made; unfit: answers that were not what they have to be.

    said: what the last finished turn said last, as long as nothing has come of it; ready: a call that was announced and
    has no result, given: what was said when somebody was asked, started: whether it was begun; lost: namespaces whose
    earlier calls were made by another process; memories: what those calls left for their session, in order.
    """

    transcript: Transcript
    usage: Usage = field(default_factory=Usage)
    turns: int = 0
    calls: int = 0
    same: int = 0
    called: set[str] = field(default_factory=set)
    unfit: int = 0
    said: Message | None = None
    ready: ToolCallReady | None = None
    given: ApprovalGiven | None = None
    started: bool = False
    lost: set[str] = field(default_factory=set)
    memories: dict[str, list[Any]] = field(default_factory=dict)
    _last: tuple[str, str] | None = None

    def announce(self, ready: ToolCallReady) -> None:
        """A call that is to be made."""
        call = ready.recipient, ready.arguments
        self.calls, self.same, self._last = ready.call, self.same + 1 if call == self._last else 1, call
        self.ready, self.given, self.started = ready, None, False

    def answered(self, status: str) -> None:
        """The call has its result."""
        if self.ready is not None and status != "denied":
            self.called.add(self.ready.recipient)
        self.said, self.ready, self.given, self.started = None, None, None, False
