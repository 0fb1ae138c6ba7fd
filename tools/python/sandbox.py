"""What every sandbox promises: the limits of a session, the result of a cell, and two small protocols.

A session is one Python interpreter with its variables. A cell is one piece of code that runs in it. Everything a
model's code does ends in a `Result`; an exception from here means that the host, not the cell, is at fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

from ..errors import ToolError

MIB = 1024 * 1024


class SandboxError(ToolError):
    """A sandbox cannot be had here. The message is one line: what is wrong and what to do."""


class FilesError(ToolError):
    """A file cannot be had from a session, or put into it. The message is one line: which, and why not."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Limits of one session."""

    timeout: float = 60.0
    """Seconds that a cell may run."""
    memory: int = 512 * MIB
    """Bytes of address space per process, and of memory in all processes together (looked at ten times a second; not
    by `local`); monty: of heap. Python itself needs about 32 MiB. A sleeping copy of the interpreter, which holds at
    most half as much, is not counted."""
    processes: int = 64
    """Processes and threads alive at once, the sandbox's own three included. `local` does not enforce it."""
    cpus: float = 1.0
    """CPUs that all processes together may keep busy, from 0.01 to what there are. Held by docker, and by bubblewrap
    where it can make a control group."""
    disk: int = 64 * MIB
    """Bytes in each of /mnt/data (the working directory) and /tmp, both in memory; landlock: in folders on the disk,
    looked at ten times a second. `local` does not enforce it."""
    output_bytes: int = 64 * 1024
    """Bytes of output kept per cell: the first half and the last half."""
    artefacts: int = 16
    """Figures and files together that come out of one cell."""
    artefact_bytes: int = 8 * MIB
    """Bytes in all of these."""
    file_bytes: int = 32 * MIB
    """Bytes in a file that is put into a session or got out of it."""
    workspace: Path | None = None
    """A folder of the host's that is the working directory, where cells may change whatever they like; it is made if it
    is not there. Its size is not limited, and what is in it stays. None: a directory that ends with the session."""

    def __post_init__(self) -> None:
        for name in (
            "timeout",
            "memory",
            "processes",
            "disk",
            "output_bytes",
            "artefacts",
            "artefact_bytes",
            "file_bytes",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"Spec.{name} must be positive, not {getattr(self, name)!r}")
        if not self.cpus >= 0.01:
            raise ValueError(f"Spec.cpus must be at least 0.01, not {self.cpus!r}")


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
    state: Literal["kept", "rolled_back", "lost"]
    """`rolled_back`: variables are as they were before this cell, files are as it left them, and processes that cells
    left running have ended. `lost`: the next cell starts without variables and, except for `local`, without files."""
    backend: str
    """The name of the sandbox, such as `bubblewrap`."""
    dropped_bytes: int
    """Bytes of output that are not in `output`."""
    seconds: float
    """Wall time, the start of a fresh interpreter included."""
    figures: tuple[bytes, ...] = ()
    """Those of matplotlib that the cell left open, as PNG."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Files of the working directory that are new or changed; none where that is a workspace, in which they stay."""
    left_out: str = ""
    """Which figures and files were too many or too large to come out; empty if all did."""


class Files(Protocol):
    """The working directory of a session. Paths are relative to it; links are never followed.

    Every method raises FilesError if it cannot be done, and SandboxError as `Session.run`.
    """

    async def put(self, path: str, data: bytes) -> None:
        """Write a file, whole or not at all; folders on the way are made."""
        ...

    async def get(self, path: str) -> bytes:
        """Read a regular file of at most `Spec.file_bytes`."""
        ...

    async def list(self) -> Mapping[str, int]:
        """The regular files and their sizes in bytes, the first thousands of them."""
        ...


class Session(Protocol):
    """One interpreter. Cells run one after another, also when `run` is called concurrently."""

    async def run(self, code: str, *, timeout: float | None = None) -> Result:
        """Run one cell for at most `timeout` seconds (default: `Spec.timeout`).

        Cancelling this call ends the interpreter; the next call starts a fresh one.

        Raises:
            SandboxError: no interpreter could be started, or the session is closed.
        """
        ...

    @property
    def files(self) -> Files:
        """Its working directory. With the state of a session, files are lost, too, except in a workspace."""
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

    @property
    def packages(self) -> tuple[str, ...]:
        """What `agent sandbox build` was asked for, as name==version, and cells can import."""
        ...

    @property
    def held_by(self) -> str:
        """For people: what holds all processes of a session together to its limits, in a few words."""
        ...

    def session(self, spec: Spec = ...) -> AbstractAsyncContextManager[Session]:
        """A session that is closed, come what may, when the block ends. Starts nothing before the first cell."""
        ...


IMAGE: Final = "cadenza-sandbox:latest"
"""What `agent sandbox build` makes for Docker, if it is not told otherwise."""
PACKAGES: Final = "cadenza.packages"
"""The image's label that names its packages."""
PROBE: Final = Spec(timeout=10, memory=256 * MIB)
"""Of the session that shows whether a sandbox works."""
ENVIRONMENT: Final = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/mnt/data",
    "LANG": "C.UTF-8",
    "MPLCONFIGDIR": "/tmp",
    "MPLBACKEND": "Agg",
    # Each thread of OpenBLAS and each arena of malloc reserves address space, which is what Spec.memory counts.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
"""Of the cells, in a sandbox with files."""
