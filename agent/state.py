"""Where a run stands: what the loop changes as it goes, and what `resume` derives from the events of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cadenza.harmony import Message, Role, Transcript, is_call, o200k_harmony, parse
from cadenza.tools import Citation, Tally

from .events import ApprovalGiven, RunFinished, ToolCallReady, ToolFinished, Usage


@dataclass(slots=True)
class OpenCall:
    """A call that was announced and whose result the model has not read.

    given: what was said when somebody was asked; started: whether it was begun; finished: its result, which waits for
    those of the calls before it.
    """

    ready: ToolCallReady
    given: ApprovalGiven | None = None
    started: bool = False
    finished: ToolFinished | None = None


@dataclass(slots=True, kw_only=True)
class RunState:
    """turns: finished; calls: announced; same: how often in a row the last one was made; called: recipients whose
    calls were made, in what the run goes on from, too; tallies: how often those were, and how often in a row they
    failed; unfit: answers that were not what they have to be.

    said: the calls of the last finished turn, else its last message, as long as nothing has come of it; open: of these
    calls the ones that were announced, by number, in order; lost: namespaces whose earlier calls were made by another
    process; memories: what those calls left for their session, in order.
    """

    transcript: Transcript
    usage: Usage = field(default_factory=Usage)
    turns: int = 0
    calls: int = 0
    same: int = 0
    called: set[str] = field(default_factory=set)
    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    unfit: int = 0
    said: tuple[Message, ...] = ()
    open: dict[int, OpenCall] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    memories: dict[str, list[Any]] = field(default_factory=dict)
    _last: tuple[str, str] | None = None

    def announce(self, ready: ToolCallReady) -> None:
        """A call that is to be made."""
        call = ready.recipient, ready.arguments
        self.calls, self.same, self._last = ready.call, self.same + 1 if call == self._last else 1, call
        self.open[ready.call] = OpenCall(ready)

    def finish(self, finished: ToolFinished) -> None:
        """A call has its result. The model reads those of a turn together, in the order of the calls."""
        call = self.open[finished.call]
        call.finished = finished
        if finished.status != "denied":
            self.called.add(call.ready.recipient)
            self.tallies[call.ready.recipient].count(finished.status, reached=finished.reached)
        results = [each.finished for each in self.open.values() if each.finished is not None]
        if len(results) == len(self.open):
            for result in results:
                self.transcript.extend_spans(result.ids, result.spans)
            self.said, self.open = (), {}

    def answered(self, run: str, answer: str, citations: tuple[Citation, ...]) -> RunFinished:
        """The end of a run that has its answer."""
        ids, spans = self.transcript.since(0)
        return RunFinished(
            run=run,
            answer=answer,
            turns=self.turns,
            usage=self.usage,
            ids=ids,
            spans=spans,
            citations=citations,
        )


def called_in(history: Transcript) -> set[str]:
    """Whose results are in a history, as far as a policy has left them there. What was denied is not told apart.

    Read by all ids that there are, since a smaller model has perhaps to go on with what a larger one has sampled.
    """
    messages = (each.message for each in parse(history.ids, o200k_harmony()))
    return {message.name for message in messages if message.role is Role.TOOL and message.name is not None}


def said_in(messages: Sequence[Message]) -> tuple[Message, ...]:
    """What has to come of a turn: its calls, else its last message."""
    return tuple(filter(is_call, messages)) or tuple(messages[-1:])
