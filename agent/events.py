"""What happens in a run, as frozen values.

Durable events tell all that a run did; ephemeral ones (the deltas) are for live views and repeat what durable ones
say. `at` is the time in seconds since the epoch; `run` names the run.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from cadenza.harmony import Effort, Message, Repair, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens. prompt: read, over all turns, counting each once per turn; sampled: written by the model."""

    prompt: int = 0
    sampled: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(prompt=self.prompt + other.prompt, sampled=self.sampled + other.sampled)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    run: str
    at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(_Event):
    model: str
    effort: Effort
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputAdded(_Event):
    """Messages that were rendered into the transcript; surviving: how many of its earlier ids stay as they were."""

    messages: tuple[Message, ...]
    surviving: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted(_Event):
    """The model is asked. turn: from 1; prompt_tokens: the whole prompt."""

    turn: int
    prompt_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFinished(_Event):
    """ids: what was sampled, in order; stop: the id that ended it, None if it was cut."""

    turn: int
    ids: tuple[int, ...]
    stop: int | None
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired(_Event):
    """The parser mended what the model sampled."""

    repairs: tuple[Repair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallReady(_Event):
    """The model calls a tool. recipient: "python" or "functions.name"."""

    call: int
    recipient: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted(_Event):
    call: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinished(_Event):
    """text: what the model reads; seconds: wall time; backend: what ran it."""

    call: int
    text: str
    status: Literal["ok", "error", "timeout", "killed"]
    backend: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLost(_Event):
    """A tool's session died with all that earlier calls had built up."""

    call: int
    backend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitHit(_Event):
    kind: str
    limit: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(_Event):
    """The answer, what it cost, and the provenance of every id of the transcript."""

    answer: str
    turns: int
    usage: Usage
    ids: tuple[int, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed(_Event):
    """No answer. error: one line."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningDelta(_Event):
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreambleDelta(_Event):
    """Commentary for the user before a call."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallDelta(_Event):
    recipient: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDelta(_Event):
    text: str


Durable: TypeAlias = (
    RunStarted
    | InputAdded
    | TurnStarted
    | TurnFinished
    | Repaired
    | ToolCallReady
    | ToolStarted
    | ToolFinished
    | StateLost
    | LimitHit
    | RunFinished
    | RunFailed
)
Ephemeral: TypeAlias = ReasoningDelta | PreambleDelta | ToolCallDelta | AnswerDelta
Event: TypeAlias = Durable | Ephemeral
