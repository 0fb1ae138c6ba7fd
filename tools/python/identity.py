"""As whom a sandbox runs, and the one folder of the host's that it may be given."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TypedDict

from ..workspace import NOBODY, make_workspace
from .sandbox import SandboxError


class Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def identity() -> Identity:
    """As whom to start what is not trusted, as arguments of subprocess: root as nobody, everybody else as they are."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if is_root() else {}


def user_and_group() -> tuple[int, int]:
    """The same, as numbers."""
    return (NOBODY, NOBODY) if is_root() else (os.geteuid(), os.getegid())


def is_root() -> bool:
    return os.geteuid() == 0


def writable(workspace: Path) -> Path:
    """The folder's real path, made if it is not there. Raises SandboxError where the user inside may not write."""
    try:
        make_workspace(workspace)
        real = workspace.resolve(strict=True)
        allowed = subprocess.run(["test", "-d", real, "-a", "-w", real, "-a", "-x", real], **identity())
    except OSError as error:
        raise SandboxError(f"workspace {workspace}: {error.strerror}") from None
    if allowed.returncode != 0:
        who = "; root's sandbox runs as nobody, who must reach and own it" if is_root() else ""
        raise SandboxError(f"workspace {workspace}: is no folder that a cell can write to{who}")
    return real
