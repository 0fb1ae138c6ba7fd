"""The models of a run: the first that works, and those that it may fall back to."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import TypedDict

from cadenza.harmony import Vocabulary, o200k_harmony
from cadenza.model import LocalModel, Mask, ModelError, TokenEngine, resolve

from .masks import Masks

_loaded = lru_cache(maxsize=1)(resolve)
"""Runs that follow each other share a loaded model and its cache."""


class Guarantee(TypedDict):
    """Of a model, as RunStarted and EngineRetry say it."""

    model: str
    mask: Mask
    ids: bool


class Models:
    """engine: the one in use; name: as the model is called; missed: those before it, each with what was wrong."""

    def __init__(self, models: Sequence[str | LocalModel | TokenEngine]) -> None:
        """Loads the first that can be. Raises ModelError."""
        self._rest = deque(models)
        self.missed: list[str] = []
        self.engine = self._next()

    def guarantee(self, masks: Masks | None) -> Guarantee:
        """What the model in use is held to."""
        mask = "none" if masks is None else masks.holds
        return {"model": self.name, "mask": mask, "ids": self.engine.capabilities.ids}

    def fall_back(self, error: ModelError, vocabulary: Vocabulary) -> None:
        """To the next that can be loaded and knows these ids. Raises the error where there is none."""
        self.missed = [f"{self.name}: {error}"]
        while self._rest:
            engine = self._next()
            if engine.vocabulary in (vocabulary, o200k_harmony()):
                self.engine = engine
                return
            self.missed.append(f"{self.name}: has a smaller vocabulary than the run")
        raise error

    def _next(self) -> TokenEngine:
        while True:
            model = self._rest.popleft()
            self.name = model if isinstance(model, str) else model.name
            try:
                return _loaded(model) if isinstance(model, str | LocalModel) else model
            except ModelError as error:
                if not self._rest:
                    raise
                self.missed.append(f"{self.name}: {error}")
