"""An engine that samples what it was told to: turns written down beforehand.

It runs the real loop, parser and tools, so that tests and examples need no model. It says what it is: its ids are
rendered, not sampled.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import anyio.lowlevel

from cadenza.harmony import (
    Message,
    Provenance,
    Special,
    TurnGrammar,
    Vocabulary,
    is_call,
    o200k_harmony,
    open_turn,
    render_conversation,
)

from ..engine import Capabilities, Sampled, Sampling
from ..errors import ModelError


class ScriptedEngine:
    """Plays turns in order, each a list of messages or of raw ids (what follows `<|start|>assistant`).

    Where the messages of one hold several calls, it is an engine that makes several.
    """

    def __init__(self, turns: Sequence[Sequence[Message] | Sequence[int]], *, context: int = 131_072) -> None:
        self._turns = list(turns)
        self._context = context
        self._several_calls = any(sum(map(_is_call, turn)) > 1 for turn in turns)
        self.prompts: list[tuple[int, ...]] = []
        """Every prompt that came in."""

    @property
    def name(self) -> str:
        return "scripted"

    @property
    def vocabulary(self) -> Vocabulary:
        return o200k_harmony()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(mask="none", several_calls=self._several_calls, context=self._context)

    async def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        stop: frozenset[int],
        limit: int,
        constraint: TurnGrammar | None = None,
    ) -> AsyncGenerator[Sampled, None]:
        """Plays the next turn as it is, whatever the constraint. Raises ModelError when the script is over."""
        if len(self.prompts) >= len(self._turns):
            raise ModelError(f"the script has only {len(self._turns)} turns")
        ids = self._ids(self._turns[len(self.prompts)])
        self.prompts.append(tuple(prompt))
        for id in ids[:limit]:
            await anyio.lowlevel.checkpoint()
            yield Sampled(id, 0.0, Provenance.RENDERED)
            if id in stop and not self._several_calls:
                return

    async def close(self) -> None:
        return None

    def _ids(self, turn: Sequence[Message] | Sequence[int]) -> list[int]:
        messages = [message for message in turn if isinstance(message, Message)]
        if not messages:
            return [id for id in turn if isinstance(id, int)]
        ids = render_conversation(messages, self.vocabulary)[len(open_turn(self.vocabulary)) :]
        if messages[-1].recipient is None:
            ids[-1] = int(Special.RETURN)
        return ids


def _is_call(said: Message | int) -> bool:
    return isinstance(said, Message) and is_call(said)
