"""Packages for cells, as `agent sandbox build --with` leaves them: a wheel made here, since there is no network."""

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadenza.tools import PythonTool
from cadenza.tools.python import SandboxError, choose
from cadenza.tools.python.packages import find_packages, install, kind, store, versions

pytestmark = pytest.mark.anyio
NAME = "cadenza-test:latest"


def wheel(folder: Path, name: str, version: str) -> None:
    """A package of one module, which holds its version."""
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        file.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        file.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{about}/RECORD", f"{name}.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")


@pytest.fixture(scope="module", autouse=True)
def shelf() -> Iterator[Path]:
    """Where pip finds the wheels, and no daemon, and a cache where also `nobody` can go."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        os.chmod(folder, 0o755)
        patch.setenv("XDG_CACHE_HOME", f"{folder}/cache")
        patch.setenv("DOCKER_HOST", f"unix://{folder}/nobody.sock")
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", folder)
        wheel(Path(folder), "lantern", "1.0")
        yield Path(folder)


@pytest.fixture(scope="module")
def build(shelf: Path) -> subprocess.CompletedProcess[str]:
    return agent("sandbox", "build", "--with", "lantern", "--tag", NAME)


@pytest.fixture
def python(build: subprocess.CompletedProcess[str]) -> Path:
    """That of the cells, for which the set was built."""
    return Path(build.stdout.removeprefix("bubblewrap: ").partition(" with ")[0])


def agent(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cadenza.agent", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=200)


def test_without_docker_a_build_still_gives_bubblewrap_its_packages(build: subprocess.CompletedProcess[str]) -> None:
    assert build.returncode == 0, build.stderr
    assert "docker: nothing is made for it: no Docker daemon at" in build.stderr
    assert build.stdout.endswith("bubblewrap: packages: lantern==1.0\n")


def test_without_docker_and_packages_it_is_said_that_bubblewrap_needs_nothing() -> None:
    done = agent("sandbox", "build", "--tag", "cadenza-test:nothing")
    assert done.returncode == 0, done.stderr
    assert "docker: nothing is made for it: no Docker daemon" in done.stderr
    assert "which needs no image\nbubblewrap: packages: none\n" in done.stdout


RUN = "import subprocess\nsubprocess.run(['python3', '-c', 'import lantern; print(lantern.VERSION)'], check=True);"


async def test_cells_and_programs_have_the_packages_of_their_image_and_cannot_change_them(python: Path) -> None:
    sandbox = await choose("bubblewrap", image=NAME)
    assert sandbox.packages == ("lantern==1.0",)
    async with sandbox.session() as session:
        assert (await session.run("import lantern\nlantern.VERSION")).output == "'1.0'\n"
        assert (await session.run(RUN)).output == "1.0\n"
        for cell in ("open(lantern.__file__, 'w')", "open('/opt/packages/x', 'w')", "import os\nos.rmdir('/opt')"):
            assert "OSError" in ((await session.run(cell)).error or "")


async def test_another_image_has_none_of_them(python: Path) -> None:
    sandbox = await choose("bubblewrap", image="cadenza-test:other")
    assert sandbox.packages == ()
    async with sandbox.session() as session:
        assert "ModuleNotFoundError" in ((await session.run("import lantern")).error or "")


async def test_a_cell_that_misses_a_module_is_told_which_packages_there_are(python: Path) -> None:
    async with PythonTool(sandbox="bubblewrap", image=NAME).open() as session:
        assert (await session.call("python", "import anchor")).text.endswith("\n[packages here: lantern==1.0]")
        assert "lantern" not in (await session.call("python", "raise ValueError")).text
        assert "lantern" not in session.namespace.description


async def test_what_cannot_be_had_is_one_line_and_changes_nothing(python: Path) -> None:
    before = sorted(path.name for path in store().iterdir())
    for name, why in (("nothing-like-it", "No matching distribution"), ("--hash", "--with '--hash': is no package")):
        with pytest.raises(SandboxError, match=why) as told:
            install([name], NAME, python)
        assert "\n" not in str(told.value)
    assert sorted(path.name for path in store().iterdir()) == before


def test_a_set_is_for_one_kind_of_python_and_does_not_say_where_it_was_made(python: Path) -> None:
    [link] = [path for path in store().iterdir() if path.is_symlink()]
    assert link.name == f"cadenza-test%3Alatest.{kind(python)}"
    assert kind(python).startswith("cpython-")
    assert versions(link.resolve()) == ("lantern==1.0",)
    [compiled] = link.glob("__pycache__/lantern.*.pyc")
    assert str(store()).encode() not in compiled.read_bytes()


async def test_a_new_set_takes_the_place_of_the_old_one_and_what_began_before_keeps_that(
    python: Path, shelf: Path
) -> None:
    sandbox = await choose("bubblewrap", image=NAME)
    async with sandbox.session() as before, sandbox.session() as after:
        await before.run("1")
        wheel(shelf, "lantern", "2.0")
        install(["lantern"], NAME, python)
        assert (await after.run("import lantern\nlantern.VERSION")).output == "'2.0'\n"
        assert (await before.run("import lantern\nlantern.VERSION")).output == "'1.0'\n"
    assert install([], NAME, python) is None
    assert find_packages(NAME, python) is None
    assert len(list(store().iterdir())) == 1  # kept for who still has it, until the next build


async def test_without_a_sandbox_cells_have_the_packages_too() -> None:
    install(["lantern==1.0"], NAME, Path(sys.executable))
    async with (await choose(unsafe_local=True, image=NAME)).session() as session:
        assert (await session.run("import lantern\nlantern.VERSION")).output == "'1.0'\n"
