"""A server that takes and gives token ids: vLLM, SGLang, llama-server, each in its own dialect.

Prompts go in as ids and ids come out, stop tokens included. No text is rendered or read on the way. What a turn is held
to, a server does in parts: see `parts`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from cadenza.harmony import TurnGrammar, Vocabulary, o200k_harmony

from ..engine import Capabilities, Sampled, Sampling
from ..errors import ModelError
from . import parts
from .dialects import DIALECTS, Dialect, Speaks
from .http import Server
from .requests import Requests


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionsEngine:
    """server: where it is; name: as it calls the model; speaks: its dialect; context: tokens in all."""

    server: Server
    name: str
    speaks: Speaks = "vllm"
    context: int = 131_072
    vocabulary: Vocabulary = field(default_factory=o200k_harmony)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(mask="turn" if self._dialect.restricts else "body", context=self.context)

    @property
    def _dialect(self) -> Dialect:
        return DIALECTS[self.speaks]

    async def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        stop: frozenset[int],
        limit: int,
        constraint: TurnGrammar | None = None,
    ) -> AsyncGenerator[Sampled, None]:
        """Raises ModelError for a prompt that is too long; for a server that refuses, stays away or gives no ids."""
        if not 0 < len(prompt) < self.context:
            raise ModelError(f"the prompt has {len(prompt)} tokens; {self.name} takes 1 to {self.context - 1}")
        async with self.server.connection() as connection:
            turn = Requests(
                server=self.server,
                connection=connection,
                dialect=self._dialect,
                vocabulary=self.vocabulary,
                model=self.name,
                prompt=tuple(prompt),
                sampling=sampling,
                limit=min(limit, self.context - len(prompt)),
            )
            if constraint is None:
                tokens = turn.tokens(stop)
            elif self._dialect.restricts:
                tokens = parts.held(turn, constraint, self.vocabulary)
            else:
                tokens = parts.read(turn, constraint, self.vocabulary, stop)
            async with aclosing(tokens):
                async for token in tokens:
                    yield token

    async def close(self) -> None:
        """There is nothing to free: each turn has a connection of its own."""
