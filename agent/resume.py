"""Where a run stands, derived from its events alone: what a process that goes on with it begins with.

- A turn that was begun and not finished is sampled again: its randomness depends on the seed and the position.
- A turn that was cut short, by a limit or the model's context, is over: neither its call nor its answer is whole. The
  model is asked for the next one.
- A call that was announced and not started runs. One that was started and not finished runs again only where that
  cannot do harm; else the model is told that nobody knows.
- What tools knew in an earlier process they are given back, where they left it in the log. What they did not leave
  there, such as variables, is gone. The model is told with the next result of that tool, so that until then the prompt
  is the one that an undisturbed run would have had. Nothing is replayed behind its back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cadenza.harmony import HarmonyError, Role, Transcript, Vocabulary, o200k_harmony, parse

from .errors import JournalError
from .events import (
    ApprovalGiven,
    Durable,
    InputAdded,
    OutputInvalid,
    RunFinished,
    RunStarted,
    ToolCallReady,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)
from .state import RunState, said_in


@dataclass(slots=True, kw_only=True)
class Progress(RunState):
    """seq: of the last event; opened: a turn that was asked for and did not finish; finished: the answer, if any."""

    start: RunStarted
    seq: int = 0
    opened: TurnStarted | None = None
    finished: RunFinished | None = None

    @classmethod
    def of(cls, events: Sequence[Durable], vocabulary: Vocabulary) -> Progress:
        """Raises JournalError where the events are not those of one run, or do not fit together."""
        if not events or not isinstance(events[0], RunStarted):
            raise JournalError("a run's events begin with RunStarted")
        progress = cls(start=events[0], transcript=Transcript(vocabulary))
        for event in events:
            progress._apply(event)
        return progress

    @classmethod
    def faults(cls, events: Sequence[Durable]) -> Iterator[str]:
        """What does not fit together in a run's events, one line; nothing for a whole run."""
        if events:
            try:
                cls.of(events, o200k_harmony())
            except (JournalError, HarmonyError) as error:
                yield str(error)

    def _apply(self, event: Durable) -> None:
        if self.seq and event.seq != self.seq + 1:
            raise JournalError(f"event {self.seq} is followed by {event.seq}")
        if self.finished is not None:
            raise JournalError(f"event {event.seq} comes after the run's end")
        self.seq = event.seq or 0
        match event:
            case RunStarted():
                self.called.update(event.called)
            case InputAdded():
                self._replace_transcript(event)
            case OutputInvalid():
                self._replace_transcript(event)
                self.said, self.unfit = (), self.unfit + 1
            case TurnStarted():
                self.opened = event
                self._expect(event, len(self.transcript) + len(event.ids), event.prompt_tokens)
            case TurnFinished() if self.opened is not None:
                self.transcript.extend_spans(self.opened.ids, self.opened.spans)
                self.transcript.extend_spans(event.ids, event.spans)
                self.opened = None
                self.turns, self.usage = event.turn, self.usage + event.usage
                self._expect(event, len(self.transcript), event.usage.prompt + event.usage.sampled)
                said = parse(event.ids, self.transcript.vocabulary, role=Role.ASSISTANT)
                self.said = () if event.stop is None else said_in([each.message for each in said])
            case ToolCallReady():
                self.announce(event)
            case ApprovalGiven() if event.call in self.open:
                self.open[event.call].given = event
            case ToolStarted() if event.call in self.open:
                self.open[event.call].started = True
            case ToolFinished() if event.call in self.open:
                ready = self.open[event.call].ready
                name = ready.namespace or ready.recipient.partition(".")[0]
                if event.status != "denied":
                    self.lost.add(name)
                if event.memory is not None:
                    self.memories.setdefault(name, []).append(event.memory)
                self.finish(event)
            case TurnFinished() | ToolFinished():
                raise JournalError(f"event {event.seq} ({type(event).__name__}) ends what was not begun")
            case RunFinished():
                self._expect(event, len(self.transcript), len(event.ids))
                if event.ids != self.transcript.ids:
                    raise JournalError(f"event {event.seq} tells of other ids than the run has")
                self.finished = event
            case _:
                pass

    def _replace_transcript(self, event: InputAdded | OutputInvalid) -> None:
        self.transcript = Transcript(self.transcript.vocabulary)
        self.transcript.extend_spans(event.ids, event.spans)

    @staticmethod
    def _expect(event: Durable, derived: int, told: int) -> None:
        if derived != told:
            raise JournalError(f"event {event.seq} ({type(event).__name__}) tells of {told} ids, derived are {derived}")
