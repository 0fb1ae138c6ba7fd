"""`--out FOLDER`: the images and files that calls made, under their own names."""

from __future__ import annotations

from pathlib import Path

from ..errors import UserError


def make_folder(folder: Path) -> Path:
    """Before anything is made that should go there. Raises UserError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {folder}: cannot be written: {error.strerror}") from None
    return folder


def keep(folder: Path, name: str, data: bytes) -> Path:
    """Writes one, over what has its name. Raises UserError where that cannot be."""
    path = make_folder(folder) / (Path(name).name or "file")
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UserError(f"--out {path}: cannot be written: {error.strerror}") from None
    return path
