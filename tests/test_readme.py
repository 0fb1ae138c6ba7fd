"""What the README and the docs show is run as it stands, and comes to what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cadenza.harmony import Repair

ROOT = Path(__file__).parent.parent


def block(file: str, language: str, number: int = 0) -> str:
    text = (ROOT / file).read_text()
    found = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return str(found[number])


def run(*arguments: str, input: str = "") -> str:
    done = subprocess.run([sys.executable, *arguments], input=input, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_ten_lines_of_python_answer() -> None:
    first, second = run("-c", block("README.md", "python")).splitlines()
    assert "816" in first
    assert "372" in second


def test_the_task_file_answers_with_the_number_alone() -> None:
    arguments = ("-m", "cadenza.agent", "run", "-", "--param", "n=31")
    assert run(*arguments, input=block("README.md", "yaml")) == "1488\n"


@pytest.mark.parametrize("number", [0, 1])
def test_the_tools_of_the_docs_print_what_they_say(number: int) -> None:
    assert run("-c", block("docs/tools.md", "python", number)) == block("docs/tools.md", "text", number)


def test_the_browser_of_the_docs_cites_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert run("-c", block("docs/browser.md", "python")) == block("docs/browser.md", "text")


def test_the_sandbox_of_the_docs_prints_what_they_say() -> None:
    assert run("-c", block("docs/sandbox.md", "python")) == block("docs/sandbox.md", "text")


def test_the_agent_of_the_docs_on_trust_can_be_made() -> None:
    run("-c", block("docs/trust.md", "python"))


@pytest.mark.parametrize("file", ["README.md", "docs/mcp.md", "docs/tasks.md", "docs/trust.md"])
def test_the_task_files_shown_are_valid(file: str) -> None:
    assert run("-m", "cadenza.agent", "validate", "-", input=block(file, "yaml")) == "-: valid\n"


def test_the_table_of_repairs_is_complete() -> None:
    section = (ROOT / "docs/harmony.md").read_text().partition("## What is mended")[2]
    named = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert sorted(named) == sorted(Repair)
