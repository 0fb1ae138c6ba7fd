"""Choosing a row from logits. The randomness of a position depends on the seed and the position alone.

So a half-sampled turn regenerates, whatever else the process has sampled meanwhile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import ModelError

_MIX = 0x9E37_79B9_7F4A_7C15  # 2**64 / golden ratio: spreads neighbouring positions over the seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """temperature: 0 takes the likeliest row; top_p: the least set of rows with that much probability (0, 1]."""

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ModelError: a distribution of nothing would give some row all the same."""
        if not 0 <= self.temperature < math.inf:
            raise ModelError(f"temperature: must be a number from 0 on, not {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise ModelError(f"top_p: must be above 0 and at most 1, not {self.top_p}")

    def pick(self, logits: Tensor, position: int) -> tuple[int, float]:
        """The row at a position, and its log-probability (nats) under the distribution that it was drawn from.

        logits: `[vocab_size]`.
        """
        if self.temperature == 0:
            return int(logits.argmax()), 0.0
        probabilities = torch.softmax(logits.double() / self.temperature, dim=-1)
        if self.top_p < 1:
            ordered, order = probabilities.sort(descending=True, stable=True)
            beyond = ordered.cumsum(-1) - ordered >= self.top_p
            probabilities[order[beyond]] = 0
            probabilities /= probabilities.sum()
        generator = torch.Generator().manual_seed((self.seed * _MIX + position) % 2**63)
        draw = torch.rand((), generator=generator, dtype=torch.float64)
        row = int(torch.searchsorted(probabilities.cumsum(-1), draw, right=True))
        row = min(row, int(probabilities.nonzero()[-1]))  # rounding may leave the sum a little below 1
        return row, float(probabilities[row].log())
