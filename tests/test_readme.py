"""What the README shows is run as it stands, and answers rightly."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text()


def block(language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def run(*arguments: str, input: str = "") -> list[str]:
    done = subprocess.run([sys.executable, *arguments], input=input, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_ten_lines_of_python_answer() -> None:
    first, second = run("-c", block("python"))
    assert "816" in first
    assert "372" in second


def test_the_task_file_answers_with_the_number_alone() -> None:
    assert run("-m", "cadenza.agent", "run", "-", "--param", "n=31", input=block("yaml")) == ["1488"]
