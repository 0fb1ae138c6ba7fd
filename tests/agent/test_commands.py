"""The commands around `agent run`: check, begin, look back, go on, run many. Each as a user types it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from yaml import safe_load

COMMAND = [sys.executable, "-m", "cadenza.agent"]
SCRIPTED: dict[str, Any] = {
    "model": {
        "engine": "scripted",
        "turns": [
            [
                {"channel": "analysis", "content": "I count."},
                {"channel": "analysis", "recipient": "python", "content": "6*7"},
            ],
            [{"channel": "final", "content": "It is 42."}],
        ],
    },
    "input": "What is {{ a }}?",
    "params": {"a": {"type": "integer"}},
    "tools": ["python"],
}


def agent(*arguments: str, cwd: Path, input: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], input=input, capture_output=True, text=True, timeout=120, cwd=cwd)


def test_init_writes_a_task_that_is_valid_for_us_and_for_editors_and_overwrites_nothing(tmp_path: Path) -> None:
    assert agent("init", "new", cwd=tmp_path).returncode == 0
    schema = json.loads((tmp_path / "new" / "task.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    task = safe_load((tmp_path / "new" / "task.yaml").read_text())
    Draft202012Validator(schema).validate(task)
    assert list(Draft202012Validator(schema).iter_errors(task | {"efort": "low"}))
    assert agent("validate", "new/task.yaml", cwd=tmp_path).stdout == "new/task.yaml: valid\n"
    again = agent("init", "new", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (2, "agent: new/task.yaml: is there already; nothing was written\n")


def test_validate_says_what_of_a_schema_masks_do_not_hold_to(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"type": "array", "items": {"type": "integer"}, "uniqueItems": true}')
    (tmp_path / "t.yaml").write_text("input: go\noutput: {schema: ./s.json}\n")
    done = agent("validate", "t.yaml", cwd=tmp_path)
    assert done.stdout == "t.yaml: valid; of its output not masked, but validated: `uniqueItems` at $\n"


def test_validate_executes_nothing_and_tells_every_fault(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("open('executed', 'w')\n")
    (tmp_path / "bad.json").write_text('{"type": "objet"}')
    task = "input: x\ntools:\n  - file: mine.py\n  - file: none.py\noutput: {schema: bad.json}\n"
    (tmp_path / "t.yaml").write_text(task)
    done = agent("validate", "t.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "t.yaml:4:5: tools[1].file: none.py: no such file",
        "t.yaml:5:10: output.schema: not a JSON Schema: at type: 'objet' is not valid under any of the given schemas",
    ]
    assert not (tmp_path / "executed").exists()


def test_a_checkpoint_is_described_and_converted(tmp_path: Path) -> None:
    converted = agent("model", "convert", "nano", "nano", "--layout", "original", "--experts", "mxfp4", cwd=tmp_path)
    assert (converted.returncode, converted.stdout) == (0, "nano\n")
    before, after = (
        json.loads(agent("model", "info", name, "--json", cwd=tmp_path).stdout) for name in ("nano", "./nano")
    )
    assert (after["layout"], after["experts"]) == ("original", "mxfp4")
    assert (after["parameters"], after["config"]) == (before["parameters"], before["config"])
    assert after["bytes"] < before["bytes"] / 2
    again = agent("model", "convert", "nano", "nano", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (2, "agent: nano: not empty; give a new folder\n")


def test_a_users_own_files_are_found_beside_the_task_whatever_they_are_called(tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text(
        "from cadenza.agent import tool\n\n@tool\ndef double(x: int) -> int:\n    '''Twice x.'''\n    return 2 * x\n"
    )
    (tmp_path / "model.py").write_text(
        "from dataclasses import dataclass\n\n@dataclass\nclass Answer:\n    value: int\n"
    )
    call = {"channel": "commentary", "recipient": "functions.double", "content": '{"x": 21}'}
    turns = [[call], [{"channel": "final", "content": '{"value": 42}'}]]
    task = {"model": {"engine": "scripted", "turns": turns}, "input": "go", "output": "model:Answer"}
    (tmp_path / "agent.yaml").write_text(json.dumps(task | {"tools": [{"file": "tools.py"}]}))
    done = agent("run", "agent.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, '{"value": 42}\n'), done.stderr
    assert "│ 42 " in done.stderr


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import nothing_at_all", "ModuleNotFoundError: No module named 'nothing_at_all'"),
        ("x = 1 / 0", "ZeroDivisionError: division by zero"),
        ("def f(: pass", "SyntaxError"),
        ("import sys; sys.exit()", "mine.py: cannot be loaded: SystemExit ("),
        ("raise SystemExit(3)", "mine.py: cannot be loaded: SystemExit: 3 ("),
        ("from cadenza.agent import tool\n@tool\ndef f(x): ...", "mine.py:2)"),  # not where it was raised
        ("x = 1", "no function with @tool in it"),
    ],
)
def test_a_tool_file_that_does_not_load_is_one_line(tmp_path: Path, code: str, told: str) -> None:
    (tmp_path / "mine.py").write_text(code)
    done = agent("run", "-", cwd=tmp_path, input="input: x\ntools: [{file: mine.py}]\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_run_can_be_listed_shown_and_verified(tmp_path: Path) -> None:
    run = agent("run", "-", "--param", "a=6", "--journal", "log.db", cwd=tmp_path, input=json.dumps(SCRIPTED))
    assert run.stdout == "It is 42.\n"
    listed = agent("runs", "--journal", "log.db", cwd=tmp_path).stdout.splitlines()
    assert len(listed) == 2
    name = listed[1].split()[0]
    shown = agent("show", name[:5], "--journal", "log.db", cwd=tmp_path)
    assert shown.stdout == "It is 42.\n"
    assert shown.stderr == run.stderr
    lines = agent("show", name, "--json", "--journal", "log.db", cwd=tmp_path).stdout.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert agent("runs", "--verify", "--journal", "log.db", cwd=tmp_path).stdout == "log.db: whole, 1 runs\n"
    for command in ("show", "resume"):
        unknown = agent(command, "zzz", "--journal", "log.db", cwd=tmp_path)
        assert (unknown.returncode, unknown.stderr) == (2, "agent: log.db: no run 'zzz'; `agent runs` lists them\n")


def test_to_show_a_run_that_failed_is_no_failure(tmp_path: Path) -> None:
    task = json.dumps(SCRIPTED | {"limits": {"turns": 1}})
    run = agent("run", "-", "--param", "a=6", "--journal", "log.db", cwd=tmp_path, input=task)
    shown = agent("show", "", "--journal", "log.db", cwd=tmp_path)
    assert (run.returncode, shown.returncode, shown.stdout) == (1, 0, "")
    assert shown.stderr == run.stderr


def test_an_answer_is_printed_again_whatever_has_become_of_its_task(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from cadenza.agent import tool\n\n@tool\ndef one() -> int:\n    return 1\n")
    (tmp_path / "t.yaml").write_text(json.dumps(SCRIPTED | {"tools": ["python", {"file": "mine.py"}]}))
    done = agent("run", "t.yaml", "--param", "a=6", "--json", "--journal", "log.db", cwd=tmp_path)
    *_, last = done.stdout.splitlines()
    (tmp_path / "mine.py").unlink()
    again = agent("resume", json.loads(last)["run"], "--json", "--journal", "log.db", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, f"{last}\n"), again.stderr


@pytest.mark.parametrize("command", [["runs"], ["runs", "--verify"], ["show", "3f2a"], ["resume", "3f2a"]])
def test_to_look_into_a_journal_that_is_not_there_makes_none(tmp_path: Path, command: list[str]) -> None:
    done = agent(*command, "--journal", "log.db", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "agent: log.db: no such journal; a run makes it\n")
    assert not list(tmp_path.iterdir())


def test_what_a_run_makes_is_written_where_it_is_wanted_then_or_later(tmp_path: Path) -> None:
    cell = "import os\nos.mkdir('sub')\nopen('sub/a.txt', 'w').write('one')\nopen('b.txt', 'w').write('two');"
    turns = [[{"channel": "analysis", "recipient": "python", "content": cell}], [{"channel": "final", "content": "."}]]
    task = {"model": {"engine": "scripted", "turns": turns}, "input": "go", "tools": ["python"]}
    (tmp_path / "t.yaml").write_text(json.dumps(task))
    options = ("--journal", "runs.db", "--out")
    done = agent("run", "t.yaml", *options, "then", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    number = done.stderr.partition("(run ")[2].partition(")")[0]
    assert agent("show", number, *options, "later/on", cwd=tmp_path).returncode == 0
    for folder in ("then", "later/on"):
        assert {path.name: path.read_text() for path in (tmp_path / folder).iterdir()} == {
            "a.txt": "one",
            "b.txt": "two",
        }
    for command in (("run", "t.yaml"), ("show", number)):
        wrong = agent(*command, *options, "t.yaml", cwd=tmp_path)
        assert (wrong.returncode, wrong.stderr) == (2, "agent: --out t.yaml: cannot be written: File exists\n")


def test_json_prints_every_event_and_nothing_else(tmp_path: Path) -> None:
    done = agent("run", "-", "--param", "a=6", "--json", cwd=tmp_path, input=json.dumps(SCRIPTED))
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert (events[0]["type"], events[-1]["type"], events[-1]["answer"]) == ("RunStarted", "RunFinished", "It is 42.")
    assert "".join(event["text"] for event in events if event["type"] == "ReasoningDelta") == "I count."
    assert done.stderr == ""


def test_rows_are_run_side_by_side_and_only_once(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(json.dumps(SCRIPTED | {"journal": "own.db"}))
    rows = "".join(f'{{"a": {at}}}\n' for at in range(5))
    (tmp_path / "rows.jsonl").write_text(rows)
    arguments = ["run", "t.yaml", "--inputs", "rows.jsonl", "--out", "out.jsonl", "--parallel", "3", "--quiet"]
    assert agent(*arguments, cwd=tmp_path).returncode == 0
    results = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert sorted((result["row"], result["params"]["a"], result["answer"]) for result in results) == [
        (at + 1, str(at), "It is 42.") for at in range(5)
    ]
    (tmp_path / "rows.jsonl").write_text(rows + '{"a": 9}\n')
    assert agent(*arguments, cwd=tmp_path).returncode == 0
    again = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert (again[:5], again[5]["row"]) == (results, 6)
    assert agent("runs", "--verify", "--journal", "own.db", cwd=tmp_path).stdout == "own.db: whole, 6 runs\n"


def test_a_row_is_a_line_whatever_stands_in_its_texts(tmp_path: Path) -> None:
    turns = [[{"channel": "final", "content": "one\u2028two\x85three"}]]
    task = {"model": {"engine": "scripted", "turns": turns}, "input": "{{ a }}", "params": {"a": {}}}
    (tmp_path / "t.yaml").write_text(json.dumps(task))
    (tmp_path / "rows.jsonl").write_text('{"a": "one\u2028two"}\n', encoding="utf-8")
    arguments = ["run", "t.yaml", "--inputs", "rows.jsonl", "--out", "out.jsonl", "--quiet"]
    for _ in range(2):  # the second finds the answer of the first
        done = agent(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    (line,) = (tmp_path / "out.jsonl").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    assert json.loads(line)["answer"] == "one\u2028two\x85three"


def test_a_tool_file_is_run_once_for_all_rows(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from cadenza.agent import tool\n\nopen('loads', 'a').write('x')\n\n@tool\ndef one() -> int:\n    return 1\n"
    )
    (tmp_path / "t.yaml").write_text(json.dumps(SCRIPTED | {"tools": ["python", {"file": "mine.py"}]}))
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    done = agent("run", "t.yaml", "--inputs", "rows.jsonl", "--out", "out.jsonl", "--quiet", cwd=tmp_path)
    assert (done.returncode, (tmp_path / "loads").read_text()) == (0, "x")


def test_wrong_rows_are_told_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(json.dumps(SCRIPTED))
    (tmp_path / "rows.jsonl").write_text('{"a": "x"}\n[1]\n{"b": 1}\n{"a": 1}\n' + '{"a": ""}\n' * 1001)
    done = agent("run", "t.yaml", "--inputs", "rows.jsonl", "--out", "out.jsonl", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "rows.jsonl:1: a: 'x' is no integer",
        "rows.jsonl:2: a row is a JSON object of params, not list",
        "rows.jsonl:3: a: missing; give --param a=...",
        "rows.jsonl:3: b: not declared in the task; declared: a",
        "rows.jsonl:5: a: '' is no integer",
        "rows.jsonl: 1,000 more faults",
    ]
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("none/out.jsonl", "--out none/out.jsonl: cannot be written: No such file or directory"),
        (".", ".: cannot be read: Is a directory"),
        ("picture", "picture: cannot be read: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        ("rows.jsonl", "rows.jsonl:1: not a line of results; give another --out"),
    ],
)
def test_results_that_cannot_be_written_are_told_before_anything_runs(tmp_path: Path, out: str, told: str) -> None:
    (tmp_path / "t.yaml").write_text(json.dumps(SCRIPTED))
    (tmp_path / "picture").write_bytes(b"\xff\xd8\n")
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n')
    done = agent("run", "t.yaml", "--inputs", "rows.jsonl", "--out", out, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"agent: {told}\n")
    assert (tmp_path / "rows.jsonl").read_text() == '{"a": 1}\n'


SHOP = """
from cadenza.agent import tool

