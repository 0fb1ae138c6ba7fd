"""Random choices: of phrases, numbers, words and names, each trained on or held out."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from string import ascii_lowercase
from typing import Final, TypeVar

from . import words

T = TypeVar("T")
_ALTERNATIVES: Final = re.compile(r"\(([^()]*\|[^()]*)\)")  # the innermost first
_TRAINED: Final = (
    "b c d f g h j k l m n p r s t v w z br st tr ch sh".split(),
    "a e i o u ai ou".split(),
    "n r s l m t k".split(),
)
"""How a syllable may begin and go on, and how a word may end."""
_HELD_OUT: Final = (
    "bl dr fl gr kl pr qu sk sp th x y".split(),
    "ea oa ie u io".split(),
    "ck rd nd sh x p".split(),
)
_MAY_BE_HELD_OUT: Final = re.compile("(({})({}))+({})?".format(*map("|".join, _HELD_OUT)))
_LETTERS: Final = ascii_lowercase + "aaeeeiioou"  # vowels more often, as in languages


class Draw:
    """Random choices of one kind: trained on, or held out.

    loose: whether problems are also put as people in a hurry put them: numbers in words, nothing but small letters, no
    mark at the end; and with words that mean nothing.
    """

    def __init__(self, rng: random.Random, *, held_out: bool = False, loose: bool = False) -> None:
        self.rng = rng
        self.held_out = held_out
        self.loose = loose

    def any(self, table: Sequence[str]) -> str:
        """A wording of any phrase of a table of which none is held out."""
        return self.wording(self.rng.choice(table))

    def phrase(self, table: Sequence[T]) -> T:
        """A phrase of a table; every fifth is held out."""
        kept = [phrase for at, phrase in enumerate(table) if (at % 5 == 4) == self.held_out]
        return self.rng.choice(kept)

    def wording(self, text: str) -> str:
        """One of the wordings of a phrase: "(has|owns) {a}( more|)" -> "owns {a}"."""
        while alternatives := _ALTERNATIVES.search(text):
            chosen = self.rng.choice(alternatives[1].split("|"))
            text = text[: alternatives.start()] + chosen + text[alternatives.end() :]
        return text

    def say(self, table: Sequence[str]) -> str:
        """A wording of a phrase of a table."""
        return self.wording(self.phrase(table))

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def integer(self, digits: int) -> int:
        """Up to `digits` digits, each length equally likely."""
        length = self.rng.randint(1, digits)
        return self.rng.randint(10 ** (length - 1) if length > 1 else 2, 10**length - 1)

    def word(self) -> str:
        """A word that does not exist. Held-out ones are made of other syllables, fewer since these are longer."""
        (onsets, vowels, codas), most = (_HELD_OUT, 2) if self.held_out else (_TRAINED, 3)
        syllables = [self.rng.choice(onsets) + self.rng.choice(vowels) for _ in range(self.rng.randint(1, most))]
        return "".join(syllables) + (self.rng.choice(codas) if self.chance(0.5) else "")

    def letters(self) -> str:
        """Any letters, but no word that may be held out; if this draws what is held out, such a word."""
        while not self.held_out:
            made = "".join(self.rng.choices(_LETTERS, k=self.rng.randint(2, 8)))
            if not _MAY_BE_HELD_OUT.fullmatch(made):
                return made
        return self.word()

    def name(self) -> str:
        if self.held_out or self.chance(0.6):
            return self.word().capitalize()
        return self.rng.choice(words.NAMES)

    def thing(self) -> str:
        if self.chance(0.35):
            return self.word() + "s"
        return self.phrase(words.THINGS)

    def place(self) -> str:
        return self.phrase(words.PLACES)
