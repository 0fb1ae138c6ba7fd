"""One turn of the model as the run hears it: what each message is, and the events that tell of it."""

from __future__ import annotations

from cadenza.harmony import NO_TOOL, Channel, Message, MessageFinished, ParseEvent, TextDelta, is_call

from .events import AnswerDelta, Ephemeral, Event, PreambleDelta, ReasoningDelta, Repaired, ToolCallDelta


def is_answer(message: Message) -> bool:
    return not is_call(message) and message.channel == Channel.FINAL


class Turn:
    """The finished messages of a turn. `hear` takes what the parser reports and returns what the run tells of it.

    several_calls: whether the model may say more after a call.
    """

    def __init__(self, run: str, *, several_calls: bool = False) -> None:
        self._run = run
        self._several_calls = several_calls
        self.messages: list[MessageFinished] = []

    @property
    def last(self) -> Message | None:
        return self.messages[-1].message if self.messages else None

    @property
    def over(self) -> bool:
        """Whether a call or an answer was closed, with whichever token: the model has nothing more to say."""
        ends_it = self.last is not None and is_call(self.last) and not self._several_calls
        return ends_it or (self.last is not None and is_answer(self.last))

    def hear(self, events: list[ParseEvent]) -> list[Event]:
        told: list[Event] = []
        for event in events:
            match event:
                case TextDelta():
                    told.append(self._delta(event))
                case MessageFinished():
                    self.messages.append(event)
                    if event.repairs:
                        told.append(Repaired(run=self._run, repairs=event.repairs))
        return told

    def _delta(self, delta: TextDelta) -> Ephemeral:
        if delta.header.recipient not in NO_TOOL:
            return ToolCallDelta(run=self._run, recipient=delta.header.recipient or "", text=delta.text)
        match delta.header.channel:
            case Channel.FINAL:
                return AnswerDelta(run=self._run, text=delta.text)
            case Channel.COMMENTARY:
                return PreambleDelta(run=self._run, text=delta.text)
            case _:
                return ReasoningDelta(run=self._run, text=delta.text)
