"""Whose a container is, on its labels, so that those of dead processes can be told and swept away.

`born` tells a process from a later one with the same number, for control groups, too.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from docker import DockerClient

SESSION: Final = "cadenza.session"
OWNER: Final = "cadenza.owner"
PLACE: Final = "cadenza.place"
DEADLINE: Final = "cadenza.deadline"


def owner_labels(session: str, *, deadline: float) -> dict[str, str]:
    """deadline: seconds since the epoch, after which nobody can want the container any more."""
    pid = os.getpid()
    return {SESSION: session, OWNER: f"{pid} {born(pid)}", PLACE: _place(), DEADLINE: str(int(deadline))}


def is_orphan(labels: Mapping[str, str]) -> bool:
    """Whether the process that a container belongs to is dead. One of another machine is judged by the deadline."""
    with contextlib.suppress(ValueError):
        if float(labels.get(DEADLINE, "")) < time.time():
            return True
        if labels.get(PLACE) == _place():
            pid, began = labels.get(OWNER, "").split()
            return born(int(pid)) != began
    return False


def sweep(client: DockerClient) -> None:
    """Remove the containers of dead processes."""
    from docker.errors import APIError

    for found in client.api.containers(all=True, filters={"label": SESSION}):
        if is_orphan(found.get("Labels") or {}):
            with contextlib.suppress(APIError):  # another process sweeps, too
                client.api.remove_container(found["Id"], force=True)


def pid_namespace() -> str:
    """The number of the one in which our processes' numbers mean something. Empty where there are none."""
    with contextlib.suppress(OSError):
        return os.readlink("/proc/self/ns/pid").strip("pid:[]")
    return ""


def _place() -> str:
    """This boot of this machine, and the PID namespace."""
    with contextlib.suppress(OSError):
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {pid_namespace()}"
    return ""


def born(pid: int) -> str:
    """When a process began, in ticks since the boot: a number that is used again has another. Empty if it is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
