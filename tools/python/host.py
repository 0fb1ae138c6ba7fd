"""A session on top of a driver: starts one when there is none, gives every cell a `Result`, leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal

import anyio

from .channel import Broken, Channel, FileAnswer, Frame, Start, seconds
from .sandbox import PROBE, FilesError, Result, Sandbox, SandboxError, Spec


class DriverSession:
    """A `Session` of the sandboxes that run CPython, and its `files`."""

    def __init__(self, backend: str, spec: Spec, start: Start) -> None:
        self._backend = backend
        self._spec = spec
        self._start = start
        self._lock = anyio.Lock()
        self._channel: Channel | None = None
        self._closed = False

    @property
    def files(self) -> DriverSession:
        return self

    async def run(self, code: str, *, timeout: float | None = None) -> Result:
        limit = seconds(timeout, self._spec)
        async with self._lock:
            begin = time.monotonic()
            try:
                frame = await self._answer(code, limit)
            except BaseException:  # cancellation above all: what is half done cannot be gone on with
                await self._drop()
                raise
            if frame.state == "lost":
                await self._drop()
            return Result(
                output=frame.output,
                error=frame.error,
                status=frame.status,
                state=frame.state,
                backend=self._backend,
                dropped_bytes=frame.dropped,
                seconds=time.monotonic() - begin,
                figures=tuple(frame.figures),
                files=frame.files,
                left_out=_left_out(frame, self._spec),
            )

    async def put(self, path: str, data: bytes) -> None:
        if len(data) > self._spec.file_bytes:
            raise FilesError(f"{path!r}: is larger than {self._spec.file_bytes} bytes")
        await self._ask_files("put", path, data)

    async def get(self, path: str) -> bytes:
        return (await self._ask_files("get", path)).data or b""

    async def list(self) -> Mapping[str, int]:
        return (await self._ask_files("list")).sizes

    async def close(self) -> None:
        self._closed = True
        await self._drop()

    async def _ask_files(self, do: Literal["get", "put", "list"], path: str = "", data: bytes = b"") -> FileAnswer:
        async with self._lock:
            try:
                return await (await self._opened()).files(do, path, data)
            except FilesError:
                raise
            except Broken:
                await self._drop()
                raise FilesError(f"{path!r}: the interpreter died, and all variables and files with it") from None
            except BaseException:
                await self._drop()
                raise

    async def _opened(self) -> Channel:
        if self._closed:
            raise SandboxError("the Python session is closed; open another one")
        if self._channel is None:
            try:
                running, settings = await self._start(self._spec)
            except OSError as error:
                raise SandboxError(f"could not start {self._backend}: {error}") from None
            self._channel = Channel(self._spec, running)
            await self._channel.ready(settings)
        return self._channel

    async def _answer(self, code: str, limit: float) -> Frame:
        channel = await self._opened()
        try:
            frame = await channel.run(code, limit)
        except Broken:
            return _lost("killed", "the interpreter died or broke the protocol")
        return frame or _lost("timeout", f"the cell ran longer than {limit:g} s and would not stop")

    async def _drop(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.kill()


def _lost(status: Literal["killed", "timeout"], error: str) -> Frame:
    return Frame(id=0, status=status, state="lost", output="", dropped=0, error=error)


def _left_out(frame: Frame, spec: Spec) -> str:
    figures = f"{frame.hidden} figures" if frame.hidden else ""
    files = "".join(character for character in frame.left if character.isprintable())[:2000]
    what = " and ".join(filter(None, (figures, files)))
    return what and f"{what}; at most {spec.artefacts} files and {spec.artefact_bytes} bytes come out of a cell"


async def why_not(sandbox: Sandbox, *, user: int = 1000, first: str = "import os") -> str:
    """Why it cannot be used; empty if cells ran in it, as the user that they should be, and it survived a dead one.

    first: a cell that prints nothing, and fails where a wall is missing.
    """
    cells = (
        (first, ("", "kept", "ok")),
        ("import os; os.getuid()", (f"{user}\n", "kept", "ok")),
        ("os._exit(0)", ("", "rolled_back", "killed")),
        ("os.getuid()", (f"{user}\n", "kept", "ok")),
    )
    try:
        async with sandbox.session(PROBE) as session:
            for cell, expected in cells:
                result = await session.run(cell)
                if (result.output, result.state, result.status) != expected:
                    return result.error or f"a cell printed {result.output!r}, and its state was {result.state}"
    except (SandboxError, OSError) as error:
        return str(error)
    return ""


@asynccontextmanager
async def driver_session(backend: str, spec: Spec, start: Start) -> AsyncIterator[DriverSession]:
    """A session that is closed when the block ends, by whatever way."""
    session = DriverSession(backend, spec, start)
    try:
        yield session
    finally:
        await session.close()
