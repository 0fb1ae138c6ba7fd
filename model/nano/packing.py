"""Conversations of several batches as one row of tokens, without padding.

What is dense is computed for all of them at once. Attention alone goes batch by batch: a conversation sees what its
batch begins with, which is read once, and itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

import torch
from torch import Tensor

from .batches import Batch
from .hints import Hints

SAMPLED: Final = 1.0
"""The least weight of what the assistant samples."""


class Segment:
    """A batch in the row of tokens: what its conversations begin with, and behind it they themselves, one by one."""

    def __init__(self, start: int, batch: Batch) -> None:
        lengths = [len(each.ids) for each in batch.documents]
        begins = [start + len(batch.prefix) + before for before in (0, *accumulate(lengths))]
        self.family = batch.family
        self.prefix = slice(start, begins[0])
        self.conversations = [slice(begin, begin + length) for begin, length in zip(begins, lengths, strict=False)]
        firsts, at = torch.tensor(begins[:-1])[:, None], torch.arange(max(lengths))
        real = at < torch.tensor(lengths)[:, None]
        self.padded = torch.where(real, firsts + at, firsts)
        """`[conversations, longest]`: where their tokens stand; behind a conversation's end, its first one again."""
        self.real = real.flatten().nonzero()[:, 0]
        """Which of these, counted through, are no padding."""


class Pack:
    """Batches as one row of tokens, and what is learnt from each token."""

    def __init__(self, batches: Sequence[Batch], ids: Sequence[int]) -> None:
        """ids: of the vocabulary, in the order of the embedding's rows."""
        row_of = {id: row for row, id in enumerate(ids)}
        rows: list[int] = []
        positions: list[int] = []
        weights: list[float] = []
        shares: list[float] = []
        self.segments: list[Segment] = []
        declared, asked = Hints(), Hints()
        for batch in batches:
            self.segments.append(Segment(len(rows), batch))
            begin, own = len(batch.prefix), [0.0] * len(batch.prefix)
            declared |= {len(rows) + at: row_of[id] for at, id in batch.hints.items()}
            rows += (row_of[id] for id in batch.prefix)
            positions += range(begin)
            for each in batch.documents:
                asked |= {len(rows) + at: row_of[id] for at, id in each.hints.items()}
                rows += (row_of[id] for id in each.ids)
                positions += range(begin, begin + len(each.ids))
                own += [0.0, *each.weights[1:]]  # the first token follows from nothing
            weights += own
            shares += [batch.share / sum(own)] * len(own)
        self.rows = torch.tensor([rows])
        self.positions = torch.tensor(positions)
        self.sampled = torch.tensor(weights) >= SAMPLED
        self.weights = torch.tensor(weights) * torch.tensor(shares)
        self.hints = {
            kind: (torch.tensor(list(own)), torch.tensor(list(own.values())))
            for kind, own in (("declarations", declared), ("requests", asked))
        }
        """Where tokens stand, and the rows that are hinted at."""


class PackedAttention:
    """`transformer.attend` for a pack, with gradients, in a layer whose heads share one key and value.

    The fused kernel of torch is slower here: its head would be of 33 numbers, and keys would be repeated for each head.
    """

    def __init__(self, pack: Pack, window: int | None) -> None:
        self._segments = [(segment, *_masks(segment, window)) for segment in pack.segments]

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, sinks: Tensor) -> Tensor:
        """`[1, heads, tokens, head_dim]`, with one head in keys and values."""
        (queries,), ((keys,),), ((values,),) = queries * queries.shape[-1] ** -0.5, keys, values
        mixed = [
            part
            for segment, *masks in self._segments
            for part in _attend(segment, masks, queries, keys, values, sinks[:, None, None])
        ]
        return torch.cat(mixed).transpose(0, 1)[None]


def _masks(segment: Segment, window: int | None) -> tuple[Tensor, Tensor]:
    """What the beginning sees of itself; what conversations see: the end of the beginning and themselves."""
    begin, (_, longest) = segment.prefix.stop - segment.prefix.start, segment.padded.shape
    seen = begin if window is None else min(begin, window - 1)

    def mask(queries: int, keys: int) -> Tensor:
        distance = torch.arange(keys - queries, keys)[:, None] - torch.arange(keys)
        hidden = distance < 0 if window is None else (distance < 0) | (distance >= window)
        return torch.zeros(queries, keys).masked_fill(hidden, -math.inf)

    return mask(begin, begin), mask(longest, seen + longest)


def _attend(
    segment: Segment, masks: Sequence[Tensor], queries: Tensor, keys: Tensor, values: Tensor, sinks: Tensor
) -> Iterator[Tensor]:
    """Of the beginning and of the conversations: `[tokens, heads, head_dim]`."""

    def weigh(scores: Tensor) -> Tensor:
        return torch.cat((sinks.expand(*scores.shape[:-1], 1), scores), dim=-1).softmax(-1)[..., 1:]

    (heads, _, size), (count, longest) = queries.shape, segment.padded.shape
    old_keys, old_values = keys[segment.prefix], values[segment.prefix]
    yield (weigh(queries[:, segment.prefix] @ old_keys.mT + masks[0]) @ old_values).transpose(0, 1)
    seen = masks[1].shape[1] - longest
    old_keys, old_values = old_keys[len(old_keys) - seen :], old_values[len(old_values) - seen :]
    padded = segment.padded.flatten()
    # Batched by conversation; what all of them see is one large product.
    own = queries.index_select(1, padded).view(heads, count, longest, size).transpose(0, 1).reshape(count, -1, size)
    own_keys, own_values = (each.index_select(0, padded).view(count, longest, size) for each in (keys, values))
    scores = torch.cat(((own.flatten(0, 1) @ old_keys.mT).view(*own.shape[:-1], seen), own @ own_keys.mT), dim=-1)
    weights = weigh(scores.view(count, heads, longest, -1) + masks[1]).flatten(1, 2)
    mixed = (weights[..., :seen].flatten(0, 1) @ old_values).view_as(own) + weights[..., seen:] @ own_values
    spread = mixed.view(count, heads, longest, size).transpose(1, 2).reshape(-1, heads, size)
    yield spread.index_select(0, segment.real)
