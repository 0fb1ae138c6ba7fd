"""A model's name -> an engine: a model that ships with the package, a checkpoint folder, or one that was pulled.

torch and the hub's library are imported here, inside the function that needs them.
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
    from .hub import cached

    if (pulled := cached(name)) is not None:
        return pulled
    bundled = ", ".join(_BUNDLED)
    raise ModelError(f"no model {name!r}: neither bundled ({bundled}), nor a checkpoint folder, nor pulled")
