"""The local engine: a checkpoint on this machine, one request at a time, with a key/value cache.

- The forward pass runs in a worker thread, so that the event loop stays free.
- The cache outlives a request: a prompt that begins as the last one ended costs only what is new.
- Prompts are read in chunks, so that a cancellation never waits for a long one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import anyio
import anyio.to_thread
import torch

from cadenza.harmony import Vocabulary, o200k_harmony, restricted

from .. import checkpoint
from ..cache import KVCache
from ..engine import Capabilities, Sampled, Sampling
from ..errors import ModelError
from ..sampler import Sampler

_CHUNK = 512  # prompt tokens in one forward pass


class TorchEngine:
    """Generates with a Transformer in this process."""

    def __init__(self, model: checkpoint.Checkpoint) -> None:
        self._network = model.network
        self._defaults = model.sampling
        self._vocabulary = o200k_harmony() if model.ids is None else restricted(model.ids)
        self._ids = range(model.network.config.vocab_size) if model.ids is None else model.ids
        self._rows = None if model.ids is None else {id: row for row, id in enumerate(model.ids)}
        self._cache = KVCache(model.network.config)
        self._lock = anyio.Lock()

    @classmethod
    def load(cls, folder: Path) -> TorchEngine:
        """Raises CheckpointError or ConfigError."""
        return cls(checkpoint.load(folder))

    @property
    def vocabulary(self) -> Vocabulary:
        return self._vocabulary

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(context=self._network.config.max_context)

    async def generate(
        self, prompt: Sequence[int], sampling: Sampling, *, stop: frozenset[int], limit: int
    ) -> AsyncGenerator[Sampled, None]:
        """Raises ModelError for an empty or too long prompt, or an id that the model has no row for."""
        rows = self._to_rows(prompt)
        context = self._network.config.max_context
        if not 0 < len(rows) < context:
            raise ModelError(f"the prompt has {len(rows)} tokens; this model takes 1 to {context - 1}")
        sampler = Sampler(
            temperature=self._defaults.temperature if sampling.temperature is None else sampling.temperature,
            top_p=self._defaults.top_p if sampling.top_p is None else sampling.top_p,
            seed=sampling.seed,
        )
        async with self._lock:
            for _ in range(min(limit, context - len(rows))):
                row, logprob = await anyio.to_thread.run_sync(self._next, rows, sampler)
                rows.append(row)
                yield Sampled(self._ids[row], logprob)
                if self._ids[row] in stop:
                    return

    async def close(self) -> None:
        self._cache = KVCache(self._network.config)

    def _to_rows(self, prompt: Sequence[int]) -> list[int]:
        try:
            return [self._ids.index(id) if self._rows is None else self._rows[id] for id in prompt]
        except (KeyError, ValueError):
            unknown = next(id for id in prompt if id not in self._ids)
            raise ModelError(f"the prompt holds token id {unknown}, which this model has no row for") from None

    @torch.inference_mode()
    def _next(self, rows: list[int], sampler: Sampler) -> tuple[int, float]:
        """The row after `rows`. Reads what the cache does not hold yet."""
        start = self._cache.keep_prefix(rows)
        while start < len(rows):
            chunk = rows[start : start + _CHUNK]
            logits = self._network(torch.tensor([chunk]), caches=self._cache.layers, start=start)
            self._cache.rows.extend(chunk)
            start += len(chunk)
        return sampler.pick(logits[0, -1], len(rows))
