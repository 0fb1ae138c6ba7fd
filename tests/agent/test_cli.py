"""`agent run` as a user runs it: a process of its own, the bundled model, exit codes, nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadenza.tools.python.driver.processes import SUBREAPER, descendants, prctl

COMMAND = [sys.executable, "-m", "cadenza.agent"]
EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "arithmetic.yaml"
GONE_SECONDS = 5.0  # for what is told to end, on a busy machine


def agent(*arguments: str, input: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], input=input, capture_output=True, text=True, timeout=120)


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Whatever a test starts has ended soon after it: orphans become children of this process, which looks for them."""
    prctl(SUBREAPER, 1)
    before = set(descendants())
    try:
        yield
        end = time.monotonic() + GONE_SECONDS
        while left := set(descendants()) - before:
            if time.monotonic() > end:
                pytest.fail(f"still there: {[Path(f'/proc/{pid}/cmdline').read_bytes() for pid in left]}")
            time.sleep(0.02)
    finally:
        prctl(SUBREAPER, 0)


def test_the_example_answers_on_stdout_and_shows_its_work_on_stderr() -> None:
    done = agent("run", str(EXAMPLE), "--param", "boxes=31", "--param", "loose=5")
    assert done.returncode == 0, done.stderr
    assert "1121" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert "call python" in done.stderr
    assert "result (" in done.stderr


@pytest.mark.parametrize("effort", ["low", "medium", "high"])
def test_every_effort_answers(effort: str) -> None:
    done = agent("run", "-", "--effort", effort, "--quiet", input="input: What is 48 * 17?\ntools: [python]\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "816" in done.stdout


def test_monty_is_named_and_answers() -> None:
    done = agent("run", "-", input="input: What is 48 * 17?\ntools: [{python: {sandbox: monty}}]\n")
    assert done.returncode == 0, done.stderr
    assert "monty" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "task", "line"),
    [
        (["run", "-"], "inputs: x", "<stdin>:1:1: input: missing"),
        (["run", "/nowhere.yaml"], "", "/nowhere.yaml: no such file"),
        (["run", "-"], "input: x\nmodel: gpt-9", "agent: no model 'gpt-9'"),
        (["run", "-", "--param", "x"], "input: x", "agent: --param x: must be NAME=VALUE"),
        (["run", "-", "--effort", "huge"], "", "agent: invalid value for '--effort': 'huge' is not one of 'low'"),
        (["run"], "", "agent: missing argument 'task'; see `agent run --help`"),
        (["model", "info"], "", "agent: missing argument 'name'; see `agent model info --help`"),
        (["rum", "-"], "", "agent: no such command 'rum'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], task: str, line: str) -> None:
    done = agent(*arguments, input=task)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0].startswith(line)
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_that_cannot_be_written_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, "schema"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (1, "agent: [Errno 28] No space left on device\n")


def test_a_limit_is_one_line_and_exit_code_1() -> None:
    done = agent("run", "-", "--quiet", input="input: What is 1 + 1?\ntools: [python]\nlimits: {turns: 1}\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "agent: limit reached: 1 of 1 turns, and no final answer yet\n"


def scripted(*cells: str, timeout: str = "60s") -> str:
    """A task whose model runs these cells, then answers."""
    turns = [[{"channel": "analysis", "recipient": "python", "content": cell}] for cell in cells]
    return json.dumps(
        {
            "model": {"engine": "scripted", "turns": [*turns, [{"channel": "final", "content": "Done."}]]},
            "input": "Try the sandbox.",
            "tools": [{"python": {"timeout": timeout}}],
        }
    )


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("while True: pass", "the cell ran longer than 1 s and was interrupted"),
        ("print('x' * 100_000_000)", "more characters, in the transcript"),
        ("print('x\\n' * 50_000_000)", "more characters, in the transcript"),
        ("x = [bytearray(10**7) for _ in range(1000)]", "MemoryError"),
        ("import socket; socket.create_connection(('127.0.0.1', 22), 1)", "ConnectionRefusedError"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "variables are as they were before"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "the interpreter was killed by signal 9"),
    ],
)
def test_a_hostile_cell_is_told_on_one_screen_and_the_run_goes_on(cell: str, told: str) -> None:
    patience = "1s" if "ran longer" in told else "20s"  # to fill its memory takes a slow machine a while
    done = agent("run", "-", input=scripted(cell, "1 + 1", timeout=patience))
    assert (done.returncode, done.stdout) == (0, "Done.\n")
    assert told in done.stderr
    assert re.search(r"^│ 2 +│$", done.stderr, re.MULTILINE)  # the next cell works
    assert len(done.stderr.splitlines()) < 80


@pytest.mark.usefixtures("nothing_left")
def test_the_time_limit_ends_a_run_in_the_middle_of_a_cell() -> None:
    task = json.loads(scripted("import time; time.sleep(60)")) | {"limits": {"time": "1.5s"}}
    done = agent("run", "-", "--quiet", input=json.dumps(task))
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"agent: limit reached: \d\.\d of 1\.5 seconds, and no final answer yet\n", done.stderr)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    ("task", "begun"),
    [
        ("input: What is 48 * 17?\ntools: [python]\neffort: high\n", "nano"),
        (scripted("while True: pass"), "╰"),  # the call is shown, the cell runs
    ],
)
def test_ctrl_c_ends_in_130_and_leaves_no_process(task: str, begun: str) -> None:
    with subprocess.Popen(
        ["env", "--default-signal=INT", *COMMAND, "run", "-"],  # background jobs, as in CI, are started without it
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(task)
        process.stdin.close()
        while not process.stderr.readline().startswith(begun):
            pass
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read().splitlines()[-1] == "agent: interrupted"
