"""`agent run` as a user runs it: a process of its own, the bundled model, exit codes, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from cadenza.agent.cli import main; main()"]
EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "arithmetic.yaml"


def agent(*arguments: str, input: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], input=input, capture_output=True, text=True, timeout=120)


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
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], task: str, line: str) -> None:
    done = agent(*arguments, input=task)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0].startswith(line)
    assert "Traceback" not in done.stderr


def test_a_limit_is_one_line_and_exit_code_1() -> None:
    done = agent("run", "-", "--quiet", input="input: What is 1 + 1?\ntools: [python]\nlimits: {turns: 1}\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "agent: limit reached: 1 of 1 turns, and no final answer yet\n"


def test_ctrl_c_ends_in_130_and_leaves_no_process() -> None:
    with subprocess.Popen(
        [*COMMAND, "run", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write("input: What is 48 * 17?\ntools: [python]\neffort: high\n")
        process.stdin.close()
        process.stderr.readline()  # the run has begun
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read().splitlines()[-1] == "agent: interrupted"
    time.sleep(0.3)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
