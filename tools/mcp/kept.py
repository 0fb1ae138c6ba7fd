"""A program below a keeper, so that nothing of it outlives us: started, heard of, ended."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import anyio

from ..alone import alone
from ..errors import ToolError
from .keeper import why

END_SECONDS: Final = 10.0
"""For the keeper to end everything; then it goes on by itself."""
_POLL_SECONDS: Final = 0.01


class Kept:
    """Made by `start`. stdin, stdout, stderr: of the program, never blocking."""

    def __init__(self, keeper: subprocess.Popen[bytes], owner: socket.socket) -> None:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        assert keeper.stderr is not None
        self.stdin: IO[bytes] = keeper.stdin
        self.stdout: IO[bytes] = keeper.stdout
        self.stderr: IO[bytes] = keeper.stderr
        for fd in (keeper.stdin.fileno(), keeper.stdout.fileno(), keeper.stderr.fileno(), owner.fileno()):
            os.set_blocking(fd, False)
        self._keeper, self._owner = keeper, owner
        self._told = b""
        self._is_silent = False

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str], folder: Path | None) -> Kept:
        """Raises ToolError if it cannot be started."""
        kept = cls(*_below_a_keeper(command, environment, folder))
        try:
            while not kept._lines and not kept._is_silent:
                await anyio.wait_readable(kept._owner)
            refused = kept._lines[0] if kept._lines else "its keeper has ended"
            if refused:
                raise ToolError(f"{command[0]} cannot be started: {refused}")
        except BaseException:
            await kept.end()
            kept.close()
            raise
        return kept

    @property
    def _lines(self) -> list[str]:
        """What the keeper has told so far: see `keeper.main`."""
        try:
            while data := self._owner.recv(1024):
                self._told += data
            self._is_silent = True
        except BlockingIOError:
            pass
        except OSError:  # closed
            self._is_silent = True
        return self._told.decode("utf-8", "replace").split("\n")[:-1]

    @property
    def exit_code(self) -> int | None:
        """None as long as it runs; negative for the signal that ended it, or its keeper."""
        lines = self._lines
        if len(lines) > 1:
            return int(lines[1])
        return self._keeper.poll() if self._is_silent else None

    async def end(self) -> None:
        """Ends its input, and all that is left of it a moment later. Never interrupted."""
        self.stdin.close()
        with suppress(OSError):  # it has ended already
            self._owner.shutdown(socket.SHUT_WR)
        with anyio.CancelScope(shield=True):
            await until(lambda: self._keeper.poll() is not None, END_SECONDS)

    def close(self) -> None:
        """Its pipes, when nobody reads them any more."""
        _ = self._lines  # the last ones
        for end in (self.stdin, self.stdout, self.stderr, self._owner):
            end.close()


def _below_a_keeper(
    command: Sequence[str], environment: Mapping[str, str], folder: Path | None
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """The keeper, and our end of the socket to it. Raises ToolError."""
    ours, its = socket.socketpair()
    try:
        keeper = subprocess.Popen(
            alone("mcp.keeper", str(its.fileno()), *command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment,
            cwd=folder,
            pass_fds=(its.fileno(),),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        ours.close()
        raise ToolError(f"{command[0]} cannot be started: {why(error)}") from None
    finally:
        its.close()
    return keeper, ours


async def until(is_so: Callable[[], bool], seconds: float) -> None:
    """Or for so long."""
    with anyio.move_on_after(seconds):
        while not is_so():  # noqa: ASYNC110 - nobody tells
            await anyio.sleep(_POLL_SECONDS)
