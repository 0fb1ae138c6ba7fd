"""A driver in a process group of this machine, and the socket to it."""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable
from typing import Final

import anyio

END_SECONDS: Final = 20.0
"""For a driver to end by itself what is left of its session."""


class Child:
    """spawn: given the driver's end of the socket, starts it as the leader of a process group; after: its death.

    sees_to_its_end: whether what it started would outlive a driver that is killed, which ends when its socket does.

    A thread's end would kill a process started with --die-with-parent: make one in the event loop's thread.
    Raises OSError.
    """

    def __init__(
        self,
        spawn: Callable[[int], subprocess.Popen[bytes]],
        after: Callable[[], Awaitable[None]] | None = None,
        *,
        sees_to_its_end: bool = False,
    ) -> None:
        # Unlike a pipe, a socket cannot be opened a second time through /proc.
        self.socket, theirs = socket.socketpair()
        self.socket.setblocking(False)
        self._complaint = ""
        self._after = after
        self._patience = END_SECONDS if sees_to_its_end else 0.0
        try:
            with theirs:
                self._process = spawn(theirs.fileno())
        except BaseException:
            self.socket.close()
            raise

    async def kill(self) -> str:
        with anyio.CancelScope(shield=True):
            if self._patience and self.socket.fileno() >= 0:
                self.socket.shutdown(socket.SHUT_RDWR)
                await self._wait(time.monotonic() + self._patience)
            if self._process.poll() is None:
                # The process is not yet waited for, so its number cannot belong to another.
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._wait()
            self.socket.close()
            self._complaint = self._complaint or _last_line(self._process)
            if self._after is not None:
                await self._after()
        return self._complaint

    async def _wait(self, until: float = math.inf) -> None:
        pause = 0.001
        while self._process.poll() is None and time.monotonic() < until:
            await anyio.sleep(pause)
            pause = min(2 * pause, 0.05)


def _last_line(process: subprocess.Popen[bytes]) -> str:
    """The last line that a dead process wrote to stderr, which is then closed."""
    if process.stderr is None or process.stderr.closed:
        return ""
    with process.stderr as stream:
        os.set_blocking(stream.fileno(), False)  # another may still hold the end for writing
        lines = (stream.read(8192) or b"").decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
