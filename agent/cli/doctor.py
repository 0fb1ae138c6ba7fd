"""`agent doctor`: what works on this machine, found out by trying it."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import version

import anyio
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cadenza.model import ModelError, Sampling, resolve
from cadenza.tools import McpToolset, SandboxError, ToolError
from cadenza.tools.python import SANDBOXES, SandboxName

from ..errors import JournalError
from ..journal import Journal, default_path
from .run import ANSWERED, FAILED
from .sandbox import latencies
from .tools import known


class _MissingError(Exception):
    """It does not work; the message says why and what to do."""


async def _sandbox(name: SandboxName) -> str:
    try:
        return await latencies(name)
    except SandboxError as error:
        raise _MissingError(str(error)) from None


async def _torch() -> str:
    try:
        begin = time.perf_counter()
        engine = resolve("nano")
        loaded = time.perf_counter() - begin
        prompt = engine.vocabulary.encode("What is 6 * 7?")
        tokens = [token async for token in engine.generate(prompt, Sampling(), stop=frozenset(), limit=32)]
        speed = len(tokens) / (time.perf_counter() - begin - loaded)
    except ModelError as error:
        raise _MissingError(str(error)) from None
    return f"{version('torch')}; nano loads in {loaded:.1f} s and writes {speed:.0f} tokens/s"


async def _kernels() -> str:
    from cadenza.model import kernels

    if kernels.path() == "torch":
        raise _MissingError(
            "not built: plain torch computes, slowly for a large model; install again with a C compiler"
        )
    return f"{kernels.path()}; this machine has {', '.join(kernels.available())}"


async def _masks() -> str:
    return f"{version('llguidance')}; every turn on the torch engine is held to its grammar"


async def _journal() -> str:
    try:
        with Journal(default_path()) as journal:
            return f"{default_path()}: {len(journal.runs())} runs"
    except JournalError as error:
        raise _MissingError(f"{error}; runs are not logged unless a task names a journal") from None


async def _search() -> str:
    from cadenza.tools.browser import backend_by_name, backend_names

    ready, lacking = [], []
    for name in backend_names():
        try:
            backend_by_name(name)
            ready.append(name)
        except ToolError as error:
            lacking.append(str(error).removeprefix("browser: search: "))
    return "; ".join(["a corpus, offline", *(f"{name} is set up" for name in ready), *lacking])


async def _tools() -> str:
    return ", ".join(name for name, _ in known())


async def _mcp() -> str:
    begin = time.perf_counter()
    ours = McpToolset(command=[sys.executable, "-m", "cadenza.agent", "mcp", "serve"], name="ours", start_timeout=60)
    try:
        async with ours.open() as session:
            result = await session.call("ours.python", '{"code": "print(6 * 7)"}')
    except ToolError as error:
        raise _MissingError(str(error)) from None
    if result.text != "42\n":
        raise _MissingError(f"our own server answered {result.text!r}")
    return f"{version('mcp')}; our own server starts and answers in {time.perf_counter() - begin:.1f} s"


_CHECKS: dict[str, Callable[[], Awaitable[str]]] = {
    **{f"sandbox {name}": partial(_sandbox, name) for name in SANDBOXES},
    "engine torch": _torch,
    "kernels": _kernels,
    "masks llguidance": _masks,
    "journal": _journal,
    "search": _search,
    "mcp": _mcp,
    "tools": _tools,
}


def doctor() -> int:
    """A line for each part; fails if agents cannot run here: no model, or no sandbox."""
    kind = f"Python {platform.python_version()}, {sys.platform} {platform.machine()}, {os.cpu_count()} processors"
    table = Table("part", "", "what was found", box=None, pad_edge=False, title=kind, title_justify="left")
    works: dict[str, bool] = {}
    for name, check in _CHECKS.items():
        try:
            found, works[name] = anyio.run(check), True
        except _MissingError as error:
            found, works[name] = str(error), False
        table.add_row(name, Text("ok", "green") if works[name] else Text("no", "yellow"), Text(found))
    Console(highlight=False, markup=False).print(table)
    return ANSWERED if works["engine torch"] and any(works[f"sandbox {name}"] for name in SANDBOXES) else FAILED
