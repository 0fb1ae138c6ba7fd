"""Docker, bubblewrap and Landlock under all escapes and faults, and under hosts that are cancelled, closed and killed.

`make test-sandbox` installs the first two; bubblewrap is tried with a control group and without. Every case is one of
`cadenza.tools.python.escapes`, judged by `trial`.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import anyio
import pytest
from PIL import Image

from cadenza.tools.python import FilesError, Sandbox, SandboxError, SandboxName, Session, Spec, choose
from cadenza.tools.python.bubblewrap import Bubblewrap
from cadenza.tools.python.cgroup import NAME, Groups
from cadenza.tools.python.container import connected
from cadenza.tools.python.docker import Docker
from cadenza.tools.python.escapes import ESCAPES, Escape
from cadenza.tools.python.image import build
from cadenza.tools.python.owner import SESSION, owner_labels
from cadenza.tools.python.trial import Trial, left_behind, trials
from cadenza.tools.workspace import NOBODY

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
WITH_GROUPS = ("docker", "bubblewrap")
WITH_MOUNTS = (*WITH_GROUPS, "bubblewrap without a control group")
ALL = (*WITH_MOUNTS, "landlock")


async def sandbox_called(name: str) -> Sandbox:
    if name in ("docker", "landlock"):
        return await choose(name)  # type: ignore[arg-type]
    found = await choose("bubblewrap")
    assert isinstance(found, Bubblewrap)
    assert found.groups is not None, "control groups were NOT tested: this process can make none"
    assert found.groups.controllers == ("memory", "pids", "cpu")
    return found if name == "bubblewrap" else Bubblewrap(found.bwrap, found.python)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@cache
def tried(name: str) -> dict[str, Trial]:
    """All escapes in one sandbox, once."""

    async def collect() -> dict[str, Trial]:
        sandbox = await sandbox_called(name)
        at_once = 1 if name == "landlock" else 4  # all its sessions share one user's number of processes
        return {trial.escape.name: trial async for trial in trials(sandbox, ESCAPES, at_once=at_once)}

    return anyio.run(collect)


@pytest.mark.parametrize("escape", ESCAPES, ids=lambda escape: f"{escape.kind}: {escape.name}")
@pytest.mark.parametrize("name", ALL)
def test_held(name: str, escape: Escape) -> None:
    trial = tried(name)[escape.name]
    assert not trial.fault
    assert trial.expected, trial.told


@pytest.mark.parametrize("name", ALL)
def test_every_escape_has_a_name_of_its_own(name: str) -> None:
    assert len(tried(name)) == len(ESCAPES) > 96


STAYS = "import subprocess\np = subprocess.Popen(['sleep', '{0}'], start_new_session=True)\nprint('up')"


def containers() -> list[str]:
    with connected() as client:
        return [found["Id"] for found in client.api.containers(all=True, filters={"label": SESSION})]


def groups_of(pid: int) -> list[Path]:
    """The folders of the control groups that a process has made."""
    found = Groups.find()
    assert found is not None
    return [folder for place in found.places for folder in place.folder.glob(f"{NAME}-*-{pid}-*")]


def eventually(check: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def mark(number: int) -> str:
    return f"87{os.getpid()}{number}"


@pytest.mark.anyio
@pytest.mark.parametrize("name", ALL)
async def test_a_closed_session_leaves_nothing(name: str) -> None:
    async with (await sandbox_called(name)).session() as session:
        assert (await session.run(STAYS.format(mark(1)))).output == "up\n"
        assert left_behind(mark(1))
    assert eventually(lambda: not left_behind(mark(1)))
    assert not containers()
    assert not groups_of(os.getpid())


@pytest.mark.anyio
@pytest.mark.parametrize("name", ALL)
async def test_a_cancelled_cell_leaves_nothing_and_the_session_goes_on(name: str) -> None:
    async with (await sandbox_called(name)).session() as session:
        await session.run("x = 1")
        with anyio.move_on_after(1):
            await session.run(STAYS.format(mark(2)) + "\np.wait()")
        assert eventually(lambda: not left_behind(mark(2)))
        assert "NameError" in ((await session.run("x")).error or "")


@pytest.mark.anyio
@pytest.mark.parametrize("name", ALL)
async def test_a_session_closed_during_a_cell_leaves_nothing(name: str) -> None:
    results, done = [], anyio.Event()

    async def run() -> None:
        results.append(await session.run(STAYS.format(mark(3)) + "\np.wait()"))
        done.set()

    async with (await sandbox_called(name)).session() as session, anyio.create_task_group() as group:
        await session.run("x = 1")
        group.start_soon(run)
        await anyio.sleep(0.5)
        await session.close()
        with anyio.fail_after(10):
            await done.wait()
    assert [result.state for result in results] == ["lost"]
    assert eventually(lambda: not left_behind(mark(3)))


def host_of(sandbox: Sandbox, cell: str) -> subprocess.Popen[bytes]:
    """Another process, with a session in which this cell runs."""
    program = (
        "import anyio\nfrom pathlib import PosixPath\nfrom cadenza.tools.python.bubblewrap import Bubblewrap\n"
        "from cadenza.tools.python.cgroup import Groups, Place\nfrom cadenza.tools.python.docker import Docker\n"
        "from cadenza.tools.python.landlock import Landlock\n"
        f"async def main():\n    async with {sandbox!r}.session() as session:\n"
        f"        await session.run({cell!r})\n        await anyio.sleep(60)\nanyio.run(main)"
    )
    # Not on the command line, where `left_behind` would find the cell before it runs.
    start = [sys.executable, "-c", "import os; exec(os.environ['PROGRAM'])"]
    return subprocess.Popen(start, env={**os.environ, "PROGRAM": program})


@pytest.mark.anyio
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("busy", [True, False])
async def test_a_killed_host_leaves_nothing(name: str, busy: bool) -> None:
    number = mark(4 + busy)
    cell = STAYS.format(number) + ("\nprint('busy')\nwhile True: pass" if busy else "")
    with host_of(await sandbox_called(name), cell) as host:
        assert eventually(lambda: bool(left_behind(number)))
        host.kill()
    assert eventually(lambda: not left_behind(number))
    assert eventually(lambda: not containers())


@pytest.mark.anyio
async def test_a_container_that_was_never_started_is_swept_away() -> None:
    with connected() as client:
        for labels in (
            owner_labels("dead", deadline=time.time() + 60) | {"cadenza.owner": "4194305 1"},
            owner_labels("late", deadline=0),
        ):
            client.containers.create("cadenza-sandbox:latest", ["python3"], labels=labels)
        kept = client.containers.create(
            "cadenza-sandbox:latest", ["python3"], labels=owner_labels("kept", deadline=time.time() + 60)
        )
        assert len(containers()) == 3
        await Docker.find()
        assert containers() == [kept.id]
        kept.remove()


@pytest.mark.anyio
async def test_the_control_group_of_a_killed_host_is_removed_by_the_next_process() -> None:
    number = mark(6)
    with host_of(await sandbox_called("bubblewrap"), STAYS.format(number)) as host:
        assert eventually(lambda: bool(left_behind(number)))
        assert len(groups_of(host.pid)) >= 1  # and whoever looks while it lives leaves it alone
        host.kill()
    assert eventually(lambda: not groups_of(host.pid))


CROWD = """
import signal, subprocess
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
try:
    while True: subprocess.Popen(["sleep", "2.{0}"])
