"""The local engine: a checkpoint on this machine, one request at a time, with a key/value cache.

- The forward pass runs in a worker thread, so that the event loop stays free.
- The cache outlives a request: a prompt that begins as the last one ended costs only what is new.
- Prompts are read in chunks, so that a cancellation never waits for a long one.
- A constraint masks the logits; where it leaves one token, that is taken without asking the network, which reads it
  with the next token that it is asked for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from functools import cached_property
from pathlib import Path

import anyio
import anyio.to_thread
import torch
from torch import Tensor

from cadenza.harmony import Provenance, TurnGrammar, Vocabulary, o200k_harmony, restricted

from .. import checkpoint
from ..cache import KVCache
from ..constrain import Constrainer, Constraint
from ..engine import Capabilities, Dense, Sampled, Sampling
from ..errors import ModelError
from ..int8 import round_dense_layers
from ..sampler import Sampler

_CHUNK = 512  # prompt tokens in one forward pass
_SMALL = 2**28  # bytes of a checkpoint


class TorchEngine:
    """Generates with a Transformer in this process."""

    def __init__(self, model: checkpoint.Checkpoint, *, name: str = "a checkpoint") -> None:
        self.name = name
        self._network = model.network
        self._defaults = model.sampling
        self._vocabulary = o200k_harmony() if model.ids is None else restricted(model.ids)
        self._ids = range(model.network.config.vocab_size) if model.ids is None else model.ids
        self._rows = None if model.ids is None else {id: row for row, id in enumerate(model.ids)}
        self._cache = KVCache(model.network.config)
        self._device = model.network.lm_head.weight.device
        self._lock = anyio.Lock()

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu", dense: Dense = "stored") -> TorchEngine:
        """A small model is float32, which is faster; a large one stays as it is stored, memory-mapped.

        device: as torch calls it, such as "cuda:0" or "mps"; dense: "int8" halves what the dense layers of a large
        model read, at the price of exactness. Raises CheckpointError, ConfigError, and ModelError for a device that
        torch does not have here.
        """
        try:
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            raise ModelError(f"device {device!r}: {str(error).splitlines()[0]}") from None
        size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        dtype = torch.float32 if size < _SMALL else None
        loaded = checkpoint.load(folder, dtype=dtype, device=device)
        if dense == "int8":
            round_dense_layers(loaded.network)
        return cls(loaded, name=folder.name)

    @property
    def vocabulary(self) -> Vocabulary:
        return self._vocabulary

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(mask="turn", context=self._network.config.max_context)

    async def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        stop: frozenset[int],
        limit: int,
        constraint: TurnGrammar | None = None,
    ) -> AsyncGenerator[Sampled, None]:
        """Raises ModelError for an empty or too long prompt, or an id that the model has no row for.

        Raises ConstraintError for a grammar that cannot be compiled, or that leaves no token to go on with.
        """
        rows = self._to_rows(prompt)
        context = self._network.config.max_context
        if not 0 < len(rows) < context:
            raise ModelError(f"the prompt has {len(rows)} tokens; this model takes 1 to {context - 1}")
        sampler = Sampler(
            temperature=self._defaults.temperature if sampling.temperature is None else sampling.temperature,
            top_p=self._defaults.top_p if sampling.top_p is None else sampling.top_p,
            seed=sampling.seed,
        )
        end = min(len(rows) + limit, context)
        async with self._lock:
            turn = None if constraint is None else await anyio.to_thread.run_sync(self._start, constraint)
            while len(rows) < end and (turn is None or not turn.finished):
                for token in await anyio.to_thread.run_sync(self._next, rows, sampler, turn, end):
                    rows += self._to_rows([token.id])
                    yield token
                    if token.id in stop:
                        return

    async def close(self) -> None:
        self._cache = KVCache(self._network.config)

    def _to_rows(self, prompt: Sequence[int]) -> list[int]:
        try:
            return [self._ids.index(id) if self._rows is None else self._rows[id] for id in prompt]
        except (KeyError, ValueError):
            unknown = next(id for id in prompt if id not in self._ids)
            raise ModelError(f"the prompt holds token id {unknown}, which this model has no row for") from None

    @cached_property
    def _constrainer(self) -> Constrainer:
        return Constrainer(self._vocabulary, self._ids)

    def _start(self, grammar: TurnGrammar) -> Constraint:
        return self._constrainer.start(grammar)

    @torch.inference_mode()
    def _next(self, rows: list[int], sampler: Sampler, turn: Constraint | None, end: int) -> list[Sampled]:
        """What follows `rows`: all that is forced, up to `end` rows, or else one token out of the allowed ones."""
        if turn is not None and (forced := turn.forced(end - len(rows))):
            return [Sampled(id, 0.0, Provenance.FORCED) for id in forced]
        logits = self._read(rows)
        if turn is not None:
            logits = logits.masked_fill(~turn.allowed, -torch.inf)
        row, logprob = sampler.pick(logits, len(rows))
        if turn is not None:
            turn.accept(self._ids[row])
        return [Sampled(self._ids[row], logprob)]

    def _read(self, rows: list[int]) -> Tensor:
        """Logits `[vocab_size]` of the row after `rows`. Reads what the cache does not hold yet."""
        start = self._cache.keep_prefix(rows)
        while start < len(rows):
            chunk = rows[start : start + _CHUNK]
            read = torch.tensor([chunk], device=self._device)
            logits = self._network(read, caches=self._cache.layers, start=start, only_last=True)
            self._cache.rows.extend(chunk)
            start += len(chunk)
        last: Tensor = logits[0, -1].float().cpu()
        return last
