"""The loop: ask the model, route its calls, until it answers.

Each prompt is the previous one plus the ids that were sampled plus what was appended: nothing is rendered twice.
A call to a tool that is not there is answered, not fatal. An event is yielded before what it announces is done, so
whoever journals it can go on from any point: see `resume`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import Any

from cadenza.harmony import TURN_STOP_TOKENS, Effort, Message, Parser, is_call
from cadenza.model import ConstraintError, ModelError, Sampled, Sampling

from .approval import Approvals, Approver
from .calls import Calls
from .errors import RunError
from .events import (
    EngineRetry,
    Event,
    InputAdded,
    LeftToValidation,
    RunResumed,
    RunStarted,
    ToolAliased,
    TurnFinished,
    TurnStarted,
    Usage,
)
from .limits import Clock, Limits
from .masks import Masks
from .models import Models
from .output import Output, ask_again
from .secrets import Redactor
from .state import RunState, said_in
from .toolbox import Toolbox
from .turn import Turn, is_answer


@dataclass(slots=True, kw_only=True)
class Loop:
    """One run in progress. state: a new one's, or that of a run that is gone on with; masks_of: for another model."""

    run: str
    models: Models
    masks_of: Callable[[Loop], Masks | None]
    effort: Effort
    sampling: Sampling
    limits: Limits
    state: RunState
    redactor: Redactor  # of what tools return, and of what is told of a failure
    tools: Toolbox = field(default_factory=Toolbox)
    deps: Any = None  # of the tools
    approvals: Approvals = field(default_factory=Approvals)
    approver: Approver | None = None
    output: Output[Any] | None = None  # what the answer has to be
    masks: Masks | None = None  # what turns are held to, where the engine can
    _clock: Clock = field(init=False)

    async def begin(
        self, inputs: tuple[Message, ...], surviving: int, task: Mapping[str, Any] | None
    ) -> AsyncGenerator[Event, None]:
        """Runs to the answer. Raises LimitError, RunError, and what engines and tools raise."""
        missed = self._missed()
        told = self.models.guarantee(self.masks)
        called = tuple(sorted(self.state.called))
        yield RunStarted(run=self.run, effort=self.effort, tools=self.tools.names, task=task, called=called, **told)
        self.state.transcript.append(*inputs)
        ids, spans = self.state.transcript.since(0)
        yield InputAdded(run=self.run, messages=inputs, surviving=surviving, ids=ids, spans=spans)
        if missed:
            yield EngineRetry(run=self.run, errors=missed, **told)
        async with aclosing(self._go_on()) as events:
            async for event in events:
                yield event

    async def resume(self) -> AsyncGenerator[Event, None]:
        """Goes on from where the run stands. Raises as `begin` does."""
        self.tools.recall(self.state.tallies)
        self.state.lost -= self.tools.restore(self.state.memories)
        yield RunResumed(run=self.run, turn=self.state.turns)
        async with aclosing(self._go_on()) as events:
            async for event in events:
                yield event

    async def _go_on(self) -> AsyncGenerator[Event, None]:
        self._clock = Clock(self.limits.time)
        calls = self._calls()
        for end, what in self.masks.beyond() if self.masks is not None else ():
            yield LeftToValidation(run=self.run, end=end, what=what)
        for name, alias in self.tools.aliases:
            yield ToolAliased(run=self.run, name=name, alias=alias)
        while True:
            if not self.state.said:
                async with aclosing(self._sample()) as sampled:
                    async for event in sampled:
                        yield event
            said = self.state.said[-1] if self.state.said else None
            if said is not None and is_call(said):
                async with aclosing(calls.answer(self.state.said)) as called:
                    async for event in called:
                        yield event
                continue
            self.state.said = ()
            if said is not None and is_answer(said) and self.output and (faults := self.output.faults(said.text)):
                yield ask_again(self.run, self.state, said.text, faults)
            elif said is not None and is_answer(said):
                citations = map(self.redactor.citation, self.tools.citations(said.text))
                yield self.state.answered(self.run, said.text, tuple(citations))
                return
            else:
                spoken = f"a message on {said.channel or 'no'} channel" if said is not None else "nothing"
                raise RunError(f"the model ended its turn with {spoken}: neither a tool call nor a final answer")

    def _stream(self, prompt: Sequence[int], limit: int) -> AsyncGenerator[Sampled, None]:
        grammar = None if self.masks is None else self.masks.of_turn(self.state.calls)
        engine = self.models.engine
        return engine.generate(prompt, self.sampling, stop=TURN_STOP_TOKENS, limit=limit, constraint=grammar)

    def _fall_back(self, error: ModelError) -> EngineRetry:
        """To the next model. Raises the error where there is none."""
        self.models.fall_back(error, self.state.transcript.vocabulary)
        self.state.transcript.vocabulary = self.models.engine.vocabulary
        self.masks = self.masks_of(self)
        return EngineRetry(run=self.run, errors=self._missed(), **self.models.guarantee(self.masks))

    def _missed(self) -> tuple[str, ...]:
        """What was wrong with the models before the one in use, told once."""
        missed, self.models.missed = tuple(map(self.redactor.text, self.models.missed)), []
        return missed

    def _calls(self) -> Calls:
        return Calls(
            run=self.run,
            state=self.state,
            tools=self.tools,
            limits=self.limits,
            clock=self._clock,
            deps=self.deps,
            approvals=self.approvals,
            approver=self.approver,
            redactor=self.redactor,
        )

    async def _sample(self) -> AsyncGenerator[Event, None]:
        """Asks the model once; leaves what it said last in `said`."""
        allowed = self.limits.of_turn(self.state.turns, self.state.usage.sampled)
        before = len(self.state.transcript)
        prompt = self.state.transcript.prompt()
        opened, spans = self.state.transcript.since(before)
        yield TurnStarted(run=self.run, turn=self.state.turns + 1, prompt_tokens=len(prompt), ids=opened, spans=spans)
        ids = list[int]()
        stop: int | None = None
        token: Sampled | None = None
        async with AsyncExitStack() as streams:
            while True:
                tokens = await streams.enter_async_context(aclosing(self._stream(prompt, allowed)))
                try:
                    token = await self._clock.within(anext(tokens, None))
                    break
                except ConstraintError as refusal:
                    if self.masks is None:
                        raise
                    end = self.masks.loosen(refusal)
                    yield LeftToValidation(run=self.run, end=end, what=(f"its whole schema ({refusal.reason})",))
                except ModelError as error:
                    yield self._fall_back(error)
            parser = Parser(self.state.transcript.vocabulary)
            turn = Turn(self.run, several_calls=self.models.engine.capabilities.several_calls)
            while token is not None:
                ids.append(token.id)
                self.state.transcript.extend([token.id], token.provenance)
                for event in turn.hear(parser.feed([token.id])):
                    yield event
                if turn.over:
                    stop = token.id
                    break
                token = await self._clock.within(anext(tokens, None))
        if token is None and ids and ids[-1] in TURN_STOP_TOKENS:  # after several calls, say
            stop = ids[-1]
        for event in turn.hear(parser.finish()):
            yield event
        self.state.said = said_in([finished.message for finished in turn.messages])
        self.state.turns += 1
        usage = Usage(prompt=len(prompt), sampled=len(ids))
        self.state.usage += usage
        if self.state.transcript.ids[: len(prompt)] != prompt or self.state.transcript.ids[len(prompt) :] != tuple(ids):
            raise AssertionError("the transcript is not the prompt plus what was sampled")
        _, spans = self.state.transcript.since(len(prompt))
        yield TurnFinished(run=self.run, turn=self.state.turns, ids=tuple(ids), spans=spans, stop=stop, usage=usage)
        if stop is None:
            self.limits.cut(len(ids), self.state.usage.sampled)
            if turn.messages and turn.messages[-1].ended_by is None:
                raise RunError(f"the model's context of {self.models.engine.capabilities.context} tokens is full")
