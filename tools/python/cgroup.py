"""A control group of the kernel's around one session: memory in total, number of processes, and CPUs.

Groups are made where this process may: below its own, where each controller has a tree to itself (version 1), or below
the nearest one that hands controllers on and may be written to (version 2, where a group with processes in it hands on
none). Nothing is switched on for that. A group is a folder; that of a process that was killed is empty, and its name
says whose it was: the next process removes it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import anyio

from .driver.worker import HEADROOM
from .owner import born, pid_namespace
from .sandbox import MIB, Spec

CONTROLLERS: Final = {"memory": "memory in total", "pids": "processes", "cpu": "CPUs"}
PERIOD: Final = 100_000
"""Microseconds in which the CPU time of a group is counted."""
GONE_SECONDS: Final = 5.0
"""For killed processes to leave their group."""
NAME: Final = "cadenza-session"
NOT_EVERYWHERE: Final = ("memory.memsw.limit_in_bytes", "memory.swap.max")
"""Files of kernels that count what is swapped out."""
_numbers = count()


def shared_memory(spec: Spec) -> int:
    """Bytes of /dev/shm."""
    return min(spec.disk, 16 * MIB)


def total_memory(spec: Spec) -> int:
    """Bytes of all processes of a session, its sleeping copy, and its memory file systems, which count as well."""
    return spec.memory + spec.memory // 2 + HEADROOM + 2 * spec.disk + shared_memory(spec)


def limits(spec: Spec, version: int) -> dict[str, dict[str, str]]:
    """By controller: the files of a group, and what is written to them."""
    memory = str(total_memory(spec))
    quota = str(int(min(spec.cpus, os.cpu_count() or 1) * PERIOD))
    pids = {"pids.max": str(spec.processes)}
    if version == 1:
        return {
            "memory": {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory},
            "pids": pids,
            "cpu": {"cpu.cfs_period_us": str(PERIOD), "cpu.cfs_quota_us": quota},
        }
    return {
        "memory": {"memory.max": memory, "memory.swap.max": "0"},
        "pids": pids,
        "cpu": {"cpu.max": f"{quota} {PERIOD}"},
    }


@dataclass(frozen=True)
class Group:
    """The folders of one session's group: one for each tree of controllers."""

    folders: tuple[Path, ...]

    @contextmanager
    def doors(self) -> Iterator[tuple[int, ...]]:
        """Descriptors: a process that writes 0 to all of them is in the group, with all that it starts after.

        Raises OSError.
        """
        with ExitStack() as stack:
            yield tuple(
                stack.enter_context((folder / "cgroup.procs").open("wb", 0)).fileno() for folder in self.folders
            )

    async def remove(self) -> None:
        """When the processes in it, which have been killed, are gone. May be repeated."""
        end, pause = time.monotonic() + GONE_SECONDS, 0.001
        with anyio.CancelScope(shield=True):
            while not all(map(_remove, self.folders)) and time.monotonic() < end:
                await anyio.sleep(pause)
                pause = min(2 * pause, 0.05)


@dataclass(frozen=True)
class Place:
    """Where the folders of groups are made, and which controllers hold what is in them. version: 1 or 2."""

    folder: Path
    version: int
    controllers: tuple[str, ...]

    def make(self, name: str, spec: Spec) -> Path:
        """Raises OSError."""
        folder = self.folder / name
        folder.mkdir()
        try:
            for controller in self.controllers:
                for file, value in limits(spec, self.version)[controller].items():
                    if file not in NOT_EVERYWHERE or (folder / file).exists():
                        (folder / file).write_text(value)
        except OSError:
            folder.rmdir()
            raise
        return folder

    def works(self) -> bool:
        try:
            self.make(_name(), Spec()).rmdir()
        except OSError:
            return False
        return True


@dataclass(frozen=True)
class Groups:
    """places: one for each tree of controllers."""

    places: tuple[Place, ...]

    @classmethod
    def find(cls) -> Groups | None:
        """Those that this process can make; None if they would not hold memory. Sweeps up after dead processes."""
        trees = list(_trees())
        for tree in trees:
            _sweep(tree.mount)
        found = cls(tuple(place for tree in trees if (place := tree.place()) and place.works()))
        return found if "memory" in found.controllers else None

    @property
    def controllers(self) -> tuple[str, ...]:
        return tuple(name for name in CONTROLLERS if any(name in place.controllers for place in self.places))

    @property
    def holds(self) -> str:
        """What they hold, in words."""
        *others, last = (CONTROLLERS[name] for name in self.controllers)
        return f"{', '.join(others)} and {last}" if others else last

    def make(self, spec: Spec) -> Group:
        """An empty group with the limits of a session. Raises OSError."""
        name = _name()
        made: list[Path] = []
        try:
            for place in self.places:
                made.append(place.make(name, spec))
        except OSError:
            for folder in made:
                folder.rmdir()
            raise
        return Group(tuple(made))


@dataclass(frozen=True)
class _Tree:
    """mount: of the whole tree, as far as it can be seen; own: the folder of this process's group in it."""

    mount: Path
    own: Path
    version: int
    controllers: tuple[str, ...]

    def place(self) -> Place | None:
        if self.version == 1:
            return Place(self.own, 1, self.controllers)
        above = [folder for folder in (self.own, *self.own.parents) if folder.is_relative_to(self.mount)]
        places = [Place(folder, 2, _handed_on(folder)) for folder in above if os.access(folder, os.W_OK)]
        best = max(places, key=lambda place: len(place.controllers), default=None)  # of several, the nearest
        return best if best and best.controllers else None


def _trees() -> Iterator[_Tree]:
    """From proc(5): the mounts of control groups, and the path of this process's own group in each tree."""
    with contextlib.suppress(OSError):
        own = [line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines()]
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            left, _, right = line.partition(" - ")
            root, mount = left.split()[3:5]
            kind, _, options = right.split(" ", 2)
            version = {"cgroup": 1, "cgroup2": 2}.get(kind)
            if version is None:
                continue
            names = tuple(name for name in CONTROLLERS if name in options.split(",")) if version == 1 else ()
            for controllers, path in own:
                in_it = set(names) & set(controllers.split(",")) if version == 1 else not controllers
                if in_it and Path(path).is_relative_to(root):
                    yield _Tree(Path(mount), Path(mount, Path(path).relative_to(root)), version, names)


def _handed_on(folder: Path) -> tuple[str, ...]:
    """The controllers that groups below this one have, in version 2."""
    with contextlib.suppress(OSError):
        handed_on = (folder / "cgroup.subtree_control").read_text().split()
        return tuple(name for name in CONTROLLERS if name in handed_on)
    return ()


def _name() -> str:
    """Of a group of this process's."""
    return f"{NAME}-{pid_namespace()}-{os.getpid()}-{born(os.getpid())}-{next(_numbers)}"


def _sweep(mount: Path) -> None:
    """Remove the groups of dead processes. One that others are in cannot be removed."""
    for folder, names, _ in os.walk(mount):
        for name in names:
            if name.startswith(f"{NAME}-{pid_namespace()}-"):
                pid, began = name.split("-")[-3:-1]
                if born(int(pid)) != began:
                    _remove(Path(folder, name))


def _remove(folder: Path) -> bool:
    """Whether the group is gone now."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
