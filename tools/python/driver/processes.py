"""What the supervisor asks of the kernel: which processes there are, what they hold, and how they are ended."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterable

PAGE = resource.getpagesize()
OPEN_FILES = 1 << 20  # more than a process may have
END_SECONDS = 5.0  # for a fork bomb to be put out

DUMPABLE, NO_NEW_PRIVILEGES, SECCOMP, SUBREAPER = 4, 38, 22, 36  # of prctl(2)
FILTER_MODE = 2


def prctl(option: int, *arguments: int) -> None:
    """Raises OSError where the kernel refuses; does nothing where there is no Linux."""
    if sys.platform != "linux":
        return
    given = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    if ctypes.CDLL(None, use_errno=True).prctl(option, *given):
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def install_filter(program: bytes) -> None:
    """A BPF filter of system calls, an array of `struct sock_filter`, for this process and all that come of it."""

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

    filled = Program(len(program) // 8, program)
    prctl(NO_NEW_PRIVILEGES, 1)
    prctl(SECCOMP, FILTER_MODE, ctypes.addressof(filled))


def descendants() -> list[int]:
    """All processes below this one that still run."""
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        with contextlib.suppress(OSError, IndexError), open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()  # the name before may hold anything
            if fields[0] not in (b"Z", b"X") or int(fields[17]) > 1:  # its first thread may end before the others
                parents[int(pid)] = int(fields[1])
    found = [os.getpid()]
    for above in found:
        found += [pid for pid, parent in parents.items() if parent == above]
    return found[1:]


def end_all_but(spared: Iterable[int]) -> bool:
    """Kill every process below this one. False: some are faster at being born than at being killed."""
    spared = set(spared)
    end = time.monotonic() + END_SECONDS
    if os.getpid() == 1:  # all others are below this one, and stop at once: none can fork any more
        send(-1, signal.SIGSTOP)
    while doomed := [pid for pid in descendants() if pid not in spared]:
        if time.monotonic() > end:
            return False
        for pid in doomed:
            send(pid, signal.SIGKILL)
        time.sleep(0.001)
    for pid in spared:
        send(pid, signal.SIGCONT)
    return True


def send(pid: int, number: int) -> None:
    """A signal, to a process that may have ended."""
    with contextlib.suppress(OSError):
        os.kill(pid, number)


def held(measure: Callable[[int], int], pids: Iterable[int], until: float = math.inf) -> int:
    """The sum over processes; only of those measured until then.

    Where many processes fork without end, to inspect one of them takes long: it is seldom its turn to let go of a lock.
    """
    total = 0
    for pid in pids:
        if time.monotonic() > until:
            break
        with contextlib.suppress(OSError, IndexError, ValueError):  # it has ended meanwhile
            total += measure(pid)
    return total


def threads(pid: int) -> int:
    return int(status(pid, "Threads"))


def of_this_user() -> int:
    """Threads that the kernel counts when a process of this user's wants another one."""
    everything = (int(pid) for pid in os.listdir("/proc") if pid.isdigit())
    return held(lambda pid: threads(pid) if int(status(pid, "Uid")) == os.getuid() else 0, everything)


def status(pid: int, name: str) -> str:
    with open(f"/proc/{pid}/status", errors="replace") as lines:
        return next((line.split()[1] for line in lines if line.startswith(f"{name}:")), "")


def resident(pid: int) -> int:
    """Bytes of memory."""
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * PAGE


def proportional(pid: int) -> int:
    """Pages that processes share are counted once; `resident` for a process that does not let itself be inspected."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) * 1024
    except (OSError, StopIteration):
        return resident(pid)
