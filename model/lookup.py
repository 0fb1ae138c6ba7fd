"""Guesses at what comes next: what came the last time after the same few rows (prompt look-up).

A guess is read along with the row before it, and stands if it is what is sampled there: it changes nothing but the time
(arXiv:2211.17192, with a draft that is certain). Where guesses fail they become fewer, and rarer.
"""

from __future__ import annotations

from typing import Final

_SAME: Final = 3  # rows that have to be the same
_FIRST: Final = 4  # guesses at a time
_MOST: Final = 16
_LONGEST_PAUSE: Final = 64


class Lookup:
    """rows: grows while this looks at it."""

    def __init__(self, rows: list[int]) -> None:
        self._rows = rows
        self._after: dict[tuple[int, ...], int] = {}  # some rows -> where it goes on after their last occurrence
        self._seen = _SAME
        self._count = _FIRST
        self._pause = self._wait = 0  # steps without a guess: after the next failure, and still to come

    def guess(self, limit: int) -> list[int]:
        """At most `limit` rows that may come next."""
        for at in range(self._seen, len(self._rows)):
            self._after[tuple(self._rows[at - _SAME : at])] = at
        self._seen = max(self._seen, len(self._rows))
        if self._wait:
            self._wait -= 1
            return []
        start = self._after.get(tuple(self._rows[-_SAME:]))
        return [] if start is None else self._rows[start : start + min(limit, self._count)]

    def learn(self, guessed: int, right: int) -> None:
        """How many of the last guesses stand."""
        if right == guessed:
            self._count = min(2 * self._count, _MOST)
        elif 2 * right < guessed:
            self._count = max(self._count // 2, 1)
        self._pause = 0 if right else min(2 * self._pause + 1, _LONGEST_PAUSE)
        self._wait = self._pause
