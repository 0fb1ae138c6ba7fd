"""A model's name -> an engine: a model that ships with the package, or a checkpoint folder.

torch is imported here, inside the function that needs it, and nowhere above the torch engine.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from .engine import TokenEngine
from .errors import ModelError

DEFAULT: Final = "nano"
_BUNDLED: Final = {"nano": "nano/weights"}


def resolve(name: str = DEFAULT) -> TokenEngine:
    """Loads a model. Raises ModelError: the name is unknown, or the checkpoint is not whole."""
    folder = find(name)
    from .engines.torch import TorchEngine

    return TorchEngine.load(folder)


def find(name: str) -> Path:
    """The folder of a model. Raises ModelError."""
    if name in _BUNDLED:
        return Path(str(files(__package__))) / _BUNDLED[name]
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    raise ModelError(f"no model {name!r}: neither bundled ({', '.join(_BUNDLED)}) nor a checkpoint folder")
