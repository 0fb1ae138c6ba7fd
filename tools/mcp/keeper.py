"""Between us and a server: sees to it that nothing of the server is left when it ends, or when we do.

A program of its own, which `kept` starts. On Linux, orphans below it become its children (PR_SET_CHILD_SUBREAPER): a
daemon that left its group, its session and its parents is found all the same. It ends everything once the server has
ended or the socket to us is closed, which the kernel does where we are killed.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Collection
from typing import Final

from ..python.driver.processes import SUBREAPER, descendants, prctl

GRACE_SECONDS: Final = 1.0
"""From the end of its input to a server's own end, and again from SIGTERM to SIGKILL."""
_POLL_SECONDS: Final = 0.01
_DEFAULT_AGAIN: Final = (signal.SIGPIPE, signal.SIGXFSZ)  # Python ignores them


def main(control: str, *command: str) -> None:
    """control: the descriptor of a socket. It is told a line why the server cannot be started, an empty one if it was,
    and then a line with its exit code, which is negative for a signal.
    """
    owner = socket.socket(fileno=int(control))
    owner.set_inheritable(False)
    prctl(SUBREAPER, 1)
    dead, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # not ignored: the server would inherit that
    try:
        server = os.posix_spawnp(command[0], command, os.environ, setsid=True, setsigdef=_DEFAULT_AGAIN)
    except (OSError, ValueError) as error:
        _tell(owner, why(error))
        return
    _tell(owner, "")
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):  # the server's alone: who is at the other end hears when it closes them
        os.dup2(null, fd)
    keeper = _Keeper(owner, server)
    while not keeper.has_buried_it() and dead in select.select([owner.fileno(), dead], [], [])[0]:
        os.read(dead, 1024)
    _within_grace(keeper.has_buried_it)
    keeper.end_the_rest()


def why(error: OSError | ValueError) -> str:
    """A program cannot be started."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


class _Keeper:
    def __init__(self, owner: socket.socket, server: int) -> None:
        self._owner, self._server = owner, server
        self._has_ended = False

    def has_buried_it(self) -> bool:
        """Whether the server has ended."""
        self._bury()
        return self._has_ended

    def _bury(self) -> int:
        """Takes note of dead children, adopted ones too, and tells if the server is among them. How many there were."""
        count = 0
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                count += 1
                if found[0] == self._server:
                    self._has_ended = True
                    _tell(self._owner, str(os.waitstatus_to_exitcode(found[1])))
        return count

    def end_the_rest(self) -> None:
        """By force if need be. Without us nobody would, so this does not give up."""
        self._signal(signal.SIGTERM, descendants())
        _within_grace(lambda: self.has_buried_it() and not _children())
        # What a dead child leaves is our child at once: so this reaches all of them, be they born ever so fast.
        while self._signal(signal.SIGKILL, _children()):
            if not self._bury():
                time.sleep(_POLL_SECONDS)

    def _signal(self, number: signal.Signals, processes: Collection[int]) -> bool:
        """Whether there are any."""
        for pid in processes:
            with contextlib.suppress(OSError):
                os.kill(pid, number)
        if sys.platform != "linux":  # where orphans are not ours, the server's group is all that we know of
            with contextlib.suppress(OSError):
                os.killpg(self._server, number)
        return bool(processes)


def _tell(owner: socket.socket, line: str) -> None:
    with contextlib.suppress(OSError):  # nobody is there any more
        owner.sendall(f"{line}\n".encode("utf-8", "replace"))


def _children() -> list[int]:
    """Ours, dead ones too. Where the kernel does not list them, all that are below us."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return list(map(int, file.read().split()))
    except OSError:
        return descendants()


def _within_grace(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + GRACE_SECONDS
    while not is_so() and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
