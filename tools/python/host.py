"""A session on top of a driver: starts one when there is none, gives every cell a `Result`, leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from .channel import Broken, Channel, Frame, Start, seconds
from .sandbox import Result, SandboxError, Spec


class DriverSession:
    """A `Session` of the sandboxes that run CPython."""

    def __init__(self, backend: str, spec: Spec, start: Start) -> None:
        self._backend = backend
        self._spec = spec
        self._start = start
        self._lock = anyio.Lock()
        self._channel: Channel | None = None
        self._closed = False

    async def run(self, code: str, *, timeout: float | None = None) -> Result:
        limit = seconds(timeout, self._spec)
        async with self._lock:
            begin = time.monotonic()
            try:
                frame = await self._answer(code, limit)
            except BaseException:  # cancellation above all: what is half done cannot be gone on with
                await self._drop()
                raise
            if not frame.kept:
                await self._drop()
            return Result(
                output=frame.output,
                error=frame.error,
                status=frame.status,
                state="kept" if frame.kept else "lost",
                backend=self._backend,
                dropped_bytes=frame.dropped,
                seconds=time.monotonic() - begin,
            )

    async def close(self) -> None:
        self._closed = True
        await self._drop()

    async def _answer(self, code: str, limit: float) -> Frame:
        if self._closed:
            raise SandboxError("the Python session is closed; open another one")
        if self._channel is None:
            try:
                self._channel = Channel(self._spec, self._start)
            except OSError as error:
                raise SandboxError(f"could not start {self._backend}: {error}") from None
            await self._channel.ready()
        try:
            frame = await self._channel.run(code, limit)
        except Broken:
            return _lost("killed", "the interpreter died or broke the protocol")
        return frame or _lost("timeout", f"the cell ran longer than {limit:g} s and would not stop")

    async def _drop(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.kill()


def _lost(status: str, error: str) -> Frame:
    return Frame.model_validate({"id": 0, "status": status, "kept": False, "output": "", "dropped": 0, "error": error})


@asynccontextmanager
async def driver_session(backend: str, spec: Spec, start: Start) -> AsyncIterator[DriverSession]:
    """A session that is closed when the block ends, by whatever way."""
    session = DriverSession(backend, spec, start)
    try:
        yield session
    finally:
        await session.close()
