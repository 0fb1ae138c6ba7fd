"""One thing that a sandbox is tried with."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from textwrap import indent
from typing import Final, Literal

GUARD: Final = (
    "import os\ndef kept_in():\n    try: os.kill(os.getppid(), 0)\n    except PermissionError: return True\n"
    "assert os.readlink('/proc/self/ns/pid') != '@NS@' or kept_in(), 'held: no PID namespace of its own'\n"
)
"""A cell goes on only where its signals reach no process of the host's."""


@dataclass(frozen=True)
class Escape:
    """name: what is tried; code: the cell; timeout: seconds that it gets.

    shows, ends: regular expressions for what a sandbox with CPython prints or says of it, and for status and state.
    """

    name: str
    code: str
    _: KW_ONLY
    kind: Literal["network", "files", "rights", "driver", "resources", "faults"]
    shows: str = "held"
    ends: str = "ok kept"
    timeout: float = 10.0


def tried(body: str, what: str = "os, socket, ctypes, stat, fcntl, struct, time, signal") -> str:
    """A cell that escapes if the body ends without an exception."""
    head = f"import {what}\nlibc = ctypes.CDLL(None, use_errno=True)\n" if "ctypes" in what else f"import {what}\n"
    return f"{head}try:\n{indent(body, '    ')}\n    print('ESCAPED')\nexcept Exception as e:\n    print('held', e)\n"


def refused(call: str) -> str:
    """The same for a system call, by libc's return value."""
    return tried(f"if {call} == -1: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))")
