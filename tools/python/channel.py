"""The host's end of one running driver: a process and a socket.

All that comes over the socket is hostile, whatever the driver promises: a frame has a size limit, a strict shape, the
id of the request, and a time by which it must be there. On any violation the only answer is `kill`.
"""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping
from typing import Literal

import anyio
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .sandbox import SandboxError, Spec

START_SECONDS = 15.0
GRACE_SECONDS = 2.0
"""From the interrupt of a cell that is late to the end of its sandbox."""
SLACK_SECONDS = 3.0
"""For a driver that is itself stopped, or a machine that is busy."""
ERROR_BYTES = 64 * 1024
"""More than the driver sends of a traceback."""

Settings = Mapping[str, int]
"""The arguments of the driver's `main`, as JSON on its command line. `host` is the socket that it must inherit."""
Start = Callable[[Spec, Settings], subprocess.Popen[bytes]]
"""Starts a driver with these limits as the leader of a process group."""


class Broken(Exception):  # noqa: N818 - an outcome, which no caller of ours ever sees
    """The driver is dead, or broke the protocol."""


class Frame(BaseModel):
    """What a driver answers to a request."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: int
    status: Literal["ok", "error", "timeout", "killed"]
    kept: bool
    output: str
    dropped: int = Field(ge=0)
    error: str | None


class Channel:
    """One driver. `run` must not be called again after it raised."""

    def __init__(self, spec: Spec, start: Start) -> None:
        # A thread's end would kill a process started with --die-with-parent: this runs in the event loop's thread.
        self._spec = spec
        self._id = 0
        self._received = bytearray()
        self._complaint = ""
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        settings = {
            "host": theirs.fileno(),
            "memory": spec.memory,
            "processes": spec.processes,
            "output_bytes": spec.output_bytes,
        }
        try:
            with theirs:
                self._process = start(spec, settings)
        except BaseException:
            self._socket.close()
            raise

    async def ready(self) -> None:
        """Wait for the driver.

        Raises:
            SandboxError: it did not come up; the message has the last line of what was printed.
        """
        try:
            with anyio.fail_after(START_SECONDS):
                if await self._line(64) == b'{"ready": true}':
                    return
            reason = "its driver did not speak the protocol"
        except TimeoutError:
            reason = f"its driver did not start within {START_SECONDS:g} s"
        except Broken:
            reason = "its driver did not start"
        await self.kill()
        raise SandboxError(self._complaint or reason)

    async def run(self, code: str, timeout: float) -> Frame | None:
        """The answer to a cell; None if there was none in time.

        Raises:
            Broken: the driver died or sent something that is not an answer.
        """
        self._id += 1
        request = {"id": self._id, "code": code, "timeout": timeout, "grace": GRACE_SECONDS}
        # JSON writes a control character as six bytes, and so at worst every byte of the text.
        limit = 6 * (self._spec.output_bytes + ERROR_BYTES) + 1024
        with anyio.move_on_after(timeout + GRACE_SECONDS + SLACK_SECONDS):
            await self._send(json.dumps(request).encode() + b"\n")
            try:
                frame = Frame.model_validate_json(await self._line(limit))
            except ValidationError:
                raise Broken from None
            if frame.id != self._id:
                raise Broken
            return frame
        return None

    async def kill(self) -> None:
        """End the process, its group and with it all that the sandbox holds. Never interrupted; may be called twice."""
        with anyio.CancelScope(shield=True):
            if self._process.poll() is None:
                # The process is not yet waited for, so its number cannot belong to another.
                os.killpg(self._process.pid, signal.SIGKILL)
            pause = 0.001
            while self._process.poll() is None:
                await anyio.sleep(pause)
                pause = min(2 * pause, 0.05)
            self._socket.close()
            self._complaint = self._complaint or _last_line(self._process)

    async def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            await anyio.wait_writable(self._socket)
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                continue
            except OSError:
                raise Broken from None

    async def _line(self, limit: int) -> bytes:
        while b"\n" not in self._received:
            await anyio.wait_readable(self._socket)
            try:
                chunk = self._socket.recv(65536)
            except BlockingIOError:
                continue
            except OSError:
                raise Broken from None
            self._received += chunk
            if not chunk or len(self._received) > limit:
                raise Broken
        line, _, rest = bytes(self._received).partition(b"\n")
        if rest:
            raise Broken  # an answer without a request
        self._received.clear()
        return line


def _last_line(process: subprocess.Popen[bytes]) -> str:
    """The last line that a dead process wrote to stderr, which is then closed."""
    if process.stderr is None or process.stderr.closed:
        return ""
    with process.stderr as stream:
        os.set_blocking(stream.fileno(), False)  # another may still hold the end for writing
        lines = (stream.read(8192) or b"").decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


def seconds(timeout: float | None, spec: Spec) -> float:
    """The time limit of a cell. Raises ValueError for one that is not a positive finite number."""
    limit = spec.timeout if timeout is None else timeout
    if not (limit > 0 and math.isfinite(limit)):
        raise ValueError(f"a cell's timeout must be a positive number of seconds, not {limit!r}")
    return limit
