"""One forward pass over the next rows of several sequences, each with its own past.

Layers and experts see all rows together; attention goes by sequence. With kernels a row's result does not depend on
what else is in the batch, nor on how a prompt is cut; plain torch adds up in another order for another shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from . import kernels
from .cache import PAGE, KVCache, Sequence
from .transformer import LayerCache, Transformer, Visible, attend

Part = tuple[Sequence, list[int]]
"""A sequence with room, and the rows that it reads next."""


def read(network: Transformer, cache: KVCache, parts: list[Part], wanted: list[int] | None = None) -> Tensor:
    """Logits `[rows, vocab_size]` of all rows, one part after another, or of the wanted ones. Appends nothing."""
    device = network.device
    rows = [row for _, new in parts for row in new]
    positions = [at for sequence, new in parts for at in range(len(sequence.rows), len(sequence.rows) + len(new))]
    logits: Tensor = network(
        torch.tensor([rows], device=device),
        caches=_layers(network, cache, parts),
        positions=torch.tensor(positions, device=device),
        wanted=None if wanted is None else torch.tensor(wanted, dtype=torch.long, device=device),
    )
    return logits[0].float().cpu()


def cache_of(network: Transformer, *, memory: int | None = None, page: int = PAGE) -> KVCache:
    """With the type and the device of what the network computes."""
    with torch.inference_mode():
        like = network.embed(torch.zeros(1, dtype=torch.long, device=network.device))
    return KVCache(network.config, like=like, memory=memory, page=page)


class Reading:
    """One sequence with a cache of its own, to see the network alone."""

    def __init__(self, network: Transformer, *, page: int = PAGE) -> None:
        self._network = network
        self.cache = cache_of(network, page=page)
        self.sequence = Sequence(self.cache)

    def read(self, rows: Tensor, wanted: list[int] | None = None) -> Tensor:
        """rows: `[time]`, which come next -> their logits `[time, vocab_size]`, or those of the wanted ones."""
        new: list[int] = rows.tolist()
        self.sequence.make_room(len(new))
        logits = read(self._network, self.cache, [(self.sequence, new)], wanted)
        self.sequence.append(new)
        return logits


@dataclass(frozen=True, slots=True)
class _Places:
    """Where keys and values are. slots, offsets: `[rows]`, of the new ones; runs: of all."""

    slots: Tensor
    offsets: Tensor
    runs: kernels.Runs


@dataclass(frozen=True, slots=True)
class _Paged:
    """A layer's part of the cache, for one forward pass."""

    keys: Tensor
    values: Tensor
    window: int | None
    places: _Places

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, sinks: Tensor) -> Tensor:
        slots, offsets, runs = self.places.slots, self.places.offsets, self.places.runs
        self.keys[slots, :, offsets] = keys[0].transpose(0, 1)
        self.values[slots, :, offsets] = values[0].transpose(0, 1)
        head_dim = queries.shape[-1]
        if head_dim % 16 == 0 and kernels.take(queries):
            flat = queries[0].transpose(0, 1)
            mixed = kernels.attention(flat, self.keys, self.values, sinks, self.window, head_dim**-0.5, runs)
            return mixed.transpose(0, 1)[None]
        parts = (self._alone(queries, sinks, *run) for run in runs.runs.tolist())
        return torch.cat(list(parts), dim=2)

    def _alone(self, queries: Tensor, sinks: Tensor, row: int, time: int, length: int, start: int, page: int) -> Tensor:
        """In plain torch, one sequence: its pages are put together."""
        size = self.keys.shape[2]
        first = page * size
        slots = self.places.runs.table[start : start + -(-(length - first) // size)]
        keys, values = (
            pages[slots].transpose(0, 1).flatten(1, 2)[None, :, : length - first] for pages in (self.keys, self.values)
        )
        visible = Visible(time, length - first, self.window, queries.device)
        return attend(queries[:, :, row : row + time], keys, values, sinks, visible)


def _layers(network: Transformer, cache: KVCache, parts: list[Part]) -> list[LayerCache]:
    config = network.config
    near, far = (_places(cache, parts, network.device, near=near) for near in (True, False))
    return [
        _Paged(*cache.layer(at), config.sliding_window, near)
        if config.is_sliding(at)
        else _Paged(*cache.layer(at), None, far)
        for at in range(config.num_layers)
    ]


def _places(cache: KVCache, parts: list[Part], device: torch.device, *, near: bool) -> _Places:
    size, runs, table, written = cache.page, list[list[int]](), list[int](), list[tuple[int, int]]()
    for sequence, rows in parts:
        first, begin, end = sequence.first_near if near else 0, len(sequence.rows), len(sequence.rows) + len(rows)
        slots = [page.slot(near=near) for page in sequence.pages[first : -(-end // size)]]
        runs.append([len(written), len(rows), end, len(table), first])
        table += slots
        written += [(slots[at // size - first], at % size) for at in range(begin, end)]
    to, offsets = (torch.tensor(each, device=device) for each in zip(*written, strict=True))
    return _Places(to, offsets, kernels.Runs(torch.tensor(runs), torch.tensor(table, device=device)))
