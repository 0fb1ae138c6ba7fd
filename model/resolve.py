"""A model's name -> an engine: a model that ships with the package, a checkpoint folder, or one that was pulled.

torch and the hub's library are imported here, inside the function that needs them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from .engine import Dense, TokenEngine
from .errors import ModelError

DEFAULT: Final = "nano"
_BUNDLED: Final = {"nano": "nano/weights"}


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model to be loaded into this process. name: as `find` takes it; the others: as `TorchEngine.load` does."""

    name: str = DEFAULT
    _: KW_ONLY
    device: str = "cpu"
    dense: Dense = "stored"
    memory: int | None = None


def resolve(model: str | LocalModel = DEFAULT) -> TokenEngine:
    """Loads a model, a name as it is stored and on the CPU.

    Raises ModelError: the name is unknown, the checkpoint is not whole, or this machine has no such device.
    """
    asked = LocalModel(model) if isinstance(model, str) else model
    folder = find(asked.name)
    from .engines.torch import TorchEngine

    return TorchEngine.load(folder, device=asked.device, dense=asked.dense, memory=asked.memory)


def find(name: str) -> Path:
    """The folder of a model. Raises ModelError."""
    if name in _BUNDLED:
        return Path(str(files(__package__))) / _BUNDLED[name]
    with suppress(OSError, RuntimeError):  # no path: a name too long, or ~ of nobody
        folder = Path(name).expanduser()
        if folder.is_dir():
            return folder
    from .hub import cached

    if (pulled := cached(name)) is not None:
        return pulled
    bundled = ", ".join(_BUNDLED)
    raise ModelError(f"no model {name!r}: neither bundled ({bundled}), nor a checkpoint folder, nor pulled")
