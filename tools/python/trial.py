"""Trying a sandbox: bait on the host, a cell that reaches for it, and a judgement that does not believe the cell.

Held means, after the cell: nothing of the bait came out, was reached or was harmed; the session says truly what became
of its variables, and answers the next cell; once it is closed, no process of the cell is there any more.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import anyio

from .escapes import Escape
from .sandbox import MIB, Result, Sandbox, SandboxError, Session, Spec

SPEC: Final = Spec(timeout=10, memory=256 * MIB, processes=48, disk=32 * MIB)
GONE_SECONDS: Final = 5.0
"""For the processes of a closed session to disappear."""
AFTER_SECONDS: Final = 60.0
"""For the next cell, beside all processes that a cell has left running."""
SHARED: Final = ("network", "files", "rights")
ENVIRONMENT: Final = "CADENZA_BAIT_KEY"


@dataclass(frozen=True)
class Trial:
    """fault: what was not held, empty if all was; result: of the cell."""

    escape: Escape
    fault: str
    result: Result | None

    @property
    def told(self) -> str:
        """What came of it, in one line."""
        if self.fault or self.result is None:
            return self.fault
        lines = [*(self.result.error or "").splitlines()[-1:], *self.result.output.splitlines()[:1]]
        return f"{self.result.status}, {self.result.state}" + (f": {lines[0][:100]}" if lines else "")

    @property
    def expected(self) -> bool:
        """Whether a sandbox with CPython did what the escape says it does, so that none is held by accident."""
        if self.fault or self.result is None:
            return False
        text = f"{self.result.output}\n{self.result.error or ''}"
        ends = re.fullmatch(self.escape.ends, f"{self.result.status} {self.result.state}")
        return ends is not None and re.search(self.escape.shows, text) is not None


class Bait:
    """What a cell must not get: sockets, a file, a variable and a process of the host's."""

    def __init__(self, stack: ExitStack) -> None:
        self.token = secrets.token_hex(16)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cadenza-bait-")))
        folder.chmod(0o755)
        self.secret = folder / "secret.txt"
        self.secret.write_text(self.token)
        self.path = folder / "socket"
        self.name = f"cadenza-{self.token}"
        self.port = 0
        self.listeners = [
            stack.enter_context(self._listening(socket.AF_INET, ("127.0.0.1", 0))),
            stack.enter_context(self._listening(socket.AF_UNIX, f"\0{self.name}")),
            stack.enter_context(self._listening(socket.AF_UNIX, str(self.path))),
        ]
        self.port = self.listeners[0].getsockname()[1]
        self.path.chmod(0o777)
        os.environ[ENVIRONMENT] = self.token
        stack.callback(os.environ.pop, ENVIRONMENT, None)
        self.process = subprocess.Popen(["sleep", "3600"], stdin=subprocess.DEVNULL)
        stack.callback(self._end_process)

    def fill(self, code: str, mark: str) -> str:
        """mark: of the processes that the cell starts."""
        for name, value in {
            "@PORT@": str(self.port),
            "@UNIX@": self.name,
            "@SOCKET@": str(self.path),
            "@SECRET@": str(self.secret),
            "@PID@": str(self.process.pid),
            "@MARK@": mark,
            "@NS@": os.readlink("/proc/self/ns/pid") if os.path.exists("/proc/self/ns/pid") else "",
        }.items():
            code = code.replace(name, value)
        return code

    def taken(self, result: Result) -> str:
        """What of it was reached, leaked or harmed; empty if nothing was."""
        came_out = [result.output.encode(), (result.error or "").encode(), *result.files.values(), *result.figures]
        if any(self.token.encode() in data for data in came_out):
            return "a secret of the host came out"
        for listener in self.listeners:
            with suppress(BlockingIOError):
                listener.accept()[0].close()
                return f"a connection was made to the host's {listener.family.name} socket"
        if self.secret.read_text() != self.token:
            return "a file of the host was changed"
        if self.process.poll() is not None:
            return "a process of the host was ended"
        return ""

    @staticmethod
    @contextmanager
    def _listening(family: socket.AddressFamily, address: str | tuple[str, int]) -> Iterator[socket.socket]:
        with socket.socket(family) as listener:
            listener.bind(address)
            listener.listen()
            listener.setblocking(False)
            yield listener

    def _end_process(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def bait() -> Iterator[Bait]:
    """Laid out while the block runs."""
    with ExitStack() as stack:
        yield Bait(stack)


async def trials(sandbox: Sandbox, escapes: Sequence[Escape], *, at_once: int = 2) -> AsyncIterator[Trial]:
    """Each escape as it was tried, in any order. What only reaches for something shares a session with its like."""
    send, receive = anyio.create_memory_object_stream[Trial](len(escapes))
    limiter = anyio.CapacityLimiter(at_once)

    async def alone(escape: Escape, bait: Bait) -> None:
        async with limiter:
            await send.send(await _tried_alone(sandbox, escape, bait))

    async def together(bait: Bait) -> None:
        async with limiter, sandbox.session(SPEC) as session:
            for escape in escapes:
                if escape.kind in SHARED:
                    await send.send(await _tried(session, escape, bait))

    async def all_of_them(bait: Bait) -> None:
        async with send, anyio.create_task_group() as group:
            group.start_soon(together, bait)
            for escape in escapes:
                if escape.kind not in SHARED:
                    group.start_soon(alone, escape, bait)

    with bait() as laid:
        async with anyio.create_task_group() as group:
            group.start_soon(all_of_them, laid)
            async with receive:
                async for trial in receive:
                    yield trial


async def _tried_alone(sandbox: Sandbox, escape: Escape, bait: Bait) -> Trial:
    """In a session of its own, of which nothing must be left."""
    mark = f"86{secrets.randbelow(10**9)}"
    async with sandbox.session(SPEC) as session:
        trial = await _tried(session, escape, bait, mark)
    end = time.monotonic() + GONE_SECONDS
    while left := left_behind(mark):
        if time.monotonic() > end:
            return replace(trial, fault=trial.fault or left)
        await anyio.sleep(0.02)
    return trial


async def _tried(session: Session, escape: Escape, bait: Bait, mark: str = "86000") -> Trial:
    try:
        await session.run("witness = 1")
        result = await session.run(bait.fill(escape.code, mark), timeout=escape.timeout)
        fault = await _after(session, result) or bait.taken(result)
    except SandboxError as error:
        return Trial(escape, str(error), None)
    if not fault and "ESCAPED" in result.output:
        fault = f"the cell got it: {result.output.strip()[:200]}"
    return Trial(escape, fault, result)


async def _after(session: Session, result: Result) -> str:
    """Whether the session goes on, with the variables that the result says it has."""
    after = await session.run("print(witness)", timeout=AFTER_SECONDS)
    if "this cell was not run" in (after.error or ""):  # what the cell began came to its end after it
        result, after = after, await session.run("print(witness)", timeout=AFTER_SECONDS)
    has_witness = "1\n" in after.output and after.status == "ok"
    if has_witness == (result.state != "lost"):
        return ""
    return f"the state was said to be {result.state}, and the next cell came to: {after.error or after.output[:200]}"


def left_behind(mark: str) -> str:
    """A process with this on its command line, anywhere on the machine; empty if there is none."""
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        with suppress(OSError):
            if mark.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                return f"process {pid} outlived its session"
    return ""
