"""A call of a tool, from the model's message to the result that is appended: may it be made, and what came of it.

An event is yielded before what it announces is done.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from cadenza.harmony import Channel, Message, Repair
from cadenza.tools import ToolContext, ToolResult, ToolSession, Traits

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
    ToolStarted,
)
from .limits import Clock, Limits
from .secrets import Redactor
from .state import RunState
from .toolbox import Toolbox

INTERRUPTED = "[interrupted: the process died during this call; whether it took effect is unknown]"
STATE_LOST = (
    "[the process died since the last call: all variables and files of earlier calls are lost, but for a workspace]"
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

    async def answer(self, message: Message) -> AsyncGenerator[Event, None]:
        """Answers a call, and appends the result on the channel of the call. Raises LimitError."""
        name, session = self.tools.find(message.recipient or "")
        ready = self.state.ready
        if ready is None:
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
        begun, verdict = self.state.started, self._verdict(ready, session)
        if not begun and verdict.decision == "ask" and self.state.given is None:
            asked = ApprovalAsked(
                run=self.run,
                call=ready.call,
                recipient=ready.recipient,
                arguments=ready.arguments,
                reason=verdict.reason,
            )
            yield asked
            said = self.approver is not None and await self.approver.approve(asked)
            by: Literal["user", "nobody"] = "nobody" if self.approver is None else "user"
            self.state.given = ApprovalGiven(run=self.run, call=ready.call, approved=said, by=by)
            yield self.state.given
        refused = "" if begun else self._refused(verdict)
        if not begun and not refused:
            self.state.started = True
            yield ToolStarted(run=self.run, call=ready.call)
        if refused:
            result = ToolResult(text=f"[not allowed: {refused}]", status="denied")
        elif session is None:
            result = ToolResult(text=self.tools.unknown(ready.recipient), status="error")
        elif begun and not session.traits(ready.recipient).repeatable:
            result = ToolResult(text=INTERRUPTED, status="error")
        else:
            with ToolContext(deps=self.deps, run=self.run, call=ready.call).active():
                result = await self.clock.within(session.call(ready.recipient, ready.arguments))
        result = self.redactor.result(result)
        stateful = name if session is not None and session.traits(ready.recipient).stateful else None
        for event in self._finished(ready, result, stateful):
            yield event

    def _keep_to_limits(self) -> None:
        state, limits = self.state, self.limits
        if state.calls > limits.tool_calls:
            raise LimitError("tool calls", limit=limits.tool_calls, value=state.calls)
        if limits.same_call is not None and state.same > limits.same_call:
            raise LimitError("times the same call in a row", limit=limits.same_call, value=state.same)

    def _verdict(self, ready: ToolCallReady, session: ToolSession | None) -> Verdict:
        """What the rules say; a tool that is not there needs none."""
        if session is None:
            return Verdict("allow")
        asks = why_asked(session.traits(ready.recipient), map(self._traits, self.state.called))
        is_text = not session.namespace.tools
        return self.approvals.decide(ready.recipient, ready.arguments, is_text=is_text, asks=asks)

    def _traits(self, recipient: str) -> Traits:
        _, session = self.tools.find(recipient)
        return Traits() if session is None else session.traits(recipient)

    def _refused(self, verdict: Verdict) -> str:
        """Why the call may not be made, for the model; empty if it may."""
        if verdict.decision == "deny":
            return verdict.reason
        if verdict.decision == "allow" or self.state.given is None or self.state.given.approved:
            return ""
        if self.state.given.by == "user":
            return "the user said no"
        return f"{verdict.reason}, and nobody is there to say yes"

    def _finished(self, ready: ToolCallReady, result: ToolResult, stateful: str | None) -> Iterator[Event]:
        """Appends the result, and tells of it. stateful: the tool's namespace, if its calls build on earlier ones."""
        text, state = result.text, result.state
        if stateful in self.state.lost and result.status != "denied":
            text, state = f"{STATE_LOST}\n{text}", "lost"
            self.state.lost.discard(stateful)
        before = len(self.state.transcript)
        self.state.transcript.append(Message.tool(ready.recipient, text, channel=ready.channel))
        self.state.answered(result.status)
        ids, spans = self.state.transcript.since(before)
        yield ToolFinished(
            run=self.run,
            call=ready.call,
            text=text,
            status=result.status,
            backend=result.backend,
            seconds=result.seconds,
            repairs=result.repairs,
            ids=ids,
            spans=spans,
            memory=result.memory,
        )
        for made in (*result.images, *result.artefacts):
            yield Artefact(run=self.run, call=ready.call, name=made.name, media_type=made.media_type, data=made.data)
        if state != "kept":
            yield StateLost(run=self.run, call=ready.call, backend=result.backend, state=state)