except BlockingIOError: print("full")
"""


@pytest.mark.anyio
@pytest.mark.parametrize("name", WITH_MOUNTS)
async def test_a_session_without_room_for_a_way_back_makes_one_when_there_is_room(name: str) -> None:
    async with (await sandbox_called(name)).session(Spec(processes=16)) as session:
        assert (await session.run(CROWD.format(mark(7)))).output == "full\n"
        assert eventually(lambda: not left_behind(mark(7)))
        assert (await session.run("import os; os._exit(1)")).state == "rolled_back"


HOARD = """
import socket, time
pairs = []
for _ in range(400):
    pairs.append(socket.socketpair())
    for end in pairs[-1]:
        end.setblocking(False)
        try:
            while True: end.send(bytes(65536))
        except BlockingIOError: pass
time.sleep(5)
print("filled")
"""
HOARDS = f"""
import subprocess, sys
running = [subprocess.Popen([sys.executable, "-c", {HOARD!r}]) for _ in range(8)]
for process in running: process.wait()
"""


@pytest.mark.anyio
@pytest.mark.parametrize("name", WITH_GROUPS)
async def test_memory_of_no_process_is_counted_too_and_the_way_back_is_the_last_that_is_taken(name: str) -> None:
    async with (await sandbox_called(name)).session(Spec(memory=256 << 20, disk=32 << 20)) as session:
        await session.run("state = b'x' * (100 << 20)")
        hoarded = await session.run(HOARDS)
        assert hoarded.output.count("filled") < 8
        assert hoarded.state in ("kept", "rolled_back")
        assert (await session.run("len(state)")).output == f"{100 << 20}\n"


BUSY = """
import os, time
begin = time.monotonic()
for _ in range(2):
    if not os.fork():
        while time.monotonic() < begin + 2: pass
        os._exit(0)
