"""What a run's turns are held to, and what of it masks cannot hold to: that is told, and left to validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from cadenza.harmony import ToolChoice, TurnGrammar, TurnSpec, Vocabulary, turn_grammar
from cadenza.model import ConstraintError, Mask


@dataclass(slots=True)
class Masks:
    """first: the tool choice of turns before the first call; later ones have the spec's own.

    holds: how much of it the engine holds to.
    """

    spec: TurnSpec
    first: ToolChoice
    vocabulary: Vocabulary
    holds: Mask
    _before: TurnGrammar = field(init=False)
    _later: TurnGrammar = field(init=False)

    def __post_init__(self) -> None:
        """Raises HarmonyError for tools that no header can name, or a choice that no tool fits."""
        self._make()

    def of_turn(self, calls: int) -> TurnGrammar:
        """The grammar of a turn after so many calls."""
        return self._later if calls else self._before

    def beyond(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each call, and the final answer, whose schema the masks hold to in part; and what they leave out."""
        if self.holds == "none":
            return
        ends = {end.label: end.beyond for end in (*self._later.ends, *self._before.ends)}
        yield from ((label, beyond) for label, beyond in ends.items() if beyond)

    def loosen(self, refusal: ConstraintError) -> str:
        """Holds the call or the answer that an engine refused to JSON alone; says which. Raises what cannot be."""
        if refusal.end is None or refusal.end in self.spec.unmasked:
            raise refusal
        self.spec = replace(self.spec, unmasked=self.spec.unmasked | {refusal.end})
        self._make()
        return refusal.end

    def _make(self) -> None:
        self._later = self._before = turn_grammar(self.spec, self.vocabulary)
        if self.first != self.spec.choice:
            self._before = turn_grammar(replace(self.spec, choice=self.first), self.vocabulary)
