"""A driver in a process group of this machine, and the socket to it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Awaitable, Callable

import anyio


class Child:
    """spawn: given the driver's end of the socket, starts it as the leader of a process group; after: its death.

    A thread's end would kill a process started with --die-with-parent: make one in the event loop's thread.
    Raises OSError.
    """

    def __init__(
        self, spawn: Callable[[int], subprocess.Popen[bytes]], after: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        # Unlike a pipe, a socket cannot be opened a second time through /proc.
        self.socket, theirs = socket.socketpair()
        self.socket.setblocking(False)
        self._complaint = ""
        self._after = after
        try:
            with theirs:
                self._process = spawn(theirs.fileno())
        except BaseException:
            self.socket.close()
            raise

    async def kill(self) -> str:
        with anyio.CancelScope(shield=True):
            if self._process.poll() is None:
                # The process is not yet waited for, so its number cannot belong to another.
                os.killpg(self._process.pid, signal.SIGKILL)
            pause = 0.001
            while self._process.poll() is None:
                await anyio.sleep(pause)
                pause = min(2 * pause, 0.05)
            self.socket.close()
            self._complaint = self._complaint or _last_line(self._process)
            if self._after is not None:
                await self._after()
        return self._complaint


def _last_line(process: subprocess.Popen[bytes]) -> str:
    """The last line that a dead process wrote to stderr, which is then closed."""
    if process.stderr is None or process.stderr.closed:
        return ""
    with process.stderr as stream:
        os.set_blocking(stream.fileno(), False)  # another may still hold the end for writing
        lines = (stream.read(8192) or b"").decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