for _ in range(2): os.wait()
used = os.times()
(used.children_user + used.children_system) / (time.monotonic() - begin)
"""


@pytest.mark.anyio
@pytest.mark.parametrize("name", WITH_GROUPS)
async def test_a_session_keeps_no_more_cpus_busy_than_it_may(name: str) -> None:
    async with (await sandbox_called(name)).session(Spec(cpus=0.25)) as session:
        assert float((await session.run(BUSY)).output) < 0.4


@pytest.mark.anyio
async def test_a_daemon_on_tcp_runs_cells_and_has_no_workspace(
    daemon: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", daemon)
    sandbox = await Docker.find()
    async with sandbox.session() as session:
        await session.files.put("a", b"1")
        made = await session.run("import os\nopen('b', 'w').write(open('a').read() * 2);")
        assert made.files == {"b": b"11"}
        assert (await session.run("os._exit(1)")).state == "rolled_back"
    async with sandbox.session(Spec(workspace=tmp_path)) as session:
        with pytest.raises(
            SandboxError, match=r"^workspace .*: the Docker daemon at tcp://127.0.0.1:\d+ may be on ano"
        ):
            await session.run("1")
    assert not containers()


@pytest.mark.anyio
async def test_without_a_daemon_on_tcp_docker_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        port = taken.getsockname()[1]
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        with pytest.raises(
            SandboxError, match=rf"^no Docker daemon at tcp://127.0.0.1:{port}: Connection refused; [^\n]*$"
        ):
            await Docker.find()


@pytest.mark.anyio
async def test_an_image_that_is_not_there_is_not_pulled() -> None:
    with pytest.raises(SandboxError, match="the image nobody/nothing:1 is not built yet: run `agent sandbox build`"):
        await choose("docker", image="nobody/nothing:1")


def test_the_same_files_are_the_same_image() -> None:
    assert not build(tag="cadenza-sandbox:latest").new


PLOT = """
import matplotlib.pyplot as plt
for n in range(3):
    plt.figure(); plt.plot([1, n, 3])
