"""What a cell does and what its result says, the same in every sandbox as far as the sandbox can."""

import random
import re
import time

import pytest

from cadenza.tools.python import FilesError, SandboxError, Session, Spec, choose

from .conftest import sandbox_called

pytestmark = pytest.mark.anyio


async def test_a_session_keeps_variables_and_functions_between_cells(everywhere: Session) -> None:
    await everywhere.run("x = 20\ndef double(n):\n    return 2 * n")
    result = await everywhere.run("print(double(x) + 2)")
    assert (result.output, result.status, result.state, result.error) == ("42\n", "ok", "kept", None)


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("6 * 7", "42\n"),
        ("'text'", "'text'\n"),
        ("None", ""),
        ("x = 1", ""),
        ("6 * 7;", ""),
        ("print('a')\n'b'", "a\n'b'\n"),
        ("'é'; '€' + 'é'  # a comment", "'€é'\n"),
        ("[\n    1,\n    2,\n]\n", "[1, 2]\n"),
        ("", ""),
        ("# nothing", ""),
        ("for i in range(2): i", ""),
    ],
)
async def test_the_last_expression_is_shown_unless_it_is_none(everywhere: Session, code: str, output: str) -> None:
    result = await everywhere.run(code)
    assert (result.output, result.error) == (output, None)


async def test_sessions_share_nothing(everywhere: Session) -> None:
    await everywhere.run("secret = 1")
    async with (await choose("monty")).session() as other:
        assert (await other.run("secret")).status == "error"


async def test_stdout_stderr_and_child_processes_appear_in_the_order_written(cpython: Session) -> None:
    result = await cpython.run(
        "import subprocess, sys\n"
        "print('1', end='')\nprint('2', file=sys.stderr)\nprint('3')\n"
        "subprocess.run(['echo', '4'])\nsys.stderr.write('5')\nprint('6')"
    )
    assert result.output == "12\n3\n4\n56\n"


async def test_an_error_shows_the_frames_and_lines_of_cells_only(everywhere: Session) -> None:
    await everywhere.run("def broken(n):\n    return 1 / n")
    result = await everywhere.run("x = 5\nbroken(\n    0)")
    assert (result.status, result.state) == ("error", "kept")
    assert result.error is not None
    assert re.findall(r'File "(.*?)", line (\d+), in (\S+)', result.error) == [
        ("<cell 2>", "2", "<module>"),
        ("<cell 1>", "2", "broken"),
    ]
    assert "return 1 / n" in result.error
    assert result.error.endswith("ZeroDivisionError: division by zero")
    assert (await everywhere.run("x")).output == "5\n"


async def test_frames_of_the_library_are_left_out(cpython: Session) -> None:
    result = await cpython.run("import json\njson.loads('{')")
    assert result.error is not None
    assert result.error.count("File ") == 1
    assert "JSONDecodeError" in result.error


async def test_chained_errors_keep_their_chain(cpython: Session) -> None:
    result = await cpython.run("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e")
    assert result.error is not None
    assert "direct cause" in result.error
    assert "driver.py" not in result.error


async def test_a_syntax_error_points_at_its_line(everywhere: Session) -> None:
    result = await everywhere.run("a = 1\nb = = 2")
    assert (result.status, result.state) == ("error", "kept")
    assert result.error is not None
    assert 'File "<cell 1>", line 2' in result.error
    assert "SyntaxError" in result.error


@pytest.mark.parametrize("code", ["x = '\ud800'", "x = \0", "(" * 5000, "x = 1\n\ty", "\ufeff\u202e)"])
async def test_code_that_is_no_code_is_an_error_and_the_session_goes_on(everywhere: Session, code: str) -> None:
    result = await everywhere.run(code)
    assert (result.status, result.state) == ("error", "kept")
    assert (await everywhere.run("1")).output == "1\n"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("exit()", "SystemExit"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("input()", "EOFError"),
        ("class E(Exception):\n    def __str__(self): raise SystemExit\nraise E", "E"),
        ("class R:\n    def __repr__(self): raise ValueError('no repr')\nR()", "ValueError: no repr"),
        ("def f(): return f()\nf()", "RecursionError"),
        ("raise ValueError('x' * 10**6)", "characters dropped"),
        ("raise ValueError('\\ud800')", "\\ud800"),
    ],
)
async def test_odd_exceptions_are_errors_like_any_other(cpython: Session, code: str, message: str) -> None:
    result = await cpython.run(code)
    assert (result.status, result.state) == ("error", "kept")
    assert result.error is not None
    assert message in result.error
    assert len(result.error) < 20_000


