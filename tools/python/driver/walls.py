"""Landlock: a process gives up all files but those that it names, the network, and every process but its children.

What it does not hold is left to the filter of system calls: sockets that are files, and whatever changes a file's mode,
times or owner without opening it. See landlock(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from .processes import NO_NEW_PRIVILEGES, prctl

OLDEST = 6  # the version that keeps signals in
CREATE, ADD, RESTRICT = 444, 445, 446  # system calls, the same on every machine
ALL_FILES, ALL_NET, ALL_SCOPES = (1 << 16) - 1, 0b11, 0b11
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
MAKE_CHAR, MAKE_SOCK, MAKE_BLOCK, IOCTL_DEVICE = 1 << 6, 1 << 9, 1 << 11, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR
WRITE = ALL_FILES & ~(MAKE_CHAR | MAKE_SOCK | MAKE_BLOCK | IOCTL_DEVICE)
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE  # what else there is makes sense for folders only
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def version() -> int:
    """Of the kernel's Landlock; less than 1 where there is none."""
    return int(ctypes.CDLL(None).syscall(CREATE, None, ctypes.c_size_t(0), 1))


def confine(reading: Iterable[str], writing: Iterable[str]) -> None:
    """For this process and all that come of it, for ever. Paths that are not there are left out. Raises OSError."""
    ruleset = call(CREATE, struct.pack("QQQ", ALL_FILES, ALL_NET, ALL_SCOPES), ctypes.c_size_t(24), 0)
    for paths, access in ((reading, READ), (writing, WRITE), (DEVICES, READ_FILE | WRITE_FILE | TRUNCATE)):
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
                here = access if stat.S_ISDIR(os.fstat(fd).st_mode) else access & OF_FILES
                call(ADD, ruleset, 1, struct.pack("=Qi", here, fd), 0)
                os.close(fd)
    prctl(NO_NEW_PRIVILEGES, 1)
    call(RESTRICT, ruleset, 0)
    os.close(ruleset)


def call(number: int, *arguments: object) -> int:
    result = int(ctypes.CDLL(None, use_errno=True).syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"system call {number} failed")
    return result
