"""Random choices: of phrases, numbers, words and names, each trained on or held out."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from itertools import chain
from string import ascii_lowercase
from typing import Final, TypeVar
from zlib import crc32

from . import words

T = TypeVar("T")
_ALTERNATIVES: Final = re.compile(r"\(([^()]*\|[^()]*)\)")  # the innermost first
_ONSETS: Final = "b c d f g h j k l m n p r s t v w x y z bl br ch dr fl gr kl pr qu sh sk sp st th tr".split()
_VOWELS: Final = "a e i o u ai ea ie io oa ou".split()
_CODAS: Final = "n r s l m t k p x ck nd rd sh".split()
"""How a syllable may begin and go on, and how a word may end."""
_LETTERS: Final = ascii_lowercase + "aaeeeiioou"  # vowels more often, as in languages
_REAL: Final = frozenset(chain(*words.TABLES, words.KEYS))


class Draw:
    """Random choices of one kind: trained on, or held out.

    loose: whether problems are also put as people in a hurry put them: numbers in words, nothing but small letters, no
    mark at the end; with words that mean nothing; and functions more often by their noun alone.
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

    def real_word(self) -> str:
        """A thing, a verb or a noun."""
        return self.phrase(self.rng.choice(words.TABLES))

    def word(self) -> str:
        """A word of one to three syllables that hardly exists."""
        return self._made(self._syllables)

    def letters(self) -> str:
        """Two to eight letters, or the beginning of one word with the end of another."""
        return self._made(self._blend if self.chance(0.5) else self._letters)

    def _made(self, make: Callable[[], str]) -> str:
        """What is made, until it is of this kind: of all words that can be made every fifth is held out."""
        while True:
            made = make()
            if (crc32(made.encode()) % 5 == 4) == self.held_out and made not in _REAL:
                return made

    def _letters(self) -> str:
        return "".join(self.rng.choices(_LETTERS, k=self.rng.randint(2, 8)))

    def _blend(self) -> str:
        first, last = self.real_word(), self.real_word()
        return first[: self.rng.randint(1, len(first))] + last[self.rng.randrange(len(last)) :]

    def _syllables(self) -> str:
        syllables = [self.rng.choice(_ONSETS) + self.rng.choice(_VOWELS) for _ in range(self.rng.randint(1, 3))]
        return "".join(syllables) + (self.rng.choice(_CODAS) if self.chance(0.5) else "")

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