async def test_stdin_is_empty(cpython: Session) -> None:
    assert (await cpython.run("import sys, os\nsys.stdin.read(), os.read(0, 1)")).output == "('', b'')\n"


async def test_output_that_is_not_text_is_replaced(cpython: Session) -> None:
    result = await cpython.run("import os\nn = os.write(1, b'a\\xff\\n')\nprint('\\ud800')")
    assert result.output == "a\ufffd\n\\ud800\n"


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.close(1); os.close(2)",
        "import sys\nsys.stdout.close()",
        "import sys\nsys.stdout = sys.stderr = sys.stdin = None",
    ],
)
async def test_streams_are_whole_again_in_the_next_cell(cpython: Session, code: str) -> None:
    await cpython.run(code)
    assert (await cpython.run("print('back')\ninput()")).output == "back\n"


async def test_output_above_the_cap_keeps_head_and_tail_and_counts_the_rest(cpython: Session) -> None:
    begin = time.monotonic()
    result = await cpython.run("print('head' + 'y' * 100_000_000 + 'tail')")
    assert result.status == "ok"
    assert result.output.startswith("heady")
    assert result.output.endswith("ytail\n")
    assert result.dropped_bytes == 100_000_009 - 64 * 1024
    assert f"\n[... {result.dropped_bytes} bytes dropped ...]\n" in result.output
    assert len(result.output) < 65 * 1024
    assert time.monotonic() - begin < 8


async def test_monty_caps_output_too() -> None:
    async with (await choose("monty")).session(Spec(timeout=10, output_bytes=100)) as session:
        result = await session.run("print('head' + 'y' * 1_000_000 + 'tail')")
    assert result.dropped_bytes == 1_000_009 - 100
    assert result.output.startswith("heady")
    assert result.output.endswith("ytail\n")


@pytest.mark.parametrize("code", ["while True: pass", "import time\ntime.sleep(60)"])
async def test_a_late_cell_is_interrupted_and_variables_stay(cpython: Session, code: str) -> None:
    await cpython.run("x = 7\nprint('warm')")
    result = await cpython.run("print('before')\n" + code, timeout=0.3)
    assert (result.output, result.status, result.state) == ("before\n", "timeout", "kept")
    assert result.error is not None
    assert "KeyboardInterrupt" in result.error
    assert "0.3 s" in result.error
    assert result.seconds < 2
    assert (await cpython.run("x")).output == "7\n"


STUBBORN = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('before')\nwhile True: pass"


async def test_a_cell_that_will_not_stop_is_killed_and_the_session_is_what_it_was_before_it(cpython: Session) -> None:
    await cpython.run("import random\nrandom.seed(7)\nx = 7")
    result = await cpython.run("x = 8\n" + STUBBORN, timeout=0.3)
    assert (result.output, result.status, result.state) == ("before\n", "timeout", "rolled_back")
    expected = random.Random(7).random()
    assert (await cpython.run("x, random.random()")).output == f"(7, {expected})\n"


async def test_with_a_thread_there_is_no_way_back_and_the_result_says_so(cpython: Session) -> None:
    await cpython.run(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nx = 7"
    )
    result = await cpython.run(STUBBORN, timeout=0.3)
    assert (result.output, result.status, result.state) == ("before\n", "timeout", "lost")
    assert "NameError" in ((await cpython.run("x")).error or "")


@pytest.mark.parametrize("end", ["os._exit(3)", "os.kill(os.getpid(), 11)", "os.execv('/bin/true', ['true'])"])
async def test_an_interpreter_that_dies_takes_only_its_last_cell_along(cpython: Session, end: str) -> None:
    await cpython.run("import os\nx = 7")
    result = await cpython.run("x = 8\nopen('file', 'w').close()\nprint('last words')\n" + end)
    assert (result.output, result.status, result.state) == ("last words\n", "killed", "rolled_back")
    assert (await cpython.run("x, os.listdir()")).output == "(7, ['file'])\n"