print("drawn")
"""


@pytest.mark.anyio
@pytest.mark.parametrize("name", [*WITH_GROUPS, "landlock"])
async def test_figures_come_out_as_images_and_once(name: SandboxName, with_packages: str) -> None:
    sandbox = await choose(name, image=with_packages)
    assert [package.partition("==")[0] for package in sandbox.packages] == ["matplotlib", "pandas"]
    async with sandbox.session(Spec(artefacts=2)) as session:
        drawn = await session.run(PLOT)
        assert (drawn.output, drawn.error, len(drawn.figures)) == ("drawn\n", None, 2)
        assert all(figure.startswith(b"\x89PNG") for figure in drawn.figures)
        assert drawn.left_out.startswith("1 figures; at most 2 files")
        assert (await session.run("plt.get_fignums()")).output == "[]\n"


@pytest.mark.anyio
@pytest.mark.parametrize("name", [*WITH_GROUPS, "landlock"])
async def test_no_cell_changes_the_packages_that_it_has(name: SandboxName, with_packages: str) -> None:
    async with (await choose(name, image=with_packages)).session() as session:
        for code in ("import os, pandas\nos.unlink(pandas.__file__)", "open(pandas.__file__, 'a')"):
            error = (await session.run(code)).error or ""
            assert re.search("Read-only file system|Permission denied", error), error


@pytest.mark.parametrize("name", [*WITH_GROUPS, "landlock"])
def test_a_table_becomes_numbers_and_a_chart(name: SandboxName, with_packages: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder, "analysis", "task.yaml")
        shutil.copytree(EXAMPLES / "analysis", task.parent)
        task.write_text(
            task.read_text().replace("- python\n", f"- python: {{sandbox: {name}, image: '{with_packages}'}}\n")
        )
        if os.geteuid() == 0:  # whose sandbox runs as nobody
            os.chmod(folder, 0o755)
            os.chown(task.parent / "work", NOBODY, NOBODY)
        command = [sys.executable, "-m", "cadenza.agent", "run", str(task), "--out", f"{folder}/charts"]
        done = subprocess.run([*command, "--journal", f"{folder}/runs"], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert os.listdir(f"{folder}/charts") == ["figure-2-1.png"]
        chart = Image.open(f"{folder}/charts/figure-2-1.png").convert("RGB")
    assert chart.width > 600
    assert chart.height > 450
    colours = {colour: count for count, colour in chart.getcolors(1 << 20) or ()}
    assert all(colours[line] > 1000 for line in ((31, 119, 180), (255, 127, 14)))  # two stations: lines and bars
    assert f"result ({name}" in done.stderr
    for number in re.findall(r"\d+\.\d|\d{3,}", done.stdout):  # what the answer says stands in a result
        assert re.search(rf"│.*\b{re.escape(number)}\b", done.stderr.partition("result (")[2]), number
    assert len(re.findall(r"\d+\.\d|\d{3,}", done.stdout)) == 6


@pytest.mark.anyio
@pytest.mark.parametrize("name", ALL)
async def test_files_go_in_and_out_and_links_do_not(name: str, tmp_path: Path) -> None:
    async with (await sandbox_called(name)).session(Spec(file_bytes=1000)) as session:
        await session.files.put("in/a", b"1")
        made = await session.run(
            "import os\nopen('b', 'w').write(open('in/a').read())\nos.symlink('/etc/passwd', 'c');"
        )
        assert made.files == {"b": b"1"}
        assert await session.files.list() == {"b": 1, "in/a": 1}
        for path in ("c", "../etc/passwd", "/etc/passwd", "in"):
            with pytest.raises(FilesError):
                await session.files.get(path)


@pytest.mark.anyio
@pytest.mark.parametrize("name", WITH_MOUNTS)  # landlock's own is in test_landlock
async def test_a_workspace_is_written_to_and_stays_and_opens_nothing_else(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # where also `nobody`, as whom root's sandbox runs, can go
        os.chmod(folder, 0o755)
        Path(folder, "beside").write_text("secret")  # noqa: ASYNC240 - nothing else runs in this loop
        async with (await sandbox_called(name)).session(Spec(workspace=Path(folder, "work"))) as session:
            code = (
                "import os\nopen('a', 'w').write('1')\nos.symlink('../beside', 'link')\nos.getcwd(), os.listdir('..')"
            )
            made = await session.run(code)
            assert (made.output, made.files) == ("('/mnt/data', ['data'])\n", {})
            assert "FileNotFoundError" in ((await session.run("open('link').read()")).error or "")
            with pytest.raises(FilesError):
                await session.files.get("link")
        assert sorted(os.listdir(f"{folder}/work")) == ["a", "link"]


@pytest.mark.anyio
@pytest.mark.parametrize("name", ALL)
async def test_a_large_file_goes_in_and_out(name: str) -> None:
    data = os.urandom(30 << 20)
    async with (await sandbox_called(name)).session() as session:
        await session.files.put("large", data)
        assert await session.files.get("large") == data
        assert (await session.run("import os\nos.path.getsize('large')")).output == f"{30 << 20}\n"


@pytest.mark.anyio
@pytest.mark.parametrize("name", ALL)
async def test_two_sessions_at_once_know_nothing_of_each_other(name: str) -> None:
    sandbox = await sandbox_called(name)

    async def run(session: Session, value: int) -> None:
        await session.run(f"x = {value}\nopen('file', 'w').write(str(x));")
        assert (await session.run("x, open('file').read()")).output == f"({value}, '{value}')\n"

    async with sandbox.session() as one, sandbox.session() as two, anyio.create_task_group() as group:
        group.start_soon(run, one, 1)
        group.start_soon(run, two, 2)