@tool(needs_approval=True)
def pay(amount: int) -> str:
    \"\"\"Pays.\"\"\"
    return f"paid {amount}"
"""
PAYMENT = {
    "model": {
        "engine": "scripted",
        "turns": [
            [{"channel": "commentary", "recipient": "functions.pay", "content": '{"amount": 3}'}],
            [{"channel": "final", "content": "Done."}],
        ],
    },
    "input": "Pay.",
    "tools": [{"file": "tools.py"}],
}


@pytest.mark.parametrize(
    ("rules", "options", "result"),
    [
        ({}, [], "not allowed: the tool needs approval, and nobody is there to say yes"),
        ({"allow": ["*"]}, [], "not allowed"),  # a task alone cannot allow everything
        ({"allow": ["pay"]}, [], "paid 3"),
        ({}, ["--allow", "pay"], "paid 3"),
        ({}, ["--allow", "*"], "paid 3"),
        ({"deny": ["pay(amount=3)"]}, ["--allow", "*"], "not allowed: the rule pay(amount=3) denies it"),
    ],
)
def test_calls_that_ask_are_refused_where_nobody_sits(
    tmp_path: Path, rules: dict[str, list[str]], options: list[str], result: str
) -> None:
    (tmp_path / "tools.py").write_text(SHOP)
    (tmp_path / "t.yaml").write_text(json.dumps(PAYMENT | {"approve": rules}))
    done = agent("run", "t.yaml", *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "Done.\n")
    assert result in " ".join(done.stderr.replace("\N{BOX DRAWINGS LIGHT VERTICAL}", " ").split())


@pytest.mark.parametrize(
    ("options", "typed", "result"),
    [
        ([], "y\n", "paid 3"),
        ([], "what?\nn\n", "not allowed: the user said no"),
        (["--quiet"], "y\n", '{"amount": 3}'),  # the call is shown, come what may
    ],
)
def test_at_a_terminal_the_user_is_asked(tmp_path: Path, options: list[str], typed: str, result: str) -> None:
    (tmp_path / "tools.py").write_text(SHOP)
    (tmp_path / "t.yaml").write_text(json.dumps(PAYMENT))
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [*COMMAND, "run", "t.yaml", *options],
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        text=True,
    ) as run:
        os.close(theirs)
        seen = ""
        while "Allow this call?" not in seen:
            seen += os.read(ours, 4096).decode()
        os.write(ours, typed.encode())
        with contextlib.suppress(OSError):  # the other end is closed
            while more := os.read(ours, 4096).decode():
                seen += more
        assert run.stdout is not None
        assert run.stdout.read() == "Done.\n"
    os.close(ours)
    assert "functions.pay asks: the tool needs approval" in seen
    assert result in seen


def test_a_workspace_is_shared_with_the_user(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:  # as root, the sandbox runs as nobody, who cannot go into tmp_path
        os.chmod(folder, 0o755)
        cell = "open('out.txt', 'w').write('made')"
        turns = [[{"channel": "analysis", "recipient": "python", "content": cell}], SCRIPTED["model"]["turns"][1]]
        task = {"model": {"engine": "scripted", "turns": turns}, "input": "x", "tools": ["python"], "workspace": "work"}
        Path(folder, "t.yaml").write_text(json.dumps(task))
        done = agent("run", str(Path(folder, "t.yaml")), cwd=tmp_path)
        assert (done.returncode, Path(folder, "work", "out.txt").read_text()) == (0, "made"), done.stderr
        done = agent("run", str(Path(folder, "t.yaml")), "--workspace", str(Path(folder, "other")), cwd=tmp_path)
        assert (done.returncode, Path(folder, "other", "out.txt").read_text()) == (0, "made"), done.stderr


def test_json_events_and_rows_do_not_go_together(tmp_path: Path) -> None:
    done = agent("run", "t.yaml", "--json", "--inputs", "rows.jsonl", "--out", "o.jsonl", cwd=tmp_path)
    assert (done.returncode, done.stderr[:33]) == (2, "agent: --json is for a single run")
