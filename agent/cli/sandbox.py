"""`agent sandbox`: give cells packages, and try to break out of every sandbox that works here."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import anyio
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cadenza.tools import SandboxError, clean
from cadenza.tools.python import SANDBOXES, Sandbox, SandboxName, choose
from cadenza.tools.python.bubblewrap import Bubblewrap
from cadenza.tools.python.container import knock
from cadenza.tools.python.escapes import ESCAPES
from cadenza.tools.python.image import build
from cadenza.tools.python.landlock import Landlock
from cadenza.tools.python.packages import install, kind, versions
from cadenza.tools.python.trial import Trial, trials

from .run import ANSWERED, FAILED


def build_all(packages: str, tag: str) -> int:
    """Docker's image, and the packages for the sandboxes that run CPython; says what was made for which.

    Fails if none is here, or something could not be made for one that is. packages: names with commas between them.
    """
    names = [name.strip() for name in packages.split(",") if name.strip()]
    pythons: dict[str, Path] = {}
    for sandbox, python_of in (
        ("docker", _docker_python),
        ("bubblewrap", _bubblewrap_python),
        ("landlock", _landlock_python),
    ):
        if sandbox == "landlock" and "bubblewrap" in pythons:
            continue  # which has the same Python, and so shares the packages
        try:
            pythons[sandbox] = python_of()
        except SandboxError as error:
            print(f"{sandbox}: nothing is made for it: {error}", file=sys.stderr)
    failed = not pythons
    sets: dict[str, Path | None] = {}
    for sandbox, python in pythons.items():
        try:
            if kind(python) not in sets:
                sets[kind(python)] = install(names, tag, python, _tell)
            site = sets[kind(python)]
            made = _image(site, tag) if sandbox == "docker" else _mounted(site, python)
            print(f"{sandbox}: {made}\n{sandbox}: packages: {', '.join(versions(site)) or 'none'}")
        except SandboxError as error:
            print(f"agent: {sandbox}: {error}", file=sys.stderr)
            failed = True
    return FAILED if failed else ANSWERED


def _docker_python() -> Path:
    knock()
    return Path(sys.executable)


def _bubblewrap_python() -> Path:
    return anyio.run(Bubblewrap.find).python


def _landlock_python() -> Path:
    return anyio.run(Landlock.find).python


def _image(site: Path | None, tag: str) -> str:
    built = build(site, tag=tag, tell=_tell)
    how = "built" if built.new else "is there already, of the same files"
    return f"image {built.tag}: {how}, {built.bytes >> 20} MiB, sha256 {built.digest[:12]}"


def _mounted(site: Path | None, python: Path) -> str:
    return f"{python} with {site}, read-only" if site else f"{python}, which needs no image"


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def check(names: Sequence[SandboxName]) -> int:
    """Fails if a cell got out of a sandbox, or one that was named does not work."""
    console = Console(highlight=False, markup=False, emoji=False)
    found = {name: anyio.run(_examine, name) for name in names or SANDBOXES}
    table = Table("sandbox", "", "what was found", box=None, pad_edge=False)
    for name, (sandbox, what) in found.items():
        table.add_row(name, Text("ok", "green") if sandbox else Text("no", "yellow"), Text(clean(what)))
    console.print(table)
    escaped = 0
    for name, (sandbox, _) in found.items():
        if sandbox is not None:
            console.print(f"\n{name}: {len(ESCAPES)} escapes and faults", style="bold")
            escaped += anyio.run(_try_all, sandbox, console)
    failed = escaped > 0 or any(found[name][0] is None for name in names)
    return FAILED if failed else ANSWERED


async def _examine(name: SandboxName) -> tuple[Sandbox | None, str]:
    try:
        return await choose(name), await latencies(name)
    except SandboxError as error:
        return None, str(error)


async def latencies(name: SandboxName) -> str:
    """How long a session and a cell take, and what holds them. Raises SandboxError."""
    sandbox = await choose(name)
    async with sandbox.session() as session:
        times = [time.perf_counter()]
        for _ in range(6):
            result = await session.run("6 * 7")
            times.append(time.perf_counter())
    if result.output != "42\n":
        raise SandboxError(result.error or f"a cell printed {result.output!r}")
    start, *cells = (later - earlier for earlier, later in pairwise(times))
    took = f"starts in {1000 * start:.0f} ms, a cell takes {1000 * sorted(cells)[2]:.1f} ms"
    return f"{sandbox.name}: {took}; {sandbox.held_by}; cells have {', '.join(sandbox.packages) or 'no packages'}"


async def _try_all(sandbox: Sandbox, console: Console) -> int:
    """Prints a line for each as it comes; how many were not held."""
    escaped = 0
    async for trial in trials(sandbox, ESCAPES):
        escaped += bool(trial.fault)
        console.print(_line(trial), soft_wrap=True)
    console.print(f"{len(ESCAPES) - escaped} held, {escaped} ESCAPED", style="red" if escaped else "green")
    return escaped


def _line(trial: Trial) -> Text:
    verdict = Text("ESCAPED ", "bold red") if trial.fault else Text("held    ", "green")
    what = f"{trial.escape.kind:<10}{trial.escape.name:<46} "
    return Text.assemble(verdict, what, Text(clean(trial.told).replace("\n", " "), "dim"))
