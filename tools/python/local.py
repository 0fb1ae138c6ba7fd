"""No sandbox at all: the driver as an ordinary process of the user's, for those who ask for it by name.

Time, output and memory per process are limited; files, network and number of processes are not. A child that leaves the
process group outlives the session, and a cell can signal every process of the user's, which for root is all of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from .channel import Settings
from .host import driver_session
from .sandbox import Session, Spec

DRIVER = Path(__file__).with_name("driver.py")


class Local:
    """Runs cells in the host's own Python, in the workspace or a temporary directory.

    Only `choose(unsafe_local=True)` makes one.
    """

    name = "local"
    limitations = ""

    @asynccontextmanager
    async def session(self, spec: Spec = Spec()) -> AsyncIterator[Session]:  # noqa: B008 - frozen
        with ExitStack() as stack:
            if spec.workspace is None:
                temporary = tempfile.TemporaryDirectory(prefix="cadenza-python-", ignore_cleanup_errors=True)
                directory = stack.enter_context(temporary)
            else:
                spec.workspace.mkdir(parents=True, exist_ok=True)
                directory = str(spec.workspace.resolve())
            async with driver_session(self.name, spec, partial(_start, directory)) as session:
                yield session


def _start(directory: str, spec: Spec, settings: Settings) -> subprocess.Popen[bytes]:
    # The limit on processes counts all of the user's, in every session: here it would hit the innocent.
    settings = {**settings, "processes": 0}
    return subprocess.Popen(
        [sys.executable, "-I", "-B", str(DRIVER), json.dumps(settings)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=(settings["host"],),
        cwd=directory,
        # Not the host's environment: it holds keys.
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": directory, "TMPDIR": directory, "LANG": "C.UTF-8"},
        start_new_session=True,
    )