async def test_an_interpreter_that_dies_between_two_cells_says_so_and_runs_nothing(cpython: Session) -> None:
    await cpython.run("import os, signal, time\nx = 7\nsignal.setitimer(signal.ITIMER_REAL, 0.2);")
    time.sleep(0.6)  # noqa: ASYNC251 - the host, too, may do nothing for a while
    result = await cpython.run("x = 8")
    assert (result.status, result.state) == ("killed", "rolled_back")
    assert "signal 14, between two cells; this cell was not run" in (result.error or "")
    assert (await cpython.run("x")).output == "7\n"


async def test_a_cell_has_no_children_that_it_did_not_make(cpython: Session) -> None:
    assert "ChildProcessError" in ((await cpython.run("import os\nos.wait()")).error or "")


async def test_await_may_stand_outside_of_functions(cpython: Session) -> None:
    await cpython.run("import asyncio\nasync def double(n):\n    await asyncio.sleep(0)\n    return 2 * n")
    await cpython.run("x = await double(20)\ntask = asyncio.ensure_future(double(21))")
    assert (await cpython.run("print(x)\nawait task")).output == "40\n42\n"
    late = await cpython.run("await asyncio.sleep(60)", timeout=0.3)
    assert (late.status, late.state) == ("timeout", "kept")
    assert (await cpython.run("async with asyncio.Lock(): print(x)")).output == "40\n"


async def test_files_that_a_cell_made_or_changed_come_out_once(cpython: Session) -> None:
    made = await cpython.run("import os\nos.mkdir('d')\nopen('d/a.txt', 'w').write('1')\nopen('.b', 'w').write('2');")
    assert made.files == {"d/a.txt": b"1"}
    assert (await cpython.run("open('d/a.txt').read()")).files == {}
    assert (await cpython.run("open('d/a.txt', 'a').write('!');")).files == {"d/a.txt": b"1!"}


async def test_links_pipes_and_what_is_too_large_or_too_many_stay_inside() -> None:
    spec = Spec(timeout=10, artefacts=2, artefact_bytes=1000)
    async with (await choose("bubblewrap")).session(spec) as session:
        result = await session.run(
            "import os\nos.symlink('/etc/passwd', 'link'); os.symlink('/', 'top'); os.mkfifo('pipe')\n"
            "for name, size in [('a', 900), ('b', 900), ('c', 10), ('d', 10)]:\n    open(name, 'wb').write(bytes(size))"
        )
    assert result.files == {"a": bytes(900), "c": bytes(10)}
    assert result.left_out == "b, d; at most 2 files and 1000 bytes come out of a cell"


async def test_files_go_in_and_out(cpython: Session) -> None:
    await cpython.files.put("in/data.csv", b"a,b\n")
    result = await cpython.run("print(open('in/data.csv').read(), end='')\nopen('out', 'w').write('x');")
    assert (result.output, result.files) == ("a,b\n", {"out": b"x"})
    assert await cpython.files.get("out") == b"x"
    assert await cpython.files.list() == {"in/data.csv": 4, "out": 1}


@pytest.mark.parametrize(
    "path", ["link", "link/passwd", "pipe", "dir", "../x", "/etc/passwd", "", "a//b", "a\0", "none"]
)
async def test_a_path_that_is_no_regular_file_below_the_directory_is_refused(cpython: Session, path: str) -> None:
    await cpython.run("import os\nos.symlink('/etc', 'link'); os.mkfifo('pipe'); os.mkdir('dir')")
    with pytest.raises(FilesError):
        await cpython.files.get(path)
    assert (await cpython.run("1")).output == "1\n"


async def test_a_file_is_put_in_place_of_a_link_and_not_through_it(cpython: Session) -> None:
    await cpython.run(
        "import os\nopen('target', 'w').write('safe')\nos.symlink('target', 'link')\nos.symlink('.', 'd')"
    )
    await cpython.files.put("link", b"new")
    assert (await cpython.run("open('target').read(), open('link').read()")).output == "('safe', 'new')\n"
    with pytest.raises(FilesError):
        await cpython.files.put("d/x", b"")


