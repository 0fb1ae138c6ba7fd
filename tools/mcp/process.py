"""A server as a program of ours: messages by its standard input and output, a line each, until nothing of it is left.

The SDK has a client for this too. Here a message has a size limit, the last lines of standard error are kept for who
wants to know what it died of, and what the server started ends with it, wherever it has gone (see `keeper`).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from ..plain import clean_line
from .keeper import GRACE_SECONDS
from .kept import Kept, until

MESSAGE_BYTES: Final = 32 * 1024 * 1024
"""Of one message; a longer one ends the connection."""
_KEPT_BYTES: Final = 8 * 1024  # of standard error
_CHUNK_BYTES: Final = 64 * 1024

Streams: TypeAlias = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]
_Heard: TypeAlias = MemoryObjectSendStream[SessionMessage | Exception]


class Program:
    """A server's process and what it says."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path | None) -> None:
        self._command, self._environment, self._folder = list(command), dict(environment), folder
        self._process: Kept | None = None
        self._complaints = bytearray()
        self._violation = ""

    @property
    def has_ended(self) -> bool:
        return self._process is not None and self._process.exit_code is not None

    async def ended(self) -> None:
        """Waits for it, for a moment."""
        await until(lambda: self.has_ended, GRACE_SECONDS)

    @property
    def last_words(self) -> str:
        """What became of it, and the last line that it wrote to standard error, each after a semicolon."""
        words = [self._violation] if self._violation else []
        if self._process is not None and self._process.exit_code is not None:
            words.append(f"it ended with exit code {self._process.exit_code}")
        if lines := self._complaints.decode("utf-8", "replace").strip().splitlines():
            words.append(f"its last words: {clean_line(lines[-1])}")
        return "".join(f"; {word}" for word in words)

    @asynccontextmanager
    async def streams(self) -> AsyncIterator[Streams]:
        """Starts it, and ends it with the block. Raises ToolError if it cannot be started."""
        process = self._process = await Kept.start(self._command, self._environment, self._folder)
        heard, inbox = anyio.create_memory_object_stream[SessionMessage | Exception]()
        outbox, said = anyio.create_memory_object_stream[SessionMessage]()
        written = anyio.Event()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._read, process.stdout.fileno(), heard)
                tasks.start_soon(self._keep_complaints, process.stderr.fileno())
                tasks.start_soon(self._write, process.stdin.fileno(), said, heard, written)
                try:
                    yield inbox, outbox
                finally:
                    inbox.close()  # what is still said is read and dropped, so that it blocks nobody
                    outbox.close()
                    with anyio.CancelScope(shield=True):
                        with anyio.move_on_after(GRACE_SECONDS):
                            await written.wait()
                        await process.end()
                    tasks.cancel_scope.cancel()
        finally:
            process.close()

    async def _read(self, stdout: int, heard: _Heard) -> None:
        """Passes on each line that is a message. What else servers print there by mistake is skipped."""
        with heard:
            line = bytearray()
            while chunk := await _received(stdout):
                first, *more = chunk.split(b"\n")
                line += first
                for following in more:
                    await self._pass_on(bytes(line), heard)
                    line = bytearray(following)
                if len(line) > MESSAGE_BYTES:
                    self._violation = f"it sent a message of more than {MESSAGE_BYTES:,} bytes"
                if self._violation:
                    break
        while await _received(stdout):
            pass

    async def _pass_on(self, line: bytes, heard: _Heard) -> None:
        try:
            message = jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValueError:
            if b'"jsonrpc"' in line:  # somebody would wait for it
                self._violation = "it sent a message that cannot be read"
            return
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # nobody wants to hear more
            await heard.send(SessionMessage(message))

    async def _write(
        self, stdin: int, said: MemoryObjectReceiveStream[SessionMessage], heard: _Heard, written: anyio.Event
    ) -> None:
        """Where the program no longer listens, the connection is over."""
        try:
            with said:
                async for message in said:
                    text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                    await _send(stdin, text.encode("utf-8", "replace") + b"\n")
        except OSError:
            heard.close()
        finally:
            written.set()

    async def _keep_complaints(self, stderr: int) -> None:
        while chunk := await _received(stderr):
            self._complaints += chunk
            del self._complaints[:-_KEPT_BYTES]


async def _received(pipe: int) -> bytes:
    """What can be read; nothing at its end."""
    while True:
        await anyio.wait_readable(pipe)
        try:
            return os.read(pipe, _CHUNK_BYTES)
        except BlockingIOError:
            continue
        except OSError:
            return b""


async def _send(pipe: int, data: bytes) -> None:
    """Raises OSError if nobody reads."""
    view = memoryview(data)
    while view:
        await anyio.wait_writable(pipe)
        try:
            view = view[os.write(pipe, view) :]
        except BlockingIOError:
            continue
