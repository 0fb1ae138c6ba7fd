"""The folder of a task that its tools share: made where it is not there, for whoever is to write in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

NOBODY: Final = 65534
"""Who root's sandboxes run as."""


def make_workspace(folder: Path) -> None:
    """Makes the folder if it is not there, so that a sandbox may write in it. Raises OSError."""
    if folder.exists():
        return
    folder.mkdir(parents=True)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
