"""How far a run may go."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from dataclasses import dataclass, fields
from typing import TypeVar

import anyio

from .errors import LimitError, UserError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """turns: times the model is asked; tokens: sampled in all; tool_calls: calls in all; turn_tokens: in one turn;
    reasoning: tokens of analysis in one turn, after which the model has to act, None for any number; time: seconds from
    the first turn's beginning, None for as long as it takes; same_call: times in a row that one call may be made with
    the same arguments, None for any number; parallel: calls of one turn that run at a time.
    """

    turns: int = 30
    tokens: int = 200_000
    tool_calls: int = 60
    turn_tokens: int = 32_000
    reasoning: int | None = None
    time: float | None = None
    same_call: int | None = None
    parallel: int = 4

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "time" and value is not None and value <= 0:
                raise UserError(f"limits.time: must be more than 0 seconds, not {value:g}")
            least = 0 if field.name == "reasoning" else 1
            if field.name != "time" and value is not None and value < least:
                raise UserError(f"limits.{field.name}: must be at least {least}, not {value}")

    def of_turn(self, turns: int, sampled: int) -> int:
        """How many tokens the next turn may have, after so many. Raises LimitError if there may be no next one."""
        if turns >= self.turns:
            raise LimitError("turns", limit=self.turns, value=turns)
        self.cut(0, sampled)
        return min(self.turn_tokens, self.tokens - sampled)

    def cut(self, of_turn: int, sampled: int) -> None:
        """Raises LimitError if no token more may be sampled. of_turn: so far in this turn; sampled: so far in all."""
        if sampled >= self.tokens:
            raise LimitError("sampled tokens", limit=self.tokens, value=sampled)
        if of_turn >= self.turn_tokens:
            raise LimitError("tokens in one turn", limit=self.turn_tokens, value=of_turn)


class Clock:
    """What is left of the time of a run that begins now. seconds: None for no limit."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._begin = time.monotonic()

    async def within(self, work: Awaitable[T]) -> T:
        """What `work` comes to. Cancels it and raises LimitError when the time is up."""
        if self._seconds is None:
            return await work
        with anyio.move_on_after(max(0.0, self._begin + self._seconds - time.monotonic())):
            return await work
        raise LimitError("seconds", limit=self._seconds, value=time.monotonic() - self._begin)
