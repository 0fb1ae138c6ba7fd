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


def file_name(name: str) -> str:
    """Of what a tool gave this name, without the folders that it may lead through."""
    own = Path(name).name
    return own if own.strip(".") else "file"


def keep(folder: Path, name: str, data: bytes) -> Path:
    """Writes one, over what has its name. Raises UserError where that cannot be."""
    path = make_folder(folder) / file_name(name)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UserError(f"--out {path}: cannot be written: {error.strerror}") from None
    return path
