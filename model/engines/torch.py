"""The local engine: a checkpoint on this machine, whose requests run together (`scheduler`).

- A prompt that begins as one that was read before, in this run or another, costs only what is new (`cache`).
- A constraint masks the logits; where it leaves one token, that is taken without asking the network, which reads it
  with the next token that it is asked for.
- A request may come from any event loop of asyncio, in any thread; several may use one engine at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from functools import cached_property
from pathlib import Path

import anyio.to_thread
import torch

from cadenza.harmony import TurnGrammar, Vocabulary, VocabularyError, o200k_harmony, restricted

from .. import checkpoint
from ..batch import cache_of
from ..cache import PAGE
from ..constrain import Constrainer
from ..engine import Capabilities, Dense, Sampled, Sampling
from ..errors import CheckpointError, ModelError
from ..int8 import round_dense_layers
from ..request import Outcome, Request
from ..sampler import Sampler
from ..scheduler import CHUNK, Scheduler

_SMALL = 2**28  # bytes of a checkpoint


class TorchEngine:
    """Generates with a Transformer in this process."""

    def __init__(
        self,
        model: checkpoint.Checkpoint,
        *,
        name: str = "a checkpoint",
        memory: int | None = None,
        page: int = PAGE,
        chunk: int = CHUNK,
        guess: bool = True,
    ) -> None:
        """memory: bytes for keys and values, by default a quarter of what is free, or less if that is enough.

        page: positions that are kept and found again together; chunk: rows of a forward pass; guess:
        with `lookup`. These three only cost or save time.
        """
        self.name = name
        self._defaults = model.sampling
        self._vocabulary = o200k_harmony() if model.ids is None else restricted(model.ids)
        self._ids = range(model.network.config.vocab_size) if model.ids is None else model.ids
        self._rows = None if model.ids is None else {id: row for row, id in enumerate(model.ids)}
        self._context = model.network.config.max_context
        self._cache = cache_of(model.network, memory=memory, page=page)
        self._guess = guess
        self._scheduler = Scheduler(model.network, self._cache, chunk=chunk)

    @classmethod
    def load(
        cls, folder: Path, *, device: str = "cpu", dense: Dense = "stored", memory: int | None = None
    ) -> TorchEngine:
        """A small model is float32, which is faster; a large one stays as it is stored, memory-mapped.

        device: as torch calls it, such as "cuda:0" or "mps"; dense: "int8" halves what the dense layers of a large
        model read, at the price of exactness; memory: bytes for keys and values, as for an engine. Raises
        CheckpointError, ConfigError, and ModelError for a device that torch does not have here.
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
        try:
            return cls(loaded, name=folder.name, memory=memory)
        except VocabularyError as error:
            raise CheckpointError(f"{folder / checkpoint.IDS}: {error}") from None

    @property
    def vocabulary(self) -> Vocabulary:
        return self._vocabulary

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(mask="turn", context=self._context)

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
        rows, longest = self._to_rows(prompt), min(self._context, self._cache.longest)
        if not 0 < len(rows) < longest:
            why = "this model" if longest == self._context else "the memory for its keys and values"
            raise ModelError(f"the prompt has {len(rows)} tokens; {why} takes 1 to {max(longest - 1, 0)}")
        turn = None
        if constraint is not None:
            turn = await anyio.to_thread.run_sync(lambda: self._constrainer.start(constraint))
        loop, outcomes = asyncio.get_running_loop(), asyncio.Queue[Outcome]()
        request = Request(
            rows,
            end=min(len(rows) + limit, self._context),
            sampler=Sampler(
                temperature=self._defaults.temperature if sampling.temperature is None else sampling.temperature,
                top_p=self._defaults.top_p if sampling.top_p is None else sampling.top_p,
                seed=sampling.seed,
            ),
            stop=stop,
            turn=turn,
            ids=self._ids,
            to_rows=self._to_rows,
            guess=self._guess,
            hear=lambda outcome: loop.call_soon_threadsafe(outcomes.put_nowait, outcome),
        )
        self._scheduler.submit(request)
        try:
            while (outcome := await outcomes.get()) is not None:
                if isinstance(outcome, Exception):
                    raise outcome
                for token in outcome:
                    yield token
        finally:
            request.over = True

    @property
    def held(self) -> int:
        """Slots of memory that requests hold; what they only left behind is given to whoever needs it."""
        return self._cache.held

    async def close(self) -> None:
        await anyio.to_thread.run_sync(self._scheduler.close)

    def _to_rows(self, prompt: Sequence[int]) -> list[int]:
        try:
            return [self._ids.index(id) if self._rows is None else self._rows[id] for id in prompt]
        except (KeyError, ValueError):
            unknown = next(id for id in prompt if id not in self._ids)
            raise ModelError(f"the prompt holds token id {unknown}, which this model has no row for") from None

    @cached_property
    def _constrainer(self) -> Constrainer:
        return Constrainer(self._vocabulary, self._ids)
