"""The workspace of a task: what one tool leaves there, another finds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cadenza.agent.events import Event, ToolFinished, from_json

COMMAND = [sys.executable, "-m", "cadenza.agent"]
PATCH = "*** Begin Patch\n*** Update File: sums.py\n@@\n-print(6 * 6)\n+print(6 * 7)\n*** End Patch"


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:  # as root, the sandbox runs as nobody, who cannot go into tmp_path
        os.chmod(folder, 0o755)
        yield Path(folder)


def call(recipient: str, **arguments: Any) -> dict[str, str]:
    return {"channel": "commentary", "recipient": recipient, "content": json.dumps(arguments)}


def python(code: str) -> dict[str, str]:
    return {"channel": "analysis", "recipient": "python", "content": code}


def events_of(folder: Path, tools: list[Any], *calls: dict[str, str], more: tuple[str, ...] = ()) -> list[Event]:
    """Of a run of a task file that makes these calls, one a turn."""
    turns = [*([each] for each in calls), [{"channel": "final", "content": "Done."}]]
    task = {"model": {"engine": "scripted", "turns": turns}, "input": "go", "workspace": "work", "tools": tools}
    (folder / "task.yaml").write_text(json.dumps(task))
    command = [*COMMAND, "run", "task.yaml", "--json", "--journal", str(folder / "runs.db"), *more]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=120)
    assert done.returncode == 0, done.stderr
    return [from_json(json.loads(line)) for line in done.stdout.splitlines()]


def results(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, ToolFinished)]


def test_files_and_python_share_the_workspace(folder: Path) -> None:
    events = events_of(
        folder,
        ["python", "files"],
        call("files.write", path="sums.py", text="print(6 * 6)\n"),
        call("files.apply_patch", input=PATCH),
        python("import sums; open('left', 'w').write('by python')"),
        call("files.read", path="left"),
        call("files.read", path="../task.yaml"),
    )
    written, patched, ran, read, refused = results(events)
    assert written == "wrote sums.py, 13 bytes"
    assert patched.startswith("M sums.py (+1 -1)")
    assert ran == "42\n9\n"
    assert read == "left, lines 1 to 1 of 1\nL1: by python"
    assert refused.startswith("../task.yaml: .. is not allowed")
    assert (folder / "work" / "sums.py").read_text() == "print(6 * 7)\n"


def test_a_shell_works_in_the_workspace_where_somebody_has_said_yes(folder: Path) -> None:
    calls = call("files.write", path="a.txt", text="a\n"), call("shell.exec", command=["wc", "-l", "a.txt"])
    assert results(events_of(folder, ["files", "shell"], *calls, more=("--allow", "shell(wc *)"))) == [
        "wrote a.txt, 2 bytes",
        "1 a.txt\n[exit code 0]",
    ]
    _, refused = results(events_of(folder, ["files", "shell"], *calls))
    assert refused == "[not allowed: the tool needs approval, and nobody is there to say yes]"


def test_files_without_a_workspace_are_refused_in_one_line() -> None:
    done = subprocess.run([*COMMAND, "run", "-"], input="input: a\ntools: [files]", capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "agent: tools: files are those of a workspace; write `workspace: ./work`, or say --workspace\n"
    )
