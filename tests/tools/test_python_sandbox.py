"""Attacks from inside bubblewrap, and what is left on the host afterwards."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import anyio
import pytest

from cadenza.tools.python import SandboxError, Session, Spec, choose
from cadenza.tools.python.seccomp import seccomp_filter

from .conftest import GUARD, eventually, processes_with, sandbox_called

pytestmark = pytest.mark.anyio


async def errors_of(session: Session, code: str) -> str:
    result = await session.run(code)
    assert (result.status, result.state) == ("error", "kept"), result
    return result.error or ""


async def test_the_network_of_the_host_is_out_of_reach(boxed: Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()  # it does listen
        error = await errors_of(boxed, f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)")
    assert "ConnectionRefusedError" in error
    assert "OSError" in await errors_of(boxed, "socket.create_connection(('192.0.2.1', 80), 1)")


@pytest.mark.parametrize("family", ["AF_VSOCK", "AF_NETLINK", "AF_PACKET"])
async def test_sockets_outside_of_network_namespaces_are_refused(boxed: Session, family: str) -> None:
    code = f"import socket\nsocket.socket(socket.{family}, socket.SOCK_DGRAM)"
    assert "PermissionError" in await errors_of(boxed, code)


@pytest.mark.parametrize(
    ("call", "errno"), [("425, 1, 0", 1), ("438, 0, 0, 0", 1), ("435, 0, 0", 38), ("0x40000029, 40, 1, 0", 1)]
)
async def test_dangerous_system_calls_are_refused(boxed: Session, call: str, errno: int) -> None:
    result = await boxed.run(
        f"import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nlibc.syscall({call}), ctypes.get_errno()"
    )
    assert result.output == f"(-1, {errno})\n"


async def test_no_new_user_namespace_can_be_made(boxed: Session) -> None:
    result = await boxed.run("libc = __import__('ctypes').CDLL(None)\nlibc.unshare(0x10000000)")
    assert result.output == "-1\n"


async def test_threads_and_child_processes_work_under_the_filter(boxed: Session) -> None:
    result = await boxed.run(
        "import subprocess, threading\nt = threading.Thread(target=print, args=('thread',)); t.start(); t.join()\n"
        "subprocess.run('echo shell', shell=True).returncode"
    )
    assert result.output == "thread\nshell\n0\n"


def test_the_filter_refuses_machines_that_it_does_not_know() -> None:
    assert len(seccomp_filter("aarch64")) == len(seccomp_filter("x86_64"))
    with pytest.raises(SandboxError, match="riscv64"):
        seccomp_filter("riscv64")


@pytest.mark.parametrize("path", ["/etc/shadow", "/etc/passwd", "/root", "/home", "/work", str(Path(__file__).parent)])
async def test_files_of_the_host_are_out_of_reach(boxed: Session, path: str) -> None:
    result = await boxed.run(f"import os\nos.path.isdir({path!r}) and os.listdir({path!r}) or open({path!r}).read()")
    assert result.status == "error", result.output


async def test_the_environment_of_the_host_is_out_of_reach(boxed: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENZA_TEST_KEY", "hunter2")
    result = await boxed.run(
        "import os\nprint(dict(os.environ))\nfor pid in filter(str.isdigit, os.listdir('/proc')):\n"
        "    try: print(pid, open(f'/proc/{pid}/environ').read())\n    except OSError as e: print(pid, e)"
    )
    assert "1 " in result.output
    assert "hunter2" not in result.output


async def test_local_passes_no_environment_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENZA_TEST_KEY", "hunter2")
    async with (await choose(unsafe_local=True)).session() as session:
        assert "hunter2" not in (await session.run("import os\nos.environ")).output


async def test_only_three_capped_places_can_be_written(boxed: Session) -> None:
    result = await boxed.run(
        "import os\nfound = []\nfor top in os.listdir('/'):\n"
        "    for folder, _, _ in os.walk('/' + top):\n"
        "        if folder.startswith(('/proc/', '/sys/')): continue\n"
        "        try:\n            open(folder + '/probe', 'w').close()\n            found.append(folder)\n"
        "        except OSError: pass\n"
        "try: open('/probe', 'w')\nexcept OSError: pass\nelse: found.append('/')\nsorted(found)",
        timeout=100,  # /usr is large
    )
    assert result.output == "['/dev/shm', '/mnt/data', '/tmp']\n"


@pytest.mark.parametrize("path", ["/tmp/x", "/mnt/data/x", "/dev/shm/x"])
async def test_the_disk_is_capped(path: str) -> None:
    async with (await choose("bubblewrap")).session(Spec(timeout=10, disk=1 << 20)) as session:
        assert "No space left" in await errors_of(session, f"open({path!r}, 'wb').write(bytes(2 << 20))")


async def test_the_cell_is_nobody_special(boxed: Session) -> None:
    result = await boxed.run(
        "import os\n[line.split()[1] for line in open('/proc/self/status')"
        " if line.startswith(('CapEff:', 'NoNewPrivs:', 'Seccomp:'))],"
        " os.getuid(), os.getcwd(), os.getgroups() in ([], [1000], [65534], [1000, 65534])"
    )
    assert result.output == "(['0000000000000000', '1', '2'], 1000, '/mnt/data', True)\n"


async def test_a_fork_bomb_meets_a_limit() -> None:
    async with (await choose("bubblewrap")).session(Spec(timeout=10, processes=20)) as session:
        result = await session.run(
            "import os, time\nforks = 0\ntry:\n    while forks < 500:\n        if not os.fork(): time.sleep(30)\n"
            "        forks += 1\nexcept BlockingIOError: pass\nforks < 20"
        )
        assert result.output == "True\n"
        assert (await session.run("forks > 5")).output == "True\n"


async def test_children_of_a_cell_cannot_hold_more_memory_together_than_the_session_may() -> None:
    async with (await choose("bubblewrap")).session(Spec(timeout=20, memory=192 << 20)) as session:
        result = await session.run(
            "import os, time\nfor _ in range(8):\n    if not os.fork():\n"
            "        hoard = b'x' * (100 << 20)\n        time.sleep(30)\ntime.sleep(10)"
        )
        assert (result.status, result.state) == ("killed", "rolled_back")
        assert result.error == "the session held more than 240 MiB of memory"
        assert (await session.run("1 + 1")).output == "2\n"


async def test_memory_that_children_share_with_their_parent_counts_once() -> None:
    async with (await choose("bubblewrap")).session(Spec(timeout=20, memory=192 << 20)) as session:
        result = await session.run(
            "import os, time\nhoard = b'x' * (100 << 20)\nfor _ in range(6):\n    if not os.fork():\n"
            "        time.sleep(1)\n        os._exit(0)\ntime.sleep(0.8)\nlen(hoard)"
        )
        assert (result.output, result.status) == (f"{100 << 20}\n", "ok")


@pytest.mark.parametrize("crime", ["os.kill(os.getppid(), 9)", "os.kill(-1, 9)", "os.kill(os.getpid(), 9)"])
async def test_a_cell_that_kills_kills_itself_at_most(boxed: Session, crime: str) -> None:
    await boxed.run("x = 1")
    result = await boxed.run(GUARD + "x = 2; " + crime)
    assert (result.status, result.state) in (("killed", "rolled_back"), ("ok", "kept"))
    assert (await boxed.run("x")).output == ("1\n" if result.state == "rolled_back" else "2\n")


async def test_a_cell_cannot_stop_its_supervisor(boxed: Session) -> None:
    result = await boxed.run(GUARD + "import signal\nfor number in signal.valid_signals():\n    os.kill(1, number)\n1")
    assert (result.output, result.status, result.state) == ("1\n", "ok", "kept")


@pytest.mark.parametrize(
    "frame",
    [
        '{"id": 2, "status": "ok", "kept": true, "output": "forged", "dropped": 0, "error": null}',
        '{"token": "guess", "error": null}',
        "no json at all",
        "[" * 3000,
    ],
)
async def test_frames_written_to_every_descriptor_forge_no_result(boxed: Session, frame: str) -> None:
    await boxed.run("x = 1")
    result = await boxed.run(
        f"import os\nfor fd in range(3, 65):\n    try: os.write(fd, {(frame + chr(10)).encode()!r})\n"
        "    except OSError: pass\nraise ValueError('genuine')"
    )
    assert result.status in ("error", "killed")
    assert result.output.replace(frame + "\n", "") == ""  # one of them is stdout
    assert (result.status == "killed") == (result.state == "rolled_back")
    assert (await boxed.run("x")).output == "1\n"


async def test_the_channel_cannot_be_opened_through_proc(boxed: Session) -> None:
    result = await boxed.run(
        "import os\nfor pid in filter(str.isdigit, os.listdir('/proc')):\n    if int(pid) == os.getpid(): continue\n"
        "    for fd in range(65):\n        try: os.write(os.open(f'/proc/{pid}/fd/{fd}', os.O_WRONLY), b'{}\\n')\n"
        "        except OSError: pass\n"
        "try: open(f'/proc/{os.getppid()}/mem', 'r+b')\nexcept OSError as e: print(type(e).__name__)"
    )
    assert (result.output, result.status) == ("PermissionError\n", "ok")


async def test_no_descriptor_of_the_host_is_inherited_however_many_it_has_open() -> None:
    with ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(open(os.devnull))  # noqa: ASYNC230 - opens at once; closed with the stack
        async with (await choose("bubblewrap")).session() as session:
            result = await session.run("import os\nmax(map(int, os.listdir('/proc/self/fd'))) < 64")
    assert result.output == "True\n"


async def test_two_cells_at_once_run_one_after_the_other(boxed: Session) -> None:
    await boxed.run("log = []")
    cell = "import time\nlog.append('in'); time.sleep(0.05); log.append('out')"
    await asyncio.gather(*(boxed.run(cell) for _ in range(3)))
    assert (await boxed.run("log == ['in', 'out'] * 3")).output == "True\n"


# ------------------------------------------------------------ what is left behind: every sleeper has its own number

SLEEPER = "import subprocess, sys, time\nsubprocess.Popen(['sleep', '{0}'])\nprint('up')\ntime.sleep(60)"


@pytest.mark.parametrize("name", ["bubblewrap", "local"])
async def test_closing_leaves_no_process(name: str) -> None:
    marker = f"86{os.getpid()}1"
    async with (await sandbox_called(name)).session() as session:
        await session.run(f"import subprocess\np = subprocess.Popen(['sleep', '{marker}'])")
        assert await eventually(lambda: processes_with(marker))
    assert await eventually(lambda: not processes_with(marker))


@pytest.mark.parametrize("name", ["bubblewrap", "local"])
async def test_an_exception_in_the_host_leaves_no_process(name: str) -> None:
    marker = f"86{os.getpid()}2"
    with pytest.raises(KeyError):  # noqa: PT012 - the block is what is tested
        async with (await sandbox_called(name)).session() as session:
            await session.run(f"import subprocess\np = subprocess.Popen(['sleep', '{marker}'])")
            raise KeyError
    assert await eventually(lambda: not processes_with(marker))


@pytest.mark.parametrize("name", ["bubblewrap", "local"])
@pytest.mark.parametrize("how", ["anyio", "asyncio"])
async def test_cancelling_a_cell_leaves_no_process_and_the_session_usable(name: str, how: str) -> None:
    marker = f"86{os.getpid()}3"
    async with (await sandbox_called(name)).session() as session:
        cell = session.run(SLEEPER.format(marker))
        if how == "anyio":
            with anyio.move_on_after(0.7):
                await cell
        else:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(cell, 0.7)
        assert await eventually(lambda: not processes_with(marker))
        assert (await session.run("1")).output == "1\n"


async def test_cancelling_a_cell_of_monty_leaves_no_process() -> None:
    async with (await choose("monty")).session() as session:
        await session.run("x = 1")
        with anyio.move_on_after(0.3):
            await session.run("while True: pass")
        assert await eventually(lambda: not descendants(os.getpid()))
        assert (await session.run("1")).output == "1\n"


@pytest.mark.parametrize("name", ["bubblewrap", "local", "monty"])
async def test_a_killed_host_leaves_no_process(name: str) -> None:
    choice = "unsafe_local=True" if name == "local" else repr(name)
    marker = f"86{os.getpid()}4"
    busy = "while True: pass" if name == "monty" else SLEEPER.format(marker)
    program = (
        "import asyncio\nfrom cadenza.tools.python import Spec, choose\nasync def main():\n"
        f"    async with (await choose({choice})).session(Spec(timeout=2)) as s:\n"
        f"        await s.run('1')\n        print('up', flush=True)\n        await s.run({busy!r}, timeout=2)\n"
        "asyncio.run(main())"
    )
    with tempfile.TemporaryDirectory() as scratch:  # where a local session's folder, which nobody removes, goes with it
        host = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs in this loop
            [sys.executable, "-c", program], stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": scratch}
        )
        with host:
            assert host.stdout is not None
            assert host.stdout.readline() == b"up\n"
            if name == "monty":
                await asyncio.sleep(0.2)
            else:
                assert await eventually(lambda: processes_with(f"sleep {marker}"))
            family = descendants(host.pid)
            assert family
            host.send_signal(signal.SIGKILL)
        assert await eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), 6)


def descendants(pid: int) -> list[int]:
    """The processes below `pid`."""
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return children + [grandchild for child in children for grandchild in descendants(child)]


@pytest.fixture
def workspace() -> Iterator[Path]:
    """Where also `nobody`, as whom root's sandbox runs, can go."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        Path(folder, "beside.txt").write_text("secret")
        Path(folder, "file").write_text("")
        yield Path(folder) / "work"


