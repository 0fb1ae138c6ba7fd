"""Keys and values of what a network has read, contiguous per layer."""

from __future__ import annotations

import torch
from torch import Tensor

from .config import ModelConfig


class ContiguousLayerCache:
    """One layer's keys and values `[batch, kv_heads, time, head_dim]`, grown by doubling."""

    def __init__(self) -> None:
        self.length = 0
        self._keys = self._values = torch.empty(0)

    def update(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        end = self.length + keys.shape[2]
        if self.length == 0 or end > self._keys.shape[2]:
            self._keys, self._values = self._grown(self._keys, keys, end), self._grown(self._values, values, end)
        self._keys[:, :, self.length : end] = keys
        self._values[:, :, self.length : end] = values
        self.length = end
        return self._keys[:, :, :end], self._values[:, :, :end]

    def _grown(self, old: Tensor, like: Tensor, need: int) -> Tensor:
        batch, heads, _, head_dim = like.shape
        new = like.new_empty(batch, heads, max(64, 2 * need), head_dim)
        if self.length:
            new[:, :, : self.length] = old[:, :, : self.length]
        return new


class KVCache:
    """The layers' caches, and the rows that they hold."""

    def __init__(self, config: ModelConfig) -> None:
        self.layers = [ContiguousLayerCache() for _ in range(config.num_layers)]
        self.rows: list[int] = []

    def keep_prefix(self, rows: list[int]) -> int:
        """Forgets all but the longest common prefix with `rows`; returns its length.

        At least the last of `rows` is left out: a forward pass needs one row to give logits for.
        """
        common = 0
        for old, new in zip(self.rows, rows[:-1], strict=False):
            if old != new:
                break
            common += 1
        self.rows = self.rows[:common]
        for layer in self.layers:
            layer.length = common
        return common
