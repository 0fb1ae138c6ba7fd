"""Real sandboxes for every test. Bubblewrap must work where the tests run: a skip would hide that it does not."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from pydantic import BaseModel

from cadenza.tools import tool
from cadenza.tools.python import Sandbox, Session, Spec, choose

Open = Callable[..., AbstractAsyncContextManager[Session]]

# Cells that signal other processes refuse to run in the PID namespace of the tests: as root, outside of a sandbox,
# kill(-1) ends everything on the machine.
GUARD = f"import os\nassert os.readlink('/proc/self/ns/pid') != {os.readlink('/proc/self/ns/pid')!r}, 'not sandboxed'\n"


class Forecast(BaseModel):
    city: str
    days: int


@tool
def weather(city: str, days: int = 1) -> Forecast:
    return Forecast(city=city, days=days)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def sandbox_called(name: str) -> Sandbox:
    if name == "local":
        return await choose(unsafe_local=True)
    return await choose(name)  # type: ignore[arg-type]


@pytest.fixture(params=["bubblewrap", "local", "monty"])
async def everywhere(request: pytest.FixtureRequest) -> AsyncIterator[Session]:
    """A session of each backend in turn."""
    async with (await sandbox_called(request.param)).session(Spec(timeout=10)) as session:
        yield session


@pytest.fixture(params=["bubblewrap", "local"])
async def cpython(request: pytest.FixtureRequest) -> AsyncIterator[Session]:
    """A session of each backend that runs the driver."""
    async with (await sandbox_called(request.param)).session(Spec(timeout=10)) as session:
        yield session


@pytest.fixture
async def boxed() -> AsyncIterator[Session]:
    """A session in bubblewrap, the one place for cells that attack."""
    async with (await choose("bubblewrap")).session(Spec(timeout=10)) as session:
        yield session


def processes_with(marker: str) -> list[str]:
    """The command lines of live processes that contain `marker`."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                line = file.read().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:  # it has ended meanwhile
            continue
        if marker in line:
            found.append(line)
    return found


async def eventually(check: Callable[[], Any], seconds: float = 30) -> bool:
    """Whether `check()` becomes true within that time."""
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.02)
    return True
