"""The models of a run: the first that works, and those that it may fall back to."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import TypedDict
from weakref import WeakValueDictionary

from cadenza.harmony import Vocabulary, o200k_harmony
from cadenza.model import LocalModel, Mask, ModelError, TokenEngine, find, resolve

from .masks import Masks

_loaded: WeakValueDictionary[LocalModel, TokenEngine] = WeakValueDictionary()
_latest: list[TokenEngine] = []  # which is kept, though nobody uses it
_loading = Lock()


def load(model: str | LocalModel) -> TokenEngine:
    """Runs of one model share it, so that they are computed together and find what others have read.

    Raises ModelError.
    """
    asked = LocalModel(model) if isinstance(model, str) else model
    asked = replace(asked, name=str(find(asked.name).resolve()))
    with _loading:
        engine = _loaded.get(asked)
        if engine is None:
            _latest.clear()  # before the next one takes memory
            engine = _loaded[asked] = resolve(asked)
        _latest[:] = [engine]
        return engine


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
                return load(model) if isinstance(model, str | LocalModel) else model
            except ModelError as error:
                if not self._rest:
                    raise
                self.missed.append(f"{self.name}: {error}")
