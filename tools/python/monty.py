"""The portable floor: Monty, a small Python interpreter written in Rust, each session in a process of its own.

It has no way to reach files, network, environment or processes, so it needs no kernel feature; it is also not all of
Python, and `limitations` says so to the model. A cell that is late is ended with its process: Monty makes no promise
about a heap that was stopped half-way, so the state is lost.
"""

from __future__ import annotations

import ast
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal

import anyio
import pydantic_monty
from pydantic_monty import AsyncMonty, AsyncMontySession, MontyRuntimeError, MontySyntaxError, ResourceLimits

from .channel import ERROR_BYTES, seconds
from .driver.clip import Clip
from .sandbox import FilesError, Result, SandboxError, Session, Spec

PARSED_CHARACTERS = 256 * 1024
"""Above this size a cell's last expression is not shown: the code is not ours, and parsing it costs the host."""


class Monty:
    """Needs nothing but the `pydantic-monty` package."""

    name = "monty"
    held_by = "the interpreter holds memory and time, and has no processes"
    limitations = (
        "The interpreter is Monty, a small Python: no third-party modules, and of the standard library only asyncio, "
        "base64, bisect, collections, copy, csv, dataclasses, datetime, decimal, functools, hashlib, itertools, json, "
        "math, pathlib, random, re, sys, time and typing, some of them in part. It has no class inheritance, no "
        "generators (yield), no del, no property, classmethod or staticmethod, no globals() or input(), and no files "
        "or network."
    )
    packages: tuple[str, ...] = ()

    @asynccontextmanager
    async def session(self, spec: Spec = Spec()) -> AsyncIterator[Session]:  # noqa: B008 - frozen
        if spec.workspace is not None:
            raise SandboxError("workspace: the sandbox monty has no files; use bubblewrap, or do without a workspace")
        session = MontySession(spec)
        try:
            yield session
        finally:
            await session.close()


class MontySession:
    """A `Session` whose interpreter starts with the first cell. No cell runs longer than `Spec.timeout`."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._lock = anyio.Lock()
        self._stack = AsyncExitStack()
        self._monty: AsyncMontySession | None = None
        self._sources: list[str] = []
        self._closed = False

    async def run(self, code: str, *, timeout: float | None = None) -> Result:
        limit = min(seconds(timeout, self._spec), self._spec.timeout)
        async with self._lock:
            if self._closed:
                raise SandboxError("the Python session is closed; open another one")
            begin = time.monotonic()
            clip = Clip(self._spec.output_bytes)
            status: Literal["ok", "error", "timeout", "killed"] = "timeout"
            error: str | None = f"the cell ran longer than {limit:g} s"
            try:
                monty = self._monty or await self._begin()
                self._sources.append(code)
                with anyio.move_on_after(limit):
                    await monty.feed_run(displayed(code), print_callback=lambda _, text: clip.write(text.encode()))
                    status, error = "ok", None
            except (MontyRuntimeError, MontySyntaxError) as failure:
                if not _is_our_limit(failure):
                    status, error = "error", self._describe(failure)
            except (pydantic_monty.MontyError, RuntimeError) as failure:
                status, error = "killed", f"the interpreter died: {failure}"
            except OSError as failure:
                await self._end()
                raise SandboxError(f"could not start monty: {failure}; install pydantic-monty") from None
            except BaseException:  # cancellation: the process is in the middle of something
                await self._end()
                raise
            lost = status in ("timeout", "killed")
            if lost:
                await self._end()
            output, dropped = clip.text()
            return Result(
                output=output,
                error=error,
                status=status,
                state="lost" if lost else "kept",
                backend="monty",
                dropped_bytes=dropped,
                seconds=time.monotonic() - begin,
            )

    @property
    def files(self) -> NoFiles:
        return NoFiles()

    async def close(self) -> None:
        self._closed = True
        await self._end()

    async def _begin(self) -> AsyncMontySession:
        # A worker whose host was killed only notices when its cell ends: hence a limit of its own, a little later.
        limits = ResourceLimits(max_memory=self._spec.memory, max_feed_duration_secs=self._spec.timeout + 0.5)
        pool = await self._stack.enter_async_context(AsyncMonty(min_processes=1, max_processes=1))
        self._monty = await self._stack.enter_async_context(pool.checkout(limits=limits))
        self._sources = []
        return self._monty

    async def _end(self) -> None:
        with anyio.CancelScope(shield=True):
            stack, self._stack, self._monty = self._stack, AsyncExitStack(), None
            await stack.aclose()

    def _describe(self, failure: MontyRuntimeError | MontySyntaxError) -> str:
        """The traceback as CPython would print it, with the cell's own lines instead of those made of them."""
        lines = []
        for frame in failure.traceback():
            number = int(match[1]) if (match := re.fullmatch(r"<python-input-(\d+)>", frame.filename)) else -1
            source = self._sources[number].splitlines() if 0 <= number < len(self._sources) else []
            if 0 < frame.line <= len(source):
                lines.append(f'  File "<cell {number + 1}>", line {frame.line}, in {frame.function_name or "<module>"}')
                lines.append(f"    {source[frame.line - 1].strip()}")
        clip = Clip(ERROR_BYTES // 4)
        clip.write(failure.display("type-msg").encode("utf-8", "backslashreplace"))
        return "\n".join((["Traceback (most recent call last):", *lines] if lines else []) + [clip.text()[0]])


class NoFiles:
    """The `Files` of an interpreter that has none."""

    async def put(self, path: str, data: bytes) -> None:
        raise FilesError(f"{path!r}: the sandbox monty has no files")

    async def get(self, path: str) -> bytes:
        raise FilesError(f"{path!r}: the sandbox monty has no files")

    async def list(self) -> Mapping[str, int]:
        return {}


def displayed(code: str) -> str:
    """The cell with its last expression printed, inside: as a host object, a small value can be a very large one.

    Lines keep their numbers. A cell that CPython cannot parse is Monty's to complain about.
    """
    hidden = code + "\nNone\n"  # or the value of the last expression would come out
    if len(code) > PARSED_CHARACTERS or code.rstrip().endswith(";"):
        return hidden
    try:
        data = code.encode()
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return hidden
    if not body or not isinstance(body[-1], ast.Expr):
        return hidden
    value = body[-1]
    lines = data.splitlines(keepends=True)  # columns count bytes
    start = sum(map(len, lines[: value.lineno - 1])) + value.col_offset
    end = sum(map(len, lines[: (value.end_lineno or 0) - 1])) + (value.end_col_offset or 0)
    shown = data[:start] + b"_ = (" + data[start:end] + b")" + data[end:]
    return shown.decode() + "\nif _ is not None:\n    print(repr(_))\nNone\n"


def _is_our_limit(failure: MontyRuntimeError | MontySyntaxError) -> bool:
    return not failure.traceback() and isinstance(failure.exception(), TimeoutError)
