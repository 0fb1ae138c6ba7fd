"""One request of a scheduler: what it has said so far, and how the next token is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeAlias

import torch
from torch import Tensor

from cadenza.harmony import Provenance

from .cache import common
from .constrain import Constraint
from .engine import Sampled
from .lookup import Lookup
from .sampler import Sampler

Choice: TypeAlias = list[int] | Tensor
"""The ids that have to come next; or, where there is a choice, a bool for each row, `[vocab_size]`."""

Outcome: TypeAlias = list[Sampled] | Exception | None
"""Tokens; or the last that is heard of a request: what went wrong, or nothing."""


class Request:
    """rows: the prompt and what came after it; over: nothing will follow. Any thread may set that."""

    def __init__(
        self,
        rows: list[int],
        *,
        end: int,
        sampler: Sampler,
        stop: frozenset[int],
        turn: Constraint | None,
        ids: Sequence[int],
        to_rows: Callable[[list[int]], list[int]],
        hear: Callable[[Outcome], object],
        guess: bool = True,
    ) -> None:
        """end: rows that there may be; stop: ids; ids: of each of the network's rows; guess: with `lookup`.

        hear: is given each outcome, in the scheduler's thread; raises RuntimeError if nobody listens any more.
        """
        self.rows, self.turn, self.over = rows, turn, False
        self._end, self._sampler, self._stop, self._hear = end, sampler, stop, hear
        self._ids, self._to_rows = ids, to_rows
        self._said: list[Sampled] = []  # and not told yet
        self._lookup = Lookup(rows) if guess else None

    def begin(self) -> None:
        """Takes what is forced at the start."""
        try:
            self._take_forced()
        except Exception as error:  # hurts nobody else
            self.fail(error)
        self._tell_said()

    def draft(self) -> list[int]:
        """Rows that may come next, to be read along."""
        return self._lookup.guess(self._end - len(self.rows) - 1) if self._lookup else []

    def fail(self, error: Exception) -> None:
        self._tell_said()
        if not self.over:
            self.over = True
            self._tell(error)

    def choose(self) -> Choice:
        """What may come next, under a constraint. Raises ConstraintError."""
        if self.turn is None:
            raise AssertionError("a request without a constraint may say anything")
        return self.turn.forced(self._end - len(self.rows)) or self.turn.allowed

    def go_on(self, logits: Tensor, drafted: list[int], choice: Future[Choice] | None) -> int:
        """Says what follows; returns how many of the drafted rows stand.

        logits: `[1 + drafted, vocab_size]`, after the last row and after each draft; choice: what may follow first.
        """
        start, new = len(self.rows), list[int]()
        try:
            while not self.over and len(new) <= len(drafted) and new == drafted[: len(new)]:
                self._choose(logits[len(new)], choice)
                self._take_forced()
                choice, new = None, self.rows[start:]
        except Exception as error:  # hurts nobody else
            self.fail(error)
        self._tell_said()
        right = common(drafted, self.rows[start:])
        if self._lookup and drafted:
            self._lookup.learn(len(drafted), right)
        return right

    def _choose(self, logits: Tensor, choice: Future[Choice] | None) -> None:
        if self.turn is not None:
            may = self.choose() if choice is None else choice.result()
            if isinstance(may, list):
                self._say([Sampled(id, 0.0, Provenance.FORCED) for id in may])
                return
            logits = logits.masked_fill(~may, -torch.inf)
        row, logprob = self._sampler.pick(logits, len(self.rows))
        if self.turn is not None:
            self.turn.accept(self._ids[row])
        self._say([Sampled(self._ids[row], logprob)])

    def _take_forced(self) -> None:
        """As far as is known without a mask: that of the next token is computed beside the forward pass."""
        if self.turn is not None and not self.over:
            forced = self.turn.foreseen(self._end - len(self.rows))
            self._say([Sampled(id, 0.0, Provenance.FORCED) for id in forced])
        if len(self.rows) >= self._end or (self.turn is not None and self.turn.finished):
            self._finish()

    def _say(self, tokens: list[Sampled]) -> None:
        for token in tokens:
            if self.over:
                return
            self.rows += self._to_rows([token.id])
            self._said.append(token)
            if token.id in self._stop:
                self._finish()

    def _finish(self) -> None:
        self._tell_said()
        if not self.over:
            self.over = True
            self._tell(None)

    def _tell_said(self) -> None:
        if self._said:
            said, self._said = self._said, []
            self._tell(said)

    def _tell(self, outcome: Outcome) -> None:
        try:
            self._hear(outcome)
        except RuntimeError:  # its event loop is closed
            self.over = True
