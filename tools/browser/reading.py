"""Documents are read in a process of their own, which is ended when it is late or falls over: see `reader`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from ..alone import alone
from ..errors import ToolRetry
from .page import Link, Page
from .reader import clean_line

_LONGEST_REPLY: Final = 64 << 20  # bytes


class Reader:
    """Makes pages. seconds: for one document."""

    def __init__(self, seconds: float = 20.0) -> None:
        self._seconds = seconds
        self._process: Process | None = None
        self._replies: BufferedByteReceiveStream | None = None
        self._lock = anyio.Lock()

    async def page(self, kind: str, data: bytes, *, url: str, title: str = "", charset: str = "") -> Page:
        """A document as a page. kind, charset: as of `reader.read`; title: for a document that has none of its own.

        Raises ToolRetry that says why it cannot be read.
        """
        request = {"kind": kind, "url": url, "charset": charset, "size": len(data)}
        async with self._lock:
            reply = b""
            try:
                with anyio.move_on_after(self._seconds):
                    reply = await self._asked(json.dumps(request).encode() + b"\n" + data)
            except (anyio.BrokenResourceError, anyio.IncompleteRead, anyio.DelimiterNotFound):
                raise ToolRetry(f"{url}: cannot be read: it needs too much memory, or breaks what reads it") from None
            finally:
                if not reply:
                    await self.close()
        if not reply:
            raise ToolRetry(f"{url}: cannot be read within {self._seconds:g} seconds")
        told = json.loads(reply)
        if "error" in told:
            raise ToolRetry(f"{url}: {told['error']}")
        return Page(
            url=url,
            title=told["title"] or clean_line(title) or clean_line(url),
            lines=tuple(told["lines"]),
            links=tuple(map(Link, told["links"])),
        )

    async def _asked(self, request: bytes) -> bytes:
        if self._process is None:
            # No environment: nothing secret in a parser's reach.
            self._process = await anyio.open_process(alone("browser.reader"), env={}, stderr=subprocess.DEVNULL)
            assert self._process.stdout is not None
            self._replies = BufferedByteReceiveStream(self._process.stdout)
        assert self._process.stdin is not None
        assert self._replies is not None
        await self._process.stdin.send(request)
        return await self._replies.receive_until(b"\n", _LONGEST_REPLY)

    async def close(self) -> None:
        """Ends the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    process.kill()
                await process.aclose()


@asynccontextmanager
async def open_reader(seconds: float = 20.0) -> AsyncIterator[Reader]:
    reader = Reader(seconds)
    try:
        yield reader
    finally:
        await reader.close()
