"""What happens in a run, as frozen values, and their JSON form.

Durable events tell all that a run did; ephemeral ones (the deltas, and a tool's progress) are for live views and add
nothing to that. `at` is the time in seconds since the epoch; `run` names the run; `seq` counts a run's durable events
from 1. An event that made the transcript longer holds the ids, and the spans that tell where they come from.
"""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, TypeGuard, get_args

from pydantic import PlainSerializer, PlainValidator, TypeAdapter

from cadenza.harmony import Effort, HarmonyError, Message, Repair, Span
from cadenza.model import Mask
from cadenza.tools import Citation


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens. prompt: read, over all turns, counting each once per turn; sampled: written by the model."""

    prompt: int = 0
    sampled: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(prompt=self.prompt + other.prompt, sampled=self.sampled + other.sampled)


def _message(value: Any) -> Message:
    try:
        return value if isinstance(value, Message) else Message.from_json(value)
    except HarmonyError as error:
        raise ValueError(str(error)) from None


_Bytes: TypeAlias = Annotated[
    bytes,
    PlainValidator(lambda value: value if isinstance(value, bytes) else b64decode(value, validate=True)),
    PlainSerializer(lambda value: b64encode(value).decode(), when_used="json"),
]
_Message: TypeAlias = Annotated[Message, PlainValidator(_message), PlainSerializer(Message.to_json)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    run: str
    at: float = field(default_factory=time.time)
    seq: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(_Event):
    """task: what the run was started from, so that another process can go on with it; None if it came from code.

    mask: how much of a turn the model is held to; ids: whether the history is what it sampled, id for id, and not text
    for text. Logs of version 2 and before say neither. called: whose results are in the history that the run goes on
    from; logs of version 4 and before do not say.
    """

    model: str
    effort: Effort
    tools: tuple[str, ...]
    task: Mapping[str, Any] | None = None
    mask: Mask = "none"
    ids: bool = True
    called: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(_Event):
    """Another process goes on with the run. turn: the last one that was finished."""

    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InputAdded(_Event):
    """Messages that were rendered into the transcript.

    surviving: how many of its earlier ids stay as they were; ids, spans: the whole transcript with the messages.
    """

    messages: tuple[_Message, ...]
    surviving: int
    ids: tuple[int, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted(_Event):
    """The model is asked. turn: from 1; prompt_tokens: the whole prompt; ids: what was appended to ask for the turn."""

    turn: int
    prompt_tokens: int
    ids: tuple[int, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFinished(_Event):
    """ids: what was sampled, in order; spans: where they come from; stop: the id that ended it, None if it was cut."""

    turn: int
    ids: tuple[int, ...]
    spans: tuple[Span, ...]
    stop: int | None
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired(_Event):
    """The parser mended what the model sampled."""

    repairs: tuple[Repair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallReady(_Event):
    """The model calls a tool. recipient: "python" or "functions.name"; channel: of the call, and so of its result;
    namespace: of the tool that the recipient means, empty in logs of version 1.
    """

    call: int
    recipient: str
    arguments: str
    channel: str
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAsked(_Event):
    """A call may be made only if somebody says yes. reason: the rule, or the tool, that wants it so."""

    call: int
    recipient: str
    arguments: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalGiven(_Event):
    """What was said. by: "user", or "nobody" where there was nobody to ask."""

    call: int
    approved: bool
    by: Literal["user", "nobody"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted(_Event):
    call: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinished(_Event):
    """text: what the model reads; seconds: wall time; backend: what ran it; ids: the text as it was appended;
    repairs: what was mended in the arguments; reached: whether it came as far as the tool's own code; memory: what the
    tool's session is given back when the run is resumed.
    """

    call: int
    text: str
    status: Literal["ok", "error", "timeout", "killed", "denied"]
    backend: str
    seconds: float
    repairs: tuple[str, ...] = ()
    reached: bool = True
    ids: tuple[int, ...]
    spans: tuple[Span, ...]
    memory: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact(_Event):
    """A file or an image that a call made. data: its bytes, in JSON as base64."""

    call: int
    name: str
    media_type: str
    data: _Bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLost(_Event):
    """A tool's session died with all that earlier calls had built up, or with what this one had: `rolled_back`."""

    call: int
    backend: str
    state: Literal["lost", "rolled_back"] = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputInvalid(_Event):
    """The answer is not what it has to be, and the model was told. surviving, ids, spans: as of InputAdded."""

    faults: tuple[str, ...]
    surviving: int
    ids: tuple[int, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftToValidation(_Event):
    """What the engine's masks do not hold a call or the final answer to: it is validated afterwards, as all are.

    end: the call's recipient, or "the final answer"; what: such as "`not` at $.a", or why nothing of a schema holds.
    """

    end: str
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAliased(_Event):
    """The model calls a tool by another name, since gpt-oss has a tool of its own of the same."""

    name: str
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRetry(_Event):
    """The run goes on with another model.

    errors: of each that failed, with its name; the rest is of the model from now on, as in RunStarted.
    """

    errors: tuple[str, ...]
    model: str
    mask: Mask
    ids: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitHit(_Event):
    kind: str
    limit: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(_Event):
    """The answer, what it cost, and the provenance of every id of the transcript.

    citations: the sources that the answer names, by their places in it.
    """

    answer: str
    turns: int
    usage: Usage
    ids: tuple[int, ...]
    spans: tuple[Span, ...]
    citations: tuple[Citation, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProgress(_Event):
    """What a tool says of itself while it runs."""

    call: int
    text: str


Durable: TypeAlias = (
    RunStarted
    | RunResumed
    | InputAdded
    | TurnStarted
    | TurnFinished
    | Repaired
    | ToolCallReady
    | ApprovalAsked
    | ApprovalGiven
    | ToolStarted
    | ToolFinished
    | Artefact
    | StateLost
    | OutputInvalid
    | LeftToValidation
    | ToolAliased
    | EngineRetry
    | LimitHit
    | RunFinished
    | RunFailed
)
Ephemeral: TypeAlias = ReasoningDelta | PreambleDelta | ToolCallDelta | AnswerDelta | ToolProgress
Event: TypeAlias = Durable | Ephemeral


def is_durable(event: Event) -> TypeGuard[Durable]:
    return isinstance(event, get_args(Durable))


@cache
def _adapters() -> dict[str, TypeAdapter[Event]]:
    return {kind.__name__: TypeAdapter(kind) for kind in get_args(Event)}


def to_json(event: Event) -> dict[str, Any]:
    """An event as plain JSON data, with its `type`."""
    name = type(event).__name__
    fields: dict[str, Any] = _adapters()[name].dump_python(event, mode="json")
    return {"type": name} | fields


def from_json(data: Mapping[str, Any]) -> Event:
    """The event of `to_json`. Raises ValueError (pydantic's ValidationError among them) for anything else."""
    fields = dict(data)
    adapter = _adapters().get(str(fields.pop("type", None)))
    if adapter is None:
        raise ValueError(f"no event has the type {data.get('type')!r}")
    return adapter.validate_python(fields)
