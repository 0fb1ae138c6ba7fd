"""The examples, each run as a user would, offline: on nano, or on turns that are written down where a task says so.

`examples/analysis` wants packages, and is run in tests/sandbox.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def finished(*arguments: str, cwd: Path = EXAMPLES.parent) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done


def run(*arguments: str, cwd: Path = EXAMPLES.parent) -> str:
    return finished(*arguments, cwd=cwd).stdout


def test_a_task_file() -> None:
    assert "881" in run("-m", "cadenza.agent", "run", "examples/arithmetic.yaml", "--quiet")


def test_many_rows(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    run("-m", "cadenza.agent", "run", "examples/arithmetic.yaml", "--inputs", "examples/rows.jsonl", "--out", str(out))
    lines = sorted((json.loads(line) for line in out.read_text().splitlines()), key=lambda line: line["row"])
    wanted = [int(row["boxes"]) * int(row["each"]) + int(row["loose"]) for row in (line["params"] for line in lines)]
    assert [int(re.findall(r"\d+", line["answer"])[-1]) for line in lines] == wanted == [881, 789, 1218, 475]


def test_functions_of_ones_own() -> None:
    lines = run("examples/bikes/agent.py").splitlines()
    told = {
        who: [line.removeprefix(f"{who}: ") for line in lines if line.startswith(who)] for who in ("Ida", "Ben", "Mei")
    }
    assert told == {
        "Ida": ['functions.rent_bike {"kind":"mountain","days":3}', "The result is 66 euros."],
        "Ben": ['functions.find_station {"place":"market"}', "The result is 7 bikes."],
        "Mei": ['functions.report_damage {"bike":417,"part":"brakes"}', "The result is ticket BRA-417."],
    }
    task = ("-m", "cadenza.agent", "run", "examples/bikes/task.yaml", "--quiet")
    assert "66 euros" in run(*task)
    assert "155 euros" in run(*task, "--param", "kind=cargo", "--param", "days=5")


def test_data_out_of_a_text() -> None:
    task = ("-m", "cadenza.agent", "run", "examples/extraction.yaml", "--quiet")
    assert json.loads(run(*task)) == {"name": "Marek Dvorak", "city": "Brno", "phone": 70218}
    text = "name: Ilse Brandt; phone: 5531; city: Graz"
    assert json.loads(run(*task, "--param", f"text={text}")) == {"name": "Ilse Brandt", "city": "Graz", "phone": 5531}


def test_questions_over_documents_are_answered_with_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    events = [
        json.loads(line)
        for line in run("-m", "cadenza.agent", "run", "examples/documents/task.yaml", "--json").splitlines()
    ]
    assert "timetable.md" in json.dumps([event.get("memory") for event in events])
    cited = {citation["url"]: citation["text"] for citation in events[-1]["citations"]}
    assert "every crossing" in cited["aboard.txt"]
    assert cited["timetable.md"] == "last | 21:45 | 19:30"
    assert "16.00" in cited["fares.md"]
    assert "bicycle | 3.00 | 5.00" in cited["fares.md"]


def test_an_agent_in_python() -> None:
    lines = run("examples/agent_in_python.py").splitlines()
    assert lines[0].startswith("call:")
    assert [re.findall(r"\d+", line)[-1] for line in lines[1:4]] == ["816", "816", "934"]


def test_the_tools_of_an_mcp_server_which_ask() -> None:
    task = "examples/mcp/task.yaml"
    done = finished("-m", "cadenza.agent", "run", task)
    assert done.stdout == "There were 3 pears. What became of the order stands above.\n"
    assert "scripted (nothing is masked)" in done.stderr
    assert "shop.order asks: the tool needs approval" in done.stderr
    allowed = finished("-m", "cadenza.agent", "run", task, "--allow", "shop.order")
    assert "ordered 2 of pear, 1 are left" in allowed.stderr
