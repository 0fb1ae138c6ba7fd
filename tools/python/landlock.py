"""The sandbox for hosts that forbid namespaces: the driver confines its cells by Landlock and a filter of system calls.

There is no file system, network, process list and user of the session's own, as in `Bubblewrap`. Cells run as the user
who runs the agent (for root, as nobody), below walls that stand around what they may do:
- Landlock: they read /usr and write to two folders that are made for the session, or the workspace. /proc is closed, so
  that they see no process, and they may signal nothing but their own.
- The filter: no sockets, and none of the calls that Landlock lets pass by although they reach what is the user's.
- The supervisor looks at processes, memory and files ten times a second; no limit of the kernel's counts them in total.
- A keeper ends what is left when a session ends in whatever way, and removes its folders.
"""

from __future__ import annotations

import base64
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from .channel import Running
from .child import Child
from .host import driver_session, why_not
from .identity import identity, user_and_group, writable
from .packages import find_packages, versions
from .program import LOOKED_UP, ROOTS, command, interpreters, own_folders
from .sandbox import ENVIRONMENT, IMAGE, SandboxError, Session, Spec
from .seccomp import seccomp_filter

READING: Final = (
    *("/usr", *ROOTS, *LOOKED_UP),
    *("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
)
WALLS: Final = """
import os, socket
for walled in (
    lambda: open("/proc/self/status"),
    lambda: os.listdir("/"),
    lambda: os.kill(os.getppid(), 0),
    lambda: os.chmod(".", 0o700),
    socket.socket,
):
    try: walled()
    except PermissionError: continue
    raise SystemExit("a wall is missing")
"""


@dataclass(frozen=True)
class Landlock:
    """One Python for the inside. `Landlock.find()` gives one that works. image: see `Bubblewrap`."""

    python: Path
    image: str = IMAGE
    name = "landlock"
    held_by = "processes, memory and files in total are looked at, CPUs are not limited"
    limitations = (
        "Only files below the working directory and below tempfile.gettempdir() can be written. There is no /proc, no "
        "locking between processes, and modes and times of files stay: shutil.copyfile works, shutil.copy does not."
    )

    @property
    def packages(self) -> tuple[str, ...]:
        return versions(find_packages(self.image, self.python), asked=True)

    @classmethod
    async def find(cls, image: str = IMAGE) -> Landlock:
        """The first Python with which a cell really runs, and meets the walls.

        Raises:
            SandboxError: there is none; the message says why the first failed.
        """
        reason = ""
        for python in interpreters():
            sandbox = cls(python, image)
            if not (why := await why_not(sandbox, user=user_and_group()[0], first=WALLS)):
                return sandbox
            reason = reason or why
        raise SandboxError(f"landlock does not work here ({reason}); use the sandbox 'bubblewrap' or 'monty'")

    @asynccontextmanager
    async def session(self, spec: Spec = Spec()) -> AsyncIterator[Session]:  # noqa: B008 - frozen
        async with driver_session(self.name, spec, self._start) as session:
            yield session

    async def _start(self, spec: Spec) -> tuple[Running, Mapping[str, Any]]:
        packages = find_packages(self.image, self.python)
        settings = {
            "system_calls": base64.b64encode(seccomp_filter(alone=True)).decode(),
            "reading": [*READING, *own_folders(self.python), *([str(packages)] if packages else [])],
            "workspace": str(writable(spec.workspace)) if spec.workspace is not None else "",
        }
        return Child(partial(self._spawn, packages), sees_to_its_end=True), settings

    def _spawn(self, packages: Path | None, host: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command(str(self.python), host, host),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(host,),
            cwd="/",
            env={
                **ENVIRONMENT,
                "PATH": f"{self.python.parent}:{ENVIRONMENT['PATH']}",
                **({"PYTHONPATH": str(packages)} if packages else {}),
            },
            start_new_session=True,
            **identity(),
        )