async def test_a_workspace_is_written_to_and_stays(workspace: Path) -> None:
    sandbox = await choose("bubblewrap")
    async with sandbox.session(Spec(workspace=workspace)) as session:
        result = await session.run("import os\nwith open('a.txt', 'w') as file: file.write('hello')\nos.getcwd()")
        assert result.output == "'/mnt/data'\n", result
    assert os.listdir(workspace) == ["a.txt"]
    async with sandbox.session(Spec(workspace=workspace)) as session:
        assert (await session.run("open('a.txt').read()")).output == "'hello'\n"


async def test_a_workspace_opens_nothing_else(workspace: Path) -> None:
    sandbox = await choose("bubblewrap")
    async with sandbox.session(Spec(workspace=workspace)) as session:
        code = "import os\nos.symlink('/etc/passwd', 'p')\nos.symlink('../beside.txt', 'b')\nos.listdir('/mnt')"
        assert (await session.run(code)).output == "['data']\n"
        assert "FileNotFoundError" in await errors_of(session, "open('b').read()")
        assert "FileNotFoundError" in await errors_of(session, "open('p').read()")


async def test_a_workspace_that_cannot_be_had_is_one_line(workspace: Path) -> None:
    sandbox = await choose("bubblewrap")
    async with sandbox.session(Spec(workspace=workspace.parent / "file")) as session:
        with pytest.raises(SandboxError, match="is no folder that a cell can write to"):
            await session.run("1")
