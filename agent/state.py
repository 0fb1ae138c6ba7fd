"""Where a run stands: what the loop changes as it goes, and what `resume` derives from the events of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from cadenza.harmony import Message, Transcript

from .events import ToolCallReady, Usage


@dataclass(slots=True, kw_only=True)
class RunState:
    """turns: finished; calls: announced; unfit: answers that were not what they have to be.

    said: what the last finished turn said last, as long as nothing has come of it; ready: a call that was announced and
    has no result, started: whether it was begun; lost: namespaces whose earlier calls were made by another process.
    """

    transcript: Transcript
    usage: Usage = field(default_factory=Usage)
    turns: int = 0
    calls: int = 0
    unfit: int = 0
    said: Message | None = None
    ready: ToolCallReady | None = None
    started: bool = False
    lost: set[str] = field(default_factory=set)