async def test_a_file_above_the_cap_is_refused_either_way() -> None:
    async with (await choose("bubblewrap")).session(Spec(timeout=10, file_bytes=1000)) as session:
        with pytest.raises(FilesError, match="larger than 1000"):
            await session.files.put("a", bytes(1001))
        await session.run("open('b', 'wb').truncate(1001)")
        with pytest.raises(FilesError, match="larger than 1000"):
            await session.files.get("b")


async def test_monty_has_no_files() -> None:
    async with (await choose("monty")).session() as session:
        with pytest.raises(FilesError, match="no files"):
            await session.files.put("a", b"")


async def test_a_late_cell_of_monty_loses_its_state() -> None:
    async with (await choose("monty")).session(Spec(timeout=5)) as session:
        await session.run("x = 7")
        result = await session.run("print('before')\nwhile True: pass", timeout=0.3)
        assert (result.output, result.status, result.state) == ("before\n", "timeout", "lost")
        assert "NameError" in ((await session.run("x")).error or "")


@pytest.mark.parametrize("name", ["bubblewrap", "local", "monty"])
async def test_a_cell_that_eats_memory_ends_and_the_session_goes_on(name: str) -> None:
    async with (await sandbox_called(name)).session(Spec(timeout=20, memory=128 << 20)) as session:
        await session.run("x = 7")
        at_once = await session.run("y = 'z' * 10**10")
        assert (at_once.status, at_once.state) == ("error", "kept")
        assert "MemoryError" in (at_once.error or "")
        by_and_by = await session.run("hoard = []\nwhile True: hoard.append('z' * 100_000 + str(len(hoard)))")
        assert by_and_by.status in ("error", "killed")
        if by_and_by.state == "kept":
            assert (await session.run("hoard = None\nx")).output == "7\n"


async def test_a_forked_child_that_returns_is_not_taken_for_the_session(cpython: Session) -> None:
    await cpython.run("x = 7\nimport os, time\nif os.fork(): time.sleep(0.1)\nelse: x = 8")
    assert (await cpython.run("x")).output == "7\n"


async def test_a_thread_that_goes_on_writing_disturbs_no_result(cpython: Session) -> None:
    await cpython.run(
        "import threading, time, os\ndef chatter():\n    while True: os.write(1, b'noise\\n' * 1000)\n"
        "threading.Thread(target=chatter, daemon=True).start()"
    )
    result = await cpython.run("x = 1")
    assert (result.status, result.state) == ("ok", "kept")
    assert set(result.output.split()) <= {"noise", "noi", "n", "no", "nois", "ise", "se", "e", "oise", "[...", "bytes",
                                          "dropped", "...]", str(result.dropped_bytes)}  # fmt: skip


async def test_pickles_dataclasses_and_modules_of_the_working_directory_work(cpython: Session) -> None:
    result = await cpython.run(
        "import dataclasses, pickle\n@dataclasses.dataclass\nclass P:\n    x: int\n"
        "open('mine.py', 'w').write('y = 5')\nimport mine\npickle.loads(pickle.dumps(P(3))), mine.y"
    )
    assert result.output == "(P(x=3), 5)\n"


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
async def test_a_timeout_must_be_a_positive_number(everywhere: Session, timeout: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        await everywhere.run("1", timeout=timeout)


async def test_a_closed_session_says_so(everywhere: Session) -> None:
    await everywhere.close()
    await everywhere.close()
    with pytest.raises(SandboxError, match="closed"):
        await everywhere.run("1")


def test_limits_must_be_positive() -> None:
    with pytest.raises(ValueError, match=r"Spec\.memory must be positive"):
        Spec(memory=0)
    with pytest.raises(ValueError, match=r"Spec\.cpus must be at least 0\.01"):
        Spec(cpus=float("nan"))


DIES_AFTER = """
import os, sys, time
worker = sys.modules['_driver.worker']
def dying(fd, write=worker.write_frame, **fields):
    write(fd, **fields)
    time.sleep(0.5)
    os._exit(7)
worker.write_frame = dying
"""


async def test_what_a_worker_left_unread_is_not_read_by_its_copy(cpython: Session) -> None:
    await cpython.run("x = 1")
    assert (await cpython.run(DIES_AFTER)).state == "kept"
    assert (
        await cpython.run("x = 2")
    ).error == "the interpreter exited with code 7, after the last cell; this cell was not run"
    for _ in range(2):
        result = await cpython.run("x")
        assert (result.output, result.state) == ("1\n", "kept")
