"""The host's end of one running driver.

All that comes over the socket is hostile, whatever the driver promises: a frame has a size limit, a strict shape, the
id of the request, and a time by which it must be there. On any violation the only answer is `kill`.
"""

from __future__ import annotations

import json
import math
import socket
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final, Literal, Protocol, TypeVar

import anyio
from pydantic import AfterValidator, Base64Bytes, BaseModel, ConfigDict, Field, ValidationError

from .program import first_line
from .sandbox import FilesError, SandboxError, Spec

START_SECONDS: Final = 30.0
GRACE_SECONDS: Final = 2.0
"""From the interrupt of a cell that is late to the end of its worker."""
SLACK_SECONDS: Final = 20.0
"""For the driver to fall back to an earlier state, or for a machine that is busy."""
FILE_SECONDS: Final = 30.0
LIFETIME_SECONDS: Final = 24 * 3600.0
"""After which a driver ends by itself, whatever became of its host."""
ERROR_BYTES: Final = 64 * 1024
"""More than the driver sends of a traceback."""
LISTED_FILES: Final = 5000

PNG: Final = b"\x89PNG\r\n\x1a\n"


class Broken(Exception):  # noqa: N818 - an outcome, which no caller of ours ever sees
    """The driver is dead, or broke the protocol."""


def _inside(path: str) -> str:
    """A relative path that can be shown and that leads nowhere else. Raises ValueError."""
    parts = path.split("/")
    if not path.isprintable() or len(path) > 4096 or any(part in ("", ".", "..") for part in parts):
        raise ValueError("no path below the working directory")
    return path


def _png(data: bytes) -> bytes:
    if not data.startswith(PNG):
        raise ValueError("no PNG image")
    return data


Path_ = Annotated[str, AfterValidator(_inside)]


class Answer(BaseModel):
    """To a request with that id."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: int


class Frame(Answer):
    """What a driver answers to a cell."""

    status: Literal["ok", "error", "timeout", "killed"]
    state: Literal["kept", "rolled_back", "lost"]
    output: str
    dropped: int = Field(ge=0)
    error: str | None
    figures: list[Annotated[Base64Bytes, AfterValidator(_png)]] = Field(default_factory=list)
    hidden: int = Field(default=0, ge=0)
    files: dict[Path_, Base64Bytes] = Field(default_factory=dict)
    left: str = ""


class FileAnswer(Answer):
    """What a driver answers to a request for files."""

    data: Base64Bytes | None
    sizes: dict[Path_, Annotated[int, Field(ge=0)]]
    error: str | None


class Running(Protocol):
    """A driver that was started. socket: non-blocking, leads to it; closed by `kill`."""

    socket: socket.socket

    async def kill(self) -> str:
        """End it and all that it started, never interrupted; the last line that it complained with. May be repeated."""
        ...


Start = Callable[[Spec], Awaitable[tuple[Running, Mapping[str, Any]]]]
"""Starts a driver with these limits; what in its settings differs from those of `settings_for`."""
AnyAnswer = TypeVar("AnyAnswer", bound=Answer)


def settings_for(spec: Spec) -> dict[str, Any]:
    """The arguments of the driver's `main`, as for a sandbox with a PID namespace of its own."""
    return {
        "memory": spec.memory,
        "processes": spec.processes,
        "output_bytes": spec.output_bytes,
        "together": True,
        "mounts": [],
        "artefacts": spec.artefacts,
        "artefact_bytes": spec.artefact_bytes,
        "watch": spec.workspace is None,
        "lifetime": LIFETIME_SECONDS,
        "system_calls": "",
        "doors": [],
        "disk": spec.disk,
        "reading": [],
        "workspace": "",
    }


class Channel:
    """One driver. Nothing must be asked of it after it was `Broken` or did not answer in time."""

    def __init__(self, spec: Spec, running: Running) -> None:
        self._spec = spec
        self._running = running
        self._id = 0
        self._received = bytearray()
        self._waiting = anyio.CancelScope()  # of whoever waits for an answer
        self._killed = False

    async def ready(self, settings: Mapping[str, Any]) -> None:
        """Send the driver and wait for it.

        Raises:
            SandboxError: it did not come up; the message has the last line of what was printed.
        """
        try:
            with anyio.fail_after(START_SECONDS) as self._waiting:
                await self._send(first_line({**settings_for(self._spec), **settings}))
                if await self._line(64) == b'{"ready": true}':
                    return
            reason = "its driver did not speak the protocol"
        except TimeoutError:
            reason = f"its driver did not start within {START_SECONDS:g} s"
        except Broken:
            reason = "its driver did not start"
        raise SandboxError(await self.kill() or reason)

    async def run(self, code: str, timeout: float) -> Frame | None:
        """The answer to a cell; None if there was none in time.

        Raises:
            Broken: the driver died or sent something that is not an answer.
        """
        spec = self._spec
        # JSON writes a control character as six bytes, and so at worst every byte of the text; base64 three as four.
        limit = 6 * (spec.output_bytes + ERROR_BYTES) + 2 * spec.artefact_bytes + 4096 * (spec.artefacts + 1)
        within = timeout + GRACE_SECONDS + SLACK_SECONDS
        frame = await self._ask(Frame, limit, within, do="run", code=code, timeout=timeout, grace=GRACE_SECONDS)
        if frame is not None:
            made = [*frame.figures, *frame.files.values()]
            if len(made) > spec.artefacts or sum(map(len, made)) > spec.artefact_bytes:
                raise Broken
        return frame

    async def files(self, do: Literal["get", "put", "list"], path: str = "", data: bytes = b"") -> FileAnswer:
        """Raises Broken, and FilesError with why the driver would not."""
        limit = self._spec.file_bytes
        answer = await self._ask(
            FileAnswer,
            2 * limit + LISTED_FILES * 4096 if do != "put" else 4096,
            FILE_SECONDS,
            do=do,
            path=path,
            data=b64encode(data).decode(),
            largest=limit,
        )
        if answer is None:
            raise Broken
        if answer.error is not None:
            raise FilesError(f"{path!r}: {answer.error[:200]}")
        if answer.data is not None and len(answer.data) > limit:
            raise Broken
        return answer

    async def kill(self) -> str:
        self._killed = True
        self._waiting.cancel()  # a socket that is closed wakes nobody
        return await self._running.kill()

    async def _ask(self, kind: type[AnyAnswer], limit: int, seconds: float, **request: Any) -> AnyAnswer | None:
        self._id += 1
        with anyio.move_on_after(seconds) as self._waiting:
            await self._send(json.dumps({"id": self._id, **request}).encode() + b"\n")
            try:
                answer = kind.model_validate_json(await self._line(limit))
            except ValidationError:
                raise Broken from None
            if answer.id != self._id:
                raise Broken
            return answer
        if self._killed:
            raise Broken
        return None

    async def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            await anyio.wait_writable(self._running.socket)
            try:
                view = view[self._running.socket.send(view) :]
            except BlockingIOError:
                continue
            except OSError:
                raise Broken from None

    async def _line(self, limit: int) -> bytes:
        while b"\n" not in self._received[-65536:]:
            await anyio.wait_readable(self._running.socket)
            try:
                chunk = self._running.socket.recv(65536)
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


def seconds(timeout: float | None, spec: Spec) -> float:
    """The time limit of a cell. Raises ValueError for one that is not a positive finite number."""
    limit = spec.timeout if timeout is None else timeout
    if not (limit > 0 and math.isfinite(limit)):
        raise ValueError(f"a cell's timeout must be a positive number of seconds, not {limit!r}")
    return limit
