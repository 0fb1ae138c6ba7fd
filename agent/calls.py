"""Calls of tools, from the model's messages to the results that are appended: may they be made, and what came of them.

The calls of one turn run side by side; the model reads their results in the order of the calls. Calls that build on
what earlier ones of the same tool left run one after another. An event is told before what it announces is done.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from cadenza.harmony import Channel, Message, Repair, Role, Transcript
from cadenza.tools import RESULT_BYTES, ToolContext, ToolResult, ToolSession, Traits, fit

from .approval import Approvals, Approver, Verdict, why_asked
from .errors import LimitError
from .events import (
    ApprovalAsked,
    ApprovalGiven,
    Artefact,
    Event,
    Repaired,
    StateLost,
    ToolCallReady,
    ToolFinished,
    ToolProgress,
    ToolStarted,
)
from .limits import Clock, Limits
from .secrets import Redactor
from .state import OpenCall, RunState
from .together import Teller, together
from .toolbox import Toolbox, call_of

INTERRUPTED = "[interrupted: the process died during this call; whether it took effect is unknown]"
STATE_LOST = (
    "[the process died since the last call: what earlier calls left in this tool, such as variables, is lost, but for "
    "a workspace]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What the calls of a run need. deps: of the tools; approver: who is asked, None if nobody is there."""

    run: str
    state: RunState
    tools: Toolbox
    limits: Limits
    clock: Clock
    deps: Any
    approvals: Approvals
    approver: Approver | None
    redactor: Redactor
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)  # one question at a time
    _in_turn: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def answer(self, messages: Sequence[Message]) -> AsyncGenerator[Event, None]:
        """Answers the calls of a turn, and appends the results, each on the channel of its call. Raises LimitError."""
        self._keep_to_limits()
        for message in messages[len(self.state.open) :]:
            name, session = self.tools.find(message.recipient or "")
            ready = ToolCallReady(
                run=self.run,
                call=self.state.calls + 1,
                recipient=message.recipient or "",
                arguments=message.text,
                channel=message.channel or Channel.COMMENTARY,
                namespace=name,
            )
            self.state.announce(ready)
            yield ready
            if session is not None and name != ready.recipient.partition(".")[0]:
                yield Repaired(run=self.run, repairs=(Repair.BARE_NAME,))
            self._keep_to_limits()
        works = [partial(self._settle, call) for call in self.state.open.values() if call.finished is None]
        async with aclosing(together(works, most=self.limits.parallel)) as events:
            async for event in events:
                yield event

    def _keep_to_limits(self) -> None:
        state, limits = self.state, self.limits
        if state.calls > limits.tool_calls:
            raise LimitError("tool calls", limit=limits.tool_calls, value=state.calls)
        if limits.same_call is not None and state.same > limits.same_call:
            raise LimitError("times the same call in a row", limit=limits.same_call, value=state.same)

    async def _settle(self, call: OpenCall, teller: Teller) -> None:
        """Sees to it that a call has a result."""
        name, session = self.tools.find(call.ready.recipient)
        if session is None or not session.traits(call.ready.recipient).stateful:
            await self._make(call, session, None, teller)
            return
        async with self._in_turn[name]:
            await self._make(call, session, name, teller)

    async def _make(self, call: OpenCall, session: ToolSession | None, stateful: str | None, teller: Teller) -> None:
        """stateful: the tool's namespace, if its calls build on earlier ones."""
        ready, begun = call.ready, call.started
        verdict = self._verdict(ready, session)
        if not begun and verdict.decision == "ask" and call.given is None:
            await self._ask(call, verdict, teller)
        refused = "" if begun else self._refused(verdict, call.given)
        if not begun and not refused:
            call.started = True
            await teller.tell(ToolStarted(run=self.run, call=ready.call))
        if refused:
            result = ToolResult(text=f"[not allowed: {refused}]", status="denied")
        elif session is None:
            result = ToolResult(text=self.tools.unknown(ready.recipient), status="error", reached=False)
        elif begun and not session.traits(ready.recipient).repeatable:
            result = ToolResult(text=INTERRUPTED, status="error")
        else:
            report = partial(self._report, ready, teller)
            with ToolContext(deps=self.deps, run=self.run, call=ready.call, on_progress=report).active():
                result = await self.clock.within(call_of(session, ready.recipient, ready.arguments))
        limit = RESULT_BYTES if session is None else session.traits(ready.recipient).result_bytes or RESULT_BYTES
        # Secrets are taken out first: a cut through one would leave the half of it.
        result = fit(self.redactor.result(result), limit, name=f"call-{ready.call}.txt")
        await self._finish(ready, result, stateful, teller)

    async def _ask(self, call: OpenCall, verdict: Verdict, teller: Teller) -> None:
        ready = call.ready
        asked = ApprovalAsked(
            run=self.run,
            call=ready.call,
            recipient=self._whole(ready.recipient),
            arguments=ready.arguments,
            reason=verdict.reason,
        )
        async with self._asking:
            await teller.tell(asked)
            said = self.approver is not None and await self.approver.approve(asked)
            by: Literal["user", "nobody"] = "nobody" if self.approver is None else "user"
            call.given = ApprovalGiven(run=self.run, call=ready.call, approved=said, by=by)
            await teller.tell(call.given)

    def _report(self, ready: ToolCallReady, teller: Teller, text: str) -> None:
        teller.mention(ToolProgress(run=self.run, call=ready.call, text=self.redactor.text(text)))

    def _verdict(self, ready: ToolCallReady, session: ToolSession | None) -> Verdict:
        """What the rules say; a tool that is not there needs none."""
        if session is None:
            return Verdict("allow")
        asks = why_asked(session.traits(ready.recipient), map(self._traits, self.state.called))
        is_text = not session.namespace.tools
        return self.approvals.decide(self._whole(ready.recipient), ready.arguments, is_text=is_text, asks=asks)

    def _whole(self, recipient: str) -> str:
        """With the namespace that it means, which a model may leave out; no rule must miss it for that."""
        name, _ = self.tools.find(recipient)
        return recipient if recipient.partition(".")[0] == name else f"{name}.{recipient}"

    def _traits(self, recipient: str) -> Traits:
        _, session = self.tools.find(recipient)
        return Traits() if session is None else session.traits(recipient)

    @staticmethod
    def _refused(verdict: Verdict, given: ApprovalGiven | None) -> str:
        """Why the call may not be made, for the model; empty if it may."""
        if verdict.decision == "deny":
            return verdict.reason
        if verdict.decision == "allow" or given is None or given.approved:
            return ""
        if given.by == "user":
            return "the user said no"
        return f"{verdict.reason}, and nobody is there to say yes"

    async def _finish(self, ready: ToolCallReady, result: ToolResult, stateful: str | None, teller: Teller) -> None:
        """Tells of the result: what it made first, so that no result is in the log without it."""
        text, state = result.text, result.state
        if stateful in self.state.lost and result.status != "denied":
            text, state = f"{STATE_LOST}\n{text}", "lost"
            self.state.lost.discard(stateful)
        for made in (*result.images, *result.artefacts):
            await teller.tell(
                Artefact(run=self.run, call=ready.call, name=made.name, media_type=made.media_type, data=made.data)
            )
        # A message that the model left open is ended before the first result.
        is_first = ready.call == min(self.state.open)
        transcript = self.state.transcript.copy() if is_first else Transcript(self.state.transcript.vocabulary)
        before = len(transcript)
        transcript.append(Message.tool(_author(ready), text, channel=ready.channel))
        ids, spans = transcript.since(before)
        finished = ToolFinished(
            run=self.run,
            call=ready.call,
            text=text,
            status=result.status,
            backend=result.backend,
            seconds=result.seconds,
            repairs=result.repairs,
            reached=result.reached,
            ids=ids,
            spans=spans,
            memory=result.memory,
        )
        await teller.tell(finished)
        self.state.finish(finished)
        if state != "kept":
            await teller.tell(StateLost(run=self.run, call=ready.call, backend=result.backend, state=state))


def _author(ready: ToolCallReady) -> str:
    """Who speaks in a result: what was called, but never a role, alone or before a colon."""
    if ready.recipient.partition(":")[0] not in list(Role):
        return ready.recipient
    return f"{ready.namespace}.{ready.recipient}".replace(":", "_")
