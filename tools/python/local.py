"""No sandbox at all: the driver as an ordinary process of the user's, for those who ask for it by name.

Time, output and memory per process are limited; files, network and number of processes are not. A child that leaves the
process group outlives the session, and a cell can signal every process of the user's, which for root is all of them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .channel import Running
from .child import Child
from .host import driver_session
from .packages import find_packages, versions
from .program import command
from .sandbox import IMAGE, Session, Spec


@dataclass(frozen=True)
class Local:
    """Runs cells in the host's own Python, in the workspace or a temporary directory. image: see `Bubblewrap`.

    Only `choose(unsafe_local=True)` makes one.
    """

    image: str = IMAGE
    name = "local"
    limitations = ""
    held_by = "nothing holds its processes together"

    @property
    def packages(self) -> tuple[str, ...]:
        return versions(find_packages(self.image, Path(sys.executable)), asked=True)

    @asynccontextmanager
    async def session(self, spec: Spec = Spec()) -> AsyncIterator[Session]:  # noqa: B008 - frozen
        with ExitStack() as stack:
            if spec.workspace is None:
                temporary = tempfile.TemporaryDirectory(prefix="cadenza-python-", ignore_cleanup_errors=True)
                directory = stack.enter_context(temporary)
            else:
                spec.workspace.mkdir(parents=True, exist_ok=True)
                directory = str(spec.workspace.resolve())
            packages = find_packages(self.image, Path(sys.executable))
            async with driver_session(self.name, spec, partial(_start, directory, packages)) as session:
                yield session


async def _start(directory: str, packages: Path | None, spec: Spec) -> tuple[Running, Mapping[str, Any]]:
    # The limit on processes counts all of the user's, in every session: here it would hit the innocent.
    return Child(partial(_spawn, directory, packages)), {"processes": 0, "together": False}


def _spawn(directory: str, packages: Path | None, host: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command(sys.executable, host, host),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=(host,),
        cwd=directory,
        # Not the host's environment: it holds keys.
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": directory,
            "TMPDIR": directory,
            "LANG": "C.UTF-8",
            "MPLBACKEND": "Agg",
            **({"PYTHONPATH": str(packages)} if packages else {}),
        },
        start_new_session=True,
    )
