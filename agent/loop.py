"""The loop: ask the model, route its calls, until it answers.

Each prompt is the previous one plus the ids that were sampled plus what was appended: nothing is rendered twice.
The recipient decides what a call is, not the channel. A call to a tool that is not there is answered, not fatal.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from difflib import get_close_matches

from cadenza.harmony import (
    TURN_STOP_TOKENS,
    Channel,
    Effort,
    Message,
    MessageFinished,
    ParseEvent,
    Parser,
    Role,
    TextDelta,
    Transcript,
)
from cadenza.model import Sampling, TokenEngine
from cadenza.tools import ToolResult, ToolSession

from .errors import LimitError, RunError
from .events import (
    AnswerDelta,
    Ephemeral,
    Event,
    InputAdded,
    PreambleDelta,
    ReasoningDelta,
    Repaired,
    RunFinished,
    RunStarted,
    StateLost,
    ToolCallDelta,
    ToolCallReady,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    Usage,
)
from .limits import Clock, Limits

_NOBODY = (None, "all", "user", Role.ASSISTANT)
"""Recipients that are no tool."""


@dataclass(slots=True, kw_only=True)
class Loop:
    """One run in progress. transcript: empty, or an earlier run's, renewed for the next user turn."""

    run: str
    model: str
    engine: TokenEngine
    transcript: Transcript
    effort: Effort
    sampling: Sampling
    limits: Limits
    tools: Mapping[str, ToolSession] = field(default_factory=dict)  # by namespace
    usage: Usage = field(default_factory=Usage)
    calls: int = 0
    _turn: list[MessageFinished] = field(default_factory=list)
    _clock: Clock = field(init=False)

    async def __call__(self, inputs: tuple[Message, ...], surviving: int) -> AsyncGenerator[Event, None]:
        """Runs to the answer. Raises LimitError, RunError, and what engines and tools raise."""
        yield RunStarted(run=self.run, model=self.model, effort=self.effort, tools=tuple(self.tools))
        self._clock = Clock(self.limits.time)
        for message in inputs:
            self.transcript.append(message)
        yield InputAdded(run=self.run, messages=inputs, surviving=surviving)
        for turn in range(1, self.limits.turns + 1):
            async with aclosing(self._sample(turn)) as sampled:
                async for event in sampled:
                    yield event
            last = self._turn[-1].message if self._turn else None
            if last is not None and last.role is Role.ASSISTANT and last.recipient not in _NOBODY:
                async with aclosing(self._call(last)) as called:
                    async for event in called:
                        yield event
            elif last is not None and last.channel == Channel.FINAL:
                yield RunFinished(
                    run=self.run,
                    answer=last.text,
                    turns=turn,
                    usage=self.usage,
                    ids=self.transcript.ids,
                    spans=self.transcript.spans,
                )
                return
            else:
                spoken = f"a message on {last.channel or 'no'} channel" if last is not None else "nothing"
                raise RunError(f"the model ended its turn with {spoken}: neither a tool call nor a final answer")
        raise LimitError("turns", limit=self.limits.turns, value=self.limits.turns)

    async def _sample(self, turn: int) -> AsyncGenerator[Event, None]:
        """Asks the model once; leaves the turn's messages in `_turn`."""
        self.transcript.open_turn()
        prompt = self.transcript.ids
        yield TurnStarted(run=self.run, turn=turn, prompt_tokens=len(prompt))
        parser, self._turn, ids = Parser(self.transcript.vocabulary), [], list[int]()
        stop: int | None = None
        allowed = min(self.limits.turn_tokens, self.limits.tokens - self.usage.sampled)
        stream = self.engine.generate(prompt, self.sampling, stop=TURN_STOP_TOKENS, limit=allowed)
        async with aclosing(stream) as tokens:
            while token := await self._clock.within(anext(tokens, None)):
                ids.append(token.id)
                self.transcript.extend([token.id], token.provenance)
                for event in self._heard(parser.feed([token.id])):
                    yield event
                if self._turn and _ends_turn(self._turn[-1].message):
                    stop = token.id
                    break
        for event in self._heard(parser.finish()):
            yield event
        usage = Usage(prompt=len(prompt), sampled=len(ids))
        self.usage += usage
        if self.transcript.ids[: len(prompt)] != prompt or self.transcript.ids[len(prompt) :] != tuple(ids):
            raise AssertionError("the transcript is not the prompt plus what was sampled")
        yield TurnFinished(run=self.run, turn=turn, ids=tuple(ids), stop=stop, usage=usage)
        if stop is None and self.usage.sampled >= self.limits.tokens:
            raise LimitError("sampled tokens", limit=self.limits.tokens, value=self.usage.sampled)
        if stop is None and len(ids) >= allowed:
            raise LimitError("tokens in one turn", limit=self.limits.turn_tokens, value=len(ids))
        if stop is None and self._turn and self._turn[-1].ended_by is None:
            raise RunError(f"the model's context of {self.engine.capabilities.context} tokens is full")

    async def _call(self, message: Message) -> AsyncGenerator[Event, None]:
        """Answers a call, and appends the result on the channel of the call."""
        recipient = message.recipient or ""
        self.calls += 1
        yield ToolCallReady(run=self.run, call=self.calls, recipient=recipient, arguments=message.text)
        if self.calls > self.limits.tool_calls:
            raise LimitError("tool calls", limit=self.limits.tool_calls, value=self.calls)
        yield ToolStarted(run=self.run, call=self.calls)
        session = self.tools.get(recipient.partition(".")[0])
        if session is None:
            near = get_close_matches(recipient, self.tools, cutoff=0) or ["none"]
            result = ToolResult(text=f"no tool {recipient!r}; there is: {', '.join(near)}", status="error")
        else:
            result = await self._clock.within(session.call(recipient, message.text))
        channel = message.channel or Channel.COMMENTARY
        self.transcript.append(Message.tool(recipient, result.text, channel=channel))
        yield ToolFinished(
            run=self.run,
            call=self.calls,
            text=result.text,
            status=result.status,
            backend=result.backend,
            seconds=result.seconds,
        )
        if result.state == "lost":
            yield StateLost(run=self.run, call=self.calls, backend=result.backend)

    def _heard(self, events: list[ParseEvent]) -> list[Event]:
        """What the parser reports, as events of the run."""
        heard: list[Event] = []
        for event in events:
            match event:
                case TextDelta():
                    heard.append(self._delta(event))
                case MessageFinished():
                    self._turn.append(event)
                    if event.repairs:
                        heard.append(Repaired(run=self.run, repairs=event.repairs))
        return heard

    def _delta(self, delta: TextDelta) -> Ephemeral:
        if delta.header.recipient not in _NOBODY:
            return ToolCallDelta(run=self.run, recipient=delta.header.recipient or "", text=delta.text)
        match delta.header.channel:
            case Channel.FINAL:
                return AnswerDelta(run=self.run, text=delta.text)
            case Channel.COMMENTARY:
                return PreambleDelta(run=self.run, text=delta.text)
            case _:
                return ReasoningDelta(run=self.run, text=delta.text)


def _ends_turn(message: Message) -> bool:
    """A call or a final answer, whichever token the model closed it with."""
    return message.recipient not in _NOBODY or message.channel == Channel.FINAL
