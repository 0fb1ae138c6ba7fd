"""What a model has been shown and has sampled, id for id.

A transcript only grows: `ids` is always the previous ids plus what was added. Sampled ids are kept as they came and
never rendered again. The one exception has a name: `renew`, at the next user turn, says which prefix survives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .conversation import Message
from .parse import parse
from .policy import POLICIES, Policy
from .render import open_turn, render_conversation
from .vocabulary import MESSAGE_ENDS, Special, Vocabulary


class Provenance(StrEnum):
    """Where ids come from."""

    RENDERED = "rendered"
    """From a message, by the renderer."""
    SAMPLED = "sampled"
    """From the model."""
    FORCED = "forced"
    """The only ids that the format allowed there: the model was not asked."""
    FOREIGN = "foreign"
    """From a server that gives messages: what it said, in ids of ours."""


@dataclass(frozen=True, slots=True)
class Span:
    """`ids[start:end]` of a transcript have one provenance."""

    start: int
    end: int
    provenance: Provenance


class Transcript:
    """Ids with their provenance."""

    def __init__(self, vocabulary: Vocabulary, messages: Sequence[Message] = ()) -> None:
        """Starts with the messages rendered. Raises RenderError."""
        self.vocabulary = vocabulary
        self._ids: list[int] = []
        self._spans: list[Span] = []
        self.extend(render_conversation(messages, vocabulary), Provenance.RENDERED)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(self._ids)

    @property
    def spans(self) -> tuple[Span, ...]:
        """Adjacent, in order, covering all ids."""
        return tuple(self._spans)

    def since(self, start: int) -> tuple[tuple[int, ...], tuple[Span, ...]]:
        """The ids from `start` on, and their spans, counted from there."""
        later = (span for span in self._spans if span.end > start)
        spans = (Span(max(0, span.start - start), span.end - start, span.provenance) for span in later)
        return tuple(self._ids[start:]), tuple(spans)

    def extend_spans(self, ids: Sequence[int], spans: Iterable[Span]) -> None:
        """Appends what `since` gave."""
        for span in spans:
            self.extend(ids[span.start : span.end], span.provenance)

    def copy(self) -> Transcript:
        """One that grows by itself."""
        twin = Transcript(self.vocabulary)
        twin._ids, twin._spans = list(self._ids), list(self._spans)
        return twin

    def extend(self, ids: Iterable[int], provenance: Provenance) -> None:
        """Appends ids as they are."""
        start = len(self._ids)
        self._ids.extend(ids)
        end = len(self._ids)
        if end == start:
            return
        if self._spans and self._spans[-1].provenance is provenance:
            start = self._spans.pop().start
        self._spans.append(Span(start, end, provenance))

    def append(self, *messages: Message) -> None:
        """Appends messages, rendered; a message that the model left open is ended first. Raises RenderError.

        A system message has to come together with the developer message, whose functions it names a channel for.
        """
        ids = render_conversation(messages, self.vocabulary)
        self._end_message()
        self.extend(ids, Provenance.RENDERED)

    def prompt(self) -> tuple[int, ...]:
        """The exact ids that the model is to go on from: all there are, and the opening of the assistant's turn.

        The opening is appended, once.
        """
        opening = open_turn(self.vocabulary)
        if self._ids[-len(opening) :] != opening:
            self._end_message()
            self.extend(opening, Provenance.RENDERED)
        return self.ids

    def renew(self, policy: Policy) -> int:
        """Prepares the next user turn; returns how many leading ids survive as they were.

        A closing `<|return|>` becomes `<|end|>`, as the format wants it in a history, and the policy may drop messages.
        """
        shown = len(self._ids)
        self._end_message()
        before, spans = self._ids, self._spans
        self._ids, self._spans = [], []
        parsed = parse(before, self.vocabulary)
        kept = set(map(id, POLICIES[policy]([each.message for each in parsed])))
        at = 0
        for each in parsed:
            end = at + len(each.ids)
            if id(each.message) in kept:
                for span in spans:
                    self.extend(before[max(at, span.start) : min(end, span.end)], span.provenance)
                if each.ended_by in (Special.RETURN, Special.ENDOFTEXT):
                    self._ids[-1] = int(Special.END)
            at = end
        pairs = zip(before, self._ids, strict=False)
        return next((at for at, (old, new) in enumerate(pairs) if old != new), min(shown, len(self._ids)))

    def _end_message(self) -> None:
        if self._ids and self._ids[-1] not in MESSAGE_ENDS:
            self.extend([Special.END], Provenance.FORCED)
