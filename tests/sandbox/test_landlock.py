"""What Landlock has and the other sandboxes do not: folders on the disk, a keeper, and walls that are looked for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from cadenza.tools.python import FilesError, Session, Spec, choose, landlock
from cadenza.tools.python.host import why_not
from cadenza.tools.python.identity import user_and_group

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def eventually(check: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not check():
        if time.monotonic() > end:
            return False
        await anyio.sleep(0.05)
    return True


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def alive(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


FURNISHED = """
import os, subprocess
os.makedirs('/'.join('d' * 900))
p = subprocess.Popen(['sleep', '600'], start_new_session=True)
print(os.getppid(), p.pid, os.getcwd())
"""


async def furnished(session: Session) -> tuple[int, int, Path]:
    """The supervisor, a process that stays, and the session's folder."""
    supervisor, stays, folder = (await session.run(FURNISHED)).output.split()
    return int(supervisor), int(stays), Path(folder).parent


async def test_a_closed_session_leaves_no_folder_that_is_deep_or_closed_to_its_owner() -> None:
    async with (await choose("landlock")).session() as session:
        _, stays, folder = await furnished(session)
        assert folder.is_dir()
        assert (await session.run("os.umask(0o777)\nos.mkdir('closed')")).state == "lost"
        assert await eventually(lambda: not alive(stays) and not folder.exists())
        _, stays, folder = await furnished(session)
    assert not alive(stays)
    assert not folder.exists()


@pytest.mark.parametrize("whose", ["supervisor", "keeper"])
async def test_nothing_outlives_a_supervisor_or_a_keeper_that_is_killed(whose: str) -> None:
    async with (await choose("landlock")).session() as session:
        supervisor, stays, folder = await furnished(session)
        os.kill(supervisor if whose == "supervisor" else parent(supervisor), signal.SIGKILL)
        if whose == "supervisor":
            assert (await session.run("p")).state == "lost"
    assert await eventually(lambda: not alive(stays) and not alive(supervisor) and not folder.exists())


LEADERLESS = """
import subprocess, sys, time
code = '''
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
ctypes.CDLL(None).pthread_exit(None)
'''
p = subprocess.Popen([sys.executable, '-c', code], start_new_session=True)
time.sleep(1)
print(p.pid)
"""


async def test_a_process_whose_first_thread_has_ended_ends_with_its_session() -> None:
    async with (await choose("landlock")).session() as session:
        pid = int((await session.run(LEADERLESS)).output)
        stat = Path(f"/proc/{pid}/stat")
        assert await eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
        assert len(os.listdir(f"/proc/{pid}/task")) == 2
    assert not alive(pid)


async def test_a_workspace_is_written_to_and_stays_and_opens_nothing_else() -> None:
    with tempfile.TemporaryDirectory() as folder:  # where also `nobody`, as whom root's sandbox runs, can go
        os.chmod(folder, 0o755)
        Path(folder, "beside").write_text("secret")  # noqa: ASYNC240 - nothing else runs in this loop
        async with (await choose("landlock")).session(Spec(workspace=Path(folder, "work"))) as session:
            made = await session.run("import os\nopen('a', 'w').write('1')\nos.symlink('../beside', 'link')")
            assert (made.error, made.files) == (None, {})
            for code in ("open('link').read()", "os.listdir('..')", "open('../new', 'w')"):
                assert "PermissionError" in ((await session.run(code)).error or "")
            with pytest.raises(FilesError):
                await session.files.get("link")
        assert sorted(os.listdir(f"{folder}/work")) == ["a", "link"]


async def test_a_sandbox_with_a_wall_missing_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = await landlock.Landlock.find()
    user = user_and_group()[0]
    assert not await why_not(sandbox, user=user, first=landlock.WALLS)
    monkeypatch.setattr(landlock, "READING", (*landlock.READING, "/proc"))
    assert "a wall is missing" in await why_not(sandbox, user=user, first=landlock.WALLS)


FORBIDDEN = """
import anyio
from cadenza.tools.python import choose
from cadenza.tools.python.driver.processes import install_filter
from cadenza.tools.python.seccomp import seccomp_filter
install_filter(seccomp_filter())
print(anyio.run(choose).name)
"""


def test_where_namespaces_are_forbidden_auto_is_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    done = subprocess.run([sys.executable, "-c", FORBIDDEN], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("landlock\n", "")
