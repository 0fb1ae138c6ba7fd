"""Toolsets by name: ours, and those of other packages. The packages here are real ones, written for the test."""

from pathlib import Path

import pytest

from cadenza.tools import FunctionToolset, PythonTool, ToolError, toolset_by_name, toolset_names

MODULE = """
from cadenza.tools import FunctionToolset, tool

@tool
def ping() -> str:
    return "pong"

class Echo(FunctionToolset):
    def __init__(self):
        super().__init__([ping], name="echo")

ready = FunctionToolset([ping], name="ready")
number = 3

def broken():
    raise RuntimeError("no key:\\nset ECHO_KEY")
"""

ENTRIES = """
[cadenza.tools]
echo = echo_tools:Echo
ready = echo_tools:ready
single = echo_tools:ping
number = echo_tools:number
broken = echo_tools:broken
absent = no_such_module:Echo
python = no_such_module:Python
"""


@pytest.fixture(autouse=True)
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "echo_tools.py").write_text(MODULE)
    info = tmp_path / "echo_tools-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: echo-tools\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_name_of_ours_cannot_be_taken_over() -> None:
    assert isinstance(toolset_by_name("python"), PythonTool)


def test_names_are_listed_without_importing_anything() -> None:
    assert {"python", "echo", "absent"} <= set(toolset_names())


@pytest.mark.parametrize("name", ["echo", "ready"])
def test_an_entry_point_leads_to_a_toolset_or_makes_one(name: str) -> None:
    toolset = toolset_by_name(name)
    assert isinstance(toolset, FunctionToolset)
    assert toolset.name == name


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ecco", "no tool 'ecco'; did you mean 'echo'?"),
        ("absent", "tool 'absent' of echo-tools: no_such_module:Echo cannot be loaded: ModuleNotFoundError: "),
        (
            "broken",
            "tool 'broken' of echo-tools: echo_tools:broken cannot be loaded: RuntimeError: no key: set ECHO_KEY",
        ),
        ("number", "tool 'number' of echo-tools: echo_tools:number gives a int, which is no toolset"),
        ("single", "tool 'single' of echo-tools: echo_tools:ping is one function; offer FunctionToolset([ping])"),
    ],
)
def test_what_cannot_be_had_is_told_in_one_line(name: str, told: str) -> None:
    with pytest.raises(ToolError) as caught:
        toolset_by_name(name)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)
