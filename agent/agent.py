"""`Agent`: a frozen configuration, and the three ways to run it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from itertools import count
from pathlib import Path
from typing import Any, Generic, cast

import anyio

from cadenza.harmony import (
    Channel,
    DeveloperContent,
    Effort,
    HarmonyError,
    JsonObject,
    Message,
    Policy,
    SystemContent,
    ToolChoice,
    Transcript,
    TurnSpec,
    Vocabulary,
    o200k_harmony,
)
from cadenza.model import DEFAULT, LocalModel, ModelError, Sampling, TokenEngine
from cadenza.tools import Citation, ToolError

from .approval import Approvals, Approver
from .errors import AgentError, JournalError, LimitError, UserError, told
from .events import Durable, Event, LimitHit, RunFailed, RunFinished, RunStarted, Usage, is_durable
from .journal import Journal
from .limits import Limits
from .loop import Loop
from .masks import Masks
from .models import Models
from .output import O, Output, output_of
from .resume import Progress
from .secrets import Redactor, of_environment
from .state import RunState, called_in
from .toolbox import AnyTool, Toolbox, toolsets_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult(Generic[O]):
    """An answered run.

    output: the answer as the agent's `output` wants it; transcript: the next run's `history`; citations: the sources
    that the answer names, by their places in its text.
    """

    output: O
    run: str
    turns: int
    usage: Usage
    transcript: Transcript
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Agent(Generic[O]):
    """A model, its tools, and what it is told.

    model: "nano", a checkpoint folder, a `LocalModel`, or an engine; fallbacks: models for a turn that this one fails
        to begin, in their order, each from then on
    tools: names of toolsets, toolsets, functions with @tool
    deps: what the tools' ToolContext carries
    output: what the answer has to be, a type for pydantic or a JSON Schema; None for text
    constrain: hold every turn to its grammar where the engine can
    tool_choice: what the first turn has to be, "auto", "none", "required" or CallTo(recipient); later turns are free
    approvals: which calls may be made, and which only after a yes; approver: who is asked, None for nobody: a no
    secrets: values by name that no tool's result and no error brings to the model or into the log
    examples: questions with their answers, shown as earlier turns
    effort: how long the model reasons
    current_date: free text, today by default
    policy: what reasoning survives from one user turn to the next
    journal: the file in which every run is logged, so that it can be gone on with
    task: what to note there of where this agent comes from
    """

    model: str | LocalModel | TokenEngine = DEFAULT
    fallbacks: Sequence[str | LocalModel | TokenEngine] = ()
    tools: Sequence[AnyTool] = ()
    deps: Any = None
    output: type[O] | JsonObject | None = None
    constrain: bool = True
    tool_choice: ToolChoice = "auto"
    instructions: str | None = None
    approvals: Approvals = field(default_factory=Approvals)
    approver: Approver | None = None
    secrets: Mapping[str, str] = field(default_factory=of_environment, repr=False)
    examples: Sequence[tuple[str, str]] = ()
    effort: Effort = "medium"
    sampling: Sampling = field(default_factory=Sampling)
    limits: Limits = field(default_factory=Limits)
    current_date: str | None = None
    policy: Policy = "per_turn"
    journal: Path | None = None
    task: Mapping[str, Any] | None = None

    async def run(self, input: str, *, history: Transcript | None = None) -> RunResult[O]:
        """Runs to the answer.

        Raises AgentError (LimitError, RunError, UserError, JournalError), ModelError or ToolError, each with a line
        that says what, where and what to do.
        """
        models = self._models()
        return await self._result(models, self._events(models, input, history))

    def run_sync(self, input: str, *, history: Transcript | None = None) -> RunResult[O]:
        """`run`, where no event loop is running."""
        return anyio.run(partial(self.run, input, history=history))

    async def stream(self, input: str, *, history: Transcript | None = None) -> AsyncGenerator[Event, None]:
        """`run`, as its events. A failure is a RunFailed, then the exception. Closing the stream ends the run."""
        async with aclosing(self._events(self._models(), input, history)) as events:
            async for event in events:
                yield event

    async def _events(self, models: Models, input: str, history: Transcript | None) -> AsyncGenerator[Event, None]:
        transcript = Transcript(models.engine.vocabulary)
        if history is not None:  # perhaps of another model: the ids are the same, the vocabulary is not
            transcript.extend_spans(history.ids, history.spans)
        state = RunState(transcript=transcript, called=called_in(transcript))
        loop = self._loop(uuid.uuid4().hex[:12], models, state)
        async with aclosing(self._steps(loop, partial(self._begin, loop, input), seq=0)) as events:
            async for event in events:
                yield event

    async def resume(self, run: str) -> RunResult[O]:
        """Goes on with a run of the journal, in this process, from its last event. Raises as `run` does."""
        progress = self._progress(run)
        if progress.finished is not None:
            return self._result_of(progress.finished, progress.transcript.vocabulary)
        models = self._models()
        return await self._result(models, self._resumed_events(models, progress))

    async def stream_resumed(self, run: str) -> AsyncGenerator[Event, None]:
        """`resume`, as its events. Of a run that has its answer, that is the RunFinished alone."""
        progress = self._progress(run)
        if progress.finished is not None:
            yield progress.finished
            return
        async with aclosing(self._resumed_events(self._models(), progress)) as events:
            async for event in events:
                yield event

    def _progress(self, run: str) -> Progress:
        """Where a run of the journal stands."""
        if self.journal is None:
            raise UserError("an agent without a journal has no runs to go on with; give it journal=...")
        with Journal(self.journal) as journal:
            return Progress.of(journal.events(run), o200k_harmony())  # whichever models have sampled it

    async def _resumed_events(self, models: Models, progress: Progress) -> AsyncGenerator[Event, None]:
        progress.transcript.vocabulary = models.engine.vocabulary
        loop = self._loop(progress.start.run, models, progress)
        async with aclosing(self._steps(loop, loop.resume, seq=progress.seq)) as events:
            async for event in events:
                yield event

    @cached_property
    def _output(self) -> Output[O] | None:
        """Raises UserError."""
        return None if self.output is None else output_of(self.output)

    def _models(self) -> Models:
        """Loads the first that can be. Raises ModelError."""
        return Models([self.model, *self.fallbacks])

    def _loop(self, run: str, models: Models, state: RunState) -> Loop:
        return Loop(
            run=run,
            models=models,
            masks_of=self._masks,
            state=state,
            effort=self.effort,
            sampling=self.sampling,
            limits=self.limits,
            deps=self.deps,
            approvals=self.approvals,
            approver=self.approver,
            redactor=Redactor(self.secrets),
            output=self._output,
        )

    async def _result(self, models: Models, events: AsyncGenerator[Event, None]) -> RunResult[O]:
        async with aclosing(events):
            async for event in events:
                if isinstance(event, RunFinished):
                    finished = event
        return self._result_of(finished, models.engine.vocabulary)

    def _result_of(self, finished: RunFinished, vocabulary: Vocabulary) -> RunResult[O]:
        transcript = Transcript(vocabulary)
        transcript.extend_spans(finished.ids, finished.spans)
        return RunResult(
            output=cast(O, finished.answer) if self._output is None else self._output.read(finished.answer),
            run=finished.run,
            turns=finished.turns,
            usage=finished.usage,
            transcript=transcript,
            citations=finished.citations,
        )

    async def _steps(
        self, loop: Loop, work: Callable[[], AsyncGenerator[Event, None]], *, seq: int
    ) -> AsyncGenerator[Event, None]:
        """Opens the journal and the tools, runs the loop, and says how it failed if it does.

        A durable event is numbered and committed before anyone sees it, and so before it has effects. Of a run that did
        not begin nothing is: there is nothing to go on with.
        """
        numbers, uncommitted, has_begun, has_ended = count(seq + 1), list[Durable](), seq > 0, False
        with Journal(self.journal) if self.journal is not None else nullcontext() as journal:

            def noted(event: Event) -> Event:
                nonlocal has_begun, has_ended
                if is_durable(event):
                    event = replace(event, seq=next(numbers))
                    uncommitted.append(event)
                    if journal is not None and has_begun:
                        journal.append(*uncommitted)
                        uncommitted.clear()
                    has_begun = has_begun or isinstance(event, RunStarted)  # which is nothing without its input
                    has_ended = isinstance(event, RunFinished)  # what fails afterwards does not take the answer away
                return event

            try:
                async with Toolbox.open(toolsets_of(self.tools)) as loop.tools:
                    loop.masks = self._masks(loop)  # before anything is told: what cannot be held to is wrong usage
                    async with aclosing(work()) as events:
                        async for event in events:
                            yield noted(event)
            except JournalError:  # what cannot be noted must not happen, this failure included
                raise
            except Exception as error:
                loop.redactor.error(error)
                if isinstance(error, LimitError):
                    yield noted(LimitHit(run=loop.run, kind=error.kind, limit=error.limit, value=error.value))
                if not has_ended:
                    is_ours = isinstance(error, AgentError | ModelError | ToolError | HarmonyError)
                    line = str(error) if is_ours else told(error)
                    yield noted(RunFailed(run=loop.run, error=loop.redactor.text(line)))
                raise

    def _begin(self, loop: Loop, input: str) -> AsyncGenerator[Event, None]:
        messages = [Message.user(input)]
        if loop.state.transcript.ids:
            surviving = loop.state.transcript.renew(self.policy)
        else:
            messages, surviving = [*self._opening(loop), *messages], 0
        return loop.begin(tuple(messages), surviving, self.task)

    def _masks(self, loop: Loop) -> Masks | None:
        """What turns are held to, or what an engine without ids has to know of them; else None.

        Raises UserError, and HarmonyError for tools that no header can name.
        """
        engine = loop.models.engine
        mask = engine.capabilities.mask if self.constrain else "none"
        if mask != "turn" and self.tool_choice != "auto":
            lacking = {"none": "has no masks", "body": "masks what a message says, and not to whom"}
            why = f"its engine {lacking[mask]}" if self.constrain else "constrain is off"
            raise UserError(f"tool_choice: cannot be held to, since {why}")
        if mask == "none" and engine.capabilities.ids:
            return None
        spec = TurnSpec(
            built_in=loop.tools.built_in,
            functions=loop.tools.functions,
            output=None if loop.output is None else loop.output.format.schema,
            reasoning=self.limits.reasoning,
        )
        return Masks(spec, self.tool_choice, engine.vocabulary, mask)

    def _opening(self, loop: Loop) -> list[Message]:
        """The system message, and the developer's if there is anything to say."""
        system = SystemContent(
            current_date=self.current_date or date.today().isoformat(),
            effort=self.effort,
            tools=loop.tools.built_in,
        )
        formats = () if loop.output is None else (loop.output.format,)
        developer = DeveloperContent(
            instructions=self.instructions, tools=loop.tools.functions, response_formats=formats
        )
        told = developer != DeveloperContent()
        shown = [
            message
            for asked, answered in self.examples
            for message in (Message.user(asked), Message.assistant(answered, channel=Channel.FINAL))
        ]
        return [Message.system(system), *([Message.developer(developer)] if told else []), *shown]
