"""What every sandbox promises: the limits of a session, the result of a cell, and two small protocols.

A session is one Python interpreter with its variables. A cell is one piece of code that runs in it. Everything a
model's code does ends in a `Result`; an exception from here means that the host, not the cell, is at fault.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ..errors import ToolError

MIB = 1024 * 1024


class SandboxError(ToolError):
    """A sandbox cannot be had here. The message is one line: what is wrong and what to do."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Limits of one session."""

    timeout: float = 60.0
    """Seconds that a cell may run."""
    memory: int = 512 * MIB
    """Bytes of address space per process, and of memory in all processes together (checked ten times a second; not
    by `local`); monty: of heap. Python itself needs about 32 MiB."""
    processes: int = 64
    """Processes and threads alive at once, the sandbox's own three included. `local` does not enforce it."""
    disk: int = 64 * MIB
    """Bytes in each of /mnt/data (the working directory) and /tmp, both in memory. `local` does not enforce it."""
    output_bytes: int = 64 * 1024
    """Bytes of output kept per cell: the first half and the last half."""
    workspace: Path | None = None
    """A folder of the host's that is the working directory, where cells may change whatever they like; it is made if it
    is not there. Its size is not limited, and what is in it stays. None: a directory that ends with the session."""

    def __post_init__(self) -> None:
        for name in ("timeout", "memory", "processes", "disk", "output_bytes"):
            if getattr(self, name) <= 0:
                raise ValueError(f"Spec.{name} must be positive, not {getattr(self, name)!r}")


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one cell did."""

    output: str
    """stdout and stderr in the order written, then the `repr` of a last expression that is not None.

    Above `Spec.output_bytes` only head and tail are kept; a line between them says how many bytes were dropped."""
    error: str | None
    """The traceback, trimmed to the user's own frames, or one line on what ended the cell; None if it went well."""
    status: Literal["ok", "error", "timeout", "killed"]
    """`killed`: the interpreter died (exit, signal, out of memory) or broke the protocol."""
    state: Literal["kept", "lost"]
    """`lost`: the next cell starts without variables and, except for `local`, without files."""
    backend: str
    """The name of the sandbox: `bubblewrap`, `monty` or `local`."""
    dropped_bytes: int
    """Bytes of output that are not in `output`."""
    seconds: float
    """Wall time, the start of a fresh interpreter included."""


class Session(Protocol):
    """One interpreter. Cells run one after another, also when `run` is called concurrently."""

    async def run(self, code: str, *, timeout: float | None = None) -> Result:
        """Run one cell for at most `timeout` seconds (default: `Spec.timeout`).

        Cancelling this call ends the interpreter; the next call starts a fresh one.

        Raises:
            SandboxError: no interpreter could be started, or the session is closed.
        """
        ...

    async def close(self) -> None:
        """End the interpreter and everything it started. May be called twice."""
        ...


class Sandbox(Protocol):
    """A way to run Python that is not trusted."""

    @property
    def name(self) -> str:
        """As in `Result.backend`."""
        ...

    @property
    def limitations(self) -> str:
        """One or two sentences for the model on what this Python lacks; empty for a full CPython."""
        ...

    def session(self, spec: Spec = ...) -> AbstractAsyncContextManager[Session]:
        """A session that is closed, come what may, when the block ends. Starts nothing before the first cell."""
        ...
