"""What generates: ids in, an asynchronous stream of ids out.

An engine knows nothing of messages, tools or turns. This file imports no torch, so that remote engines and the
command line stay light.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from cadenza.harmony import Provenance, TurnGrammar, Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How to sample. A None leaves the choice to the model's own generation_config.json.

    temperature: 0 or more, 0 takes the likeliest token; top_p: (0, 1]; seed: makes a request repeatable.
    """

    temperature: float | None = None
    top_p: float | None = None
    seed: int = 0

    @property
    def said(self) -> dict[str, float]:
        """Temperature and top-p, where they are not left to the model."""
        given = {"temperature": self.temperature, "top_p": self.top_p}
        return {key: value for key, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Sampled:
    """One token. logprob: nats, under the distribution that it was drawn from; 0 where there was no choice."""

    id: int
    logprob: float
    provenance: Provenance = Provenance.SAMPLED


Mask: TypeAlias = Literal["turn", "body", "none"]
Dense: TypeAlias = Literal["stored", "int8"]
"""How layers other than experts are multiplied: as the checkpoint stores them, or rounded to int8 (`int8.py`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an engine can hold to.

    mask: how much of a turn it can constrain; ids: whether prompts go in as ids; else they are read back into messages,
    and the constraint tells which tools there are; several_calls: whether a turn may hold more than one, and its end is
    the end of the stream; context: tokens in all.
    """

    mask: Mask = "none"
    ids: bool = True
    several_calls: bool = False
    context: int


class TokenEngine(Protocol):
    """A model behind ids of o200k_harmony."""

    @property
    def name(self) -> str:
        """As people call the model."""

    @property
    def vocabulary(self) -> Vocabulary:
        """What the engine's prompts must be rendered with."""

    @property
    def capabilities(self) -> Capabilities:
        """What can be asked of it."""

    def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        stop: frozenset[int],
        limit: int,
        constraint: TurnGrammar | None = None,
    ) -> AsyncGenerator[Sampled, None]:
        """Streams at most `limit` tokens, the last one possibly out of `stop`.

        constraint: the only turns that may be sampled, made with this engine's vocabulary for a prompt that ends in
        `open_turn`; what the limit cuts short is a prefix of one. An engine with `mask="none"` does not look at it.
        Closing the stream frees what it holds. Raises ModelError for a prompt that it cannot take, ConstraintError for
        a turn that it cannot hold to.
        """

    async def close(self) -> None:
        """Frees the model."""
