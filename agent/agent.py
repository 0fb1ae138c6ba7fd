"""`Agent`: a frozen configuration, and the three ways to run it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache, partial

import anyio

from cadenza.harmony import (
    DeveloperContent,
    Effort,
    HarmonyError,
    Message,
    Policy,
    SystemContent,
    Transcript,
)
from cadenza.model import DEFAULT, ModelError, Sampling, TokenEngine, resolve
from cadenza.tools import ToolError, ToolSession, Toolset, built_in

from .errors import AgentError, LimitError, UserError
from .events import Event, LimitHit, RunFailed, RunFinished, Usage
from .limits import Limits
from .loop import Loop

_engine = lru_cache(maxsize=1)(resolve)
"""Runs that follow each other share a loaded model and its cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """An answered run. transcript: what to pass as `history` to go on from here."""

    output: str
    run: str
    turns: int
    usage: Usage
    transcript: Transcript


@dataclass(frozen=True, kw_only=True)
class Agent:
    """A model, its tools, and what it is told.

    model: "nano", a checkpoint folder, or an engine; tools: names of built-in tools, or toolsets;
    effort: how long the model reasons; current_date: free text, today by default; policy: what reasoning survives
    from one user turn to the next.
    """

    model: str | TokenEngine = DEFAULT
    tools: Sequence[str | Toolset] = ()
    instructions: str | None = None
    effort: Effort = "medium"
    sampling: Sampling = field(default_factory=Sampling)
    limits: Limits = field(default_factory=Limits)
    current_date: str | None = None
    policy: Policy = "per_turn"

    async def run(self, input: str, *, history: Transcript | None = None) -> RunResult:
        """Runs to the answer.

        Raises AgentError (LimitError, RunError, UserError), ModelError or ToolError, each with a line that says what,
        where and what to do.
        """
        loop = self._begin(history)
        async with aclosing(self._steps(loop, input)) as events:
            async for event in events:
                if isinstance(event, RunFinished):
                    finished = event
        return RunResult(
            output=finished.answer,
            run=finished.run,
            turns=finished.turns,
            usage=finished.usage,
            transcript=loop.transcript,
        )

    def run_sync(self, input: str, *, history: Transcript | None = None) -> RunResult:
        """`run`, where no event loop is running."""
        return anyio.run(partial(self.run, input, history=history))

    async def stream(self, input: str, *, history: Transcript | None = None) -> AsyncGenerator[Event, None]:
        """`run`, as its events. A failure is a RunFailed, then the exception. Closing the stream ends the run."""
        async with aclosing(self._steps(self._begin(history), input)) as events:
            async for event in events:
                yield event

    def _begin(self, history: Transcript | None) -> Loop:
        """A loop whose transcript is that of `history`, or empty. Loads the model."""
        if isinstance(self.tools, str):
            raise UserError(f"tools: must be a list, such as [{self.tools!r}]")
        engine = _engine(self.model) if isinstance(self.model, str) else self.model
        return Loop(
            run=uuid.uuid4().hex[:12],
            model=self.model if isinstance(self.model, str) else type(engine).__name__,
            engine=engine,
            transcript=history.copy() if history is not None else Transcript(engine.vocabulary),
            effort=self.effort,
            sampling=self.sampling,
            limits=self.limits,
        )

    async def _steps(self, loop: Loop, input: str) -> AsyncGenerator[Event, None]:
        """Opens the tools, runs the loop, and says how it failed if it does."""
        try:
            async with AsyncExitStack() as stack:
                toolsets = [built_in(tool) if isinstance(tool, str) else tool for tool in self.tools]
                loop.tools = {toolset.name: await stack.enter_async_context(toolset.open()) for toolset in toolsets}
                messages = [Message.user(input)]
                if loop.transcript.ids:
                    surviving = loop.transcript.renew(self.policy)
                else:
                    messages, surviving = [*self._opening(loop.tools.values()), *messages], 0
                events = await stack.enter_async_context(aclosing(loop(tuple(messages), surviving)))
                async for event in events:
                    yield event
        except LimitError as error:
            yield LimitHit(run=loop.run, kind=error.kind, limit=error.limit, value=error.value)
            yield RunFailed(run=loop.run, error=str(error))
            raise
        except (AgentError, ModelError, ToolError, HarmonyError) as error:
            yield RunFailed(run=loop.run, error=str(error))
            raise

    def _opening(self, sessions: Iterable[ToolSession]) -> list[Message]:
        """The system message, and the developer's if there is anything to say."""
        system = SystemContent(
            current_date=self.current_date or date.today().isoformat(),
            effort=self.effort,
            tools=tuple(session.namespace for session in sessions),
        )
        messages = [Message.system(system)]
        if self.instructions is not None:
            messages.append(Message.developer(DeveloperContent(instructions=self.instructions)))
        return messages
