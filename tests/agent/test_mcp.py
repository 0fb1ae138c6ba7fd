"""MCP in a task file, and at the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cadenza.agent import Agent, Approvals
from cadenza.agent.cli.main import app
from cadenza.agent.events import Repaired, ToolFinished
from cadenza.agent.task import TaskError
from cadenza.agent.taskfile import parse
from cadenza.harmony import Message
from cadenza.model.engines.scripted import ScriptedEngine
from cadenza.tools import McpToolset

HOSTILE = Path(__file__).parent.parent / "tools" / "servers" / "hostile.py"
TASK = f"""\
input: go
model: {{engine: scripted, turns: []}}
tools:
  - mcp: {{command: [python, {HOSTILE}, mortal], name: shop}}
"""


def server(kind: str) -> McpToolset:
    return McpToolset(command=[sys.executable, str(HOSTILE), kind], name="shop")


async def called(recipient: str, **agent: Any) -> tuple[ToolFinished, list[Repaired]]:
    """The result of one call in a run, and what was repaired."""
    call = Message.assistant("{}", channel="commentary", recipient=recipient, content_type="<|constrain|>json")
    engine = ScriptedEngine([[call], [Message.assistant("done", channel="final")]])
    events = [event async for event in Agent(model=engine, tools=[server("mortal")], **agent).stream("go")]
    (finished,) = (event for event in events if isinstance(event, ToolFinished))
    return finished, [event for event in events if isinstance(event, Repaired)]


# --- in a run ---------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("approvals", [Approvals(), Approvals(allow=("*",)), Approvals(ask=("shop.go",))])
async def test_a_servers_tool_asks_and_where_nobody_is_there_it_is_not_called(approvals: Approvals) -> None:
    result, _ = await called("shop.go", approvals=approvals)
    assert result.status == "denied"


@pytest.mark.anyio
@pytest.mark.parametrize("approvals", [Approvals(allow=("shop.go",)), Approvals(granted=("*",))])
async def test_a_servers_tool_is_called_where_a_rule_names_it_or_the_user_allows_all(approvals: Approvals) -> None:
    result, _ = await called("shop.go", approvals=approvals)
    assert (result.text, result.status, result.backend) == ("call 1", "ok", "mcp")


@pytest.mark.anyio
async def test_a_tool_is_found_by_its_bare_name() -> None:
    result, repaired = await called("go", approvals=Approvals(granted=("*",)))
    assert result.text == "call 1"
    assert repaired


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ("{comand: [a]}", "t.yaml:2:15: tools[0].mcp.comand: unknown key; did you mean 'command'?"),
        ("{command: a b}", "t.yaml:2:15: tools[0].mcp.command: input should be a valid list"),
        ("{}", "t.yaml:2:9: tools[0].mcp: give a server's command or its url, not both"),
        ("{command: [a], headers: {A: b}}", "t.yaml:2:9: tools[0].mcp: headers are for a server with a url; a"),
        ("{url: a.example.com}", "t.yaml:2:9: tools[0].mcp: 'a.example.com' is no address; write"),
    ],
)
def test_what_is_wrong_with_a_server_of_a_task_is_told_with_its_place(settings: str, fault: str) -> None:
    with pytest.raises(TaskError) as caught:
        parse(f"input: a\ntools: [mcp: {settings}]", "t.yaml")
    assert caught.value.faults[0].startswith(fault)


def test_validating_a_task_starts_no_server(tmp_path: Path) -> None:
    marker = tmp_path / "started"
    parse(f"input: a\ntools: [mcp: {{command: [touch, {marker}]}}]", "t.yaml")
    assert not marker.exists()


# --- agent tools ------------------------------------------------------------------------------------------------------


@pytest.fixture
def task(tmp_path: Path) -> str:
    (tmp_path / "task.yaml").write_text(TASK)
    return str(tmp_path / "task.yaml")


def agent(*arguments: str, input: str = "") -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    done = CliRunner().invoke(app, arguments, input=input)
    return done.exit_code, done.stdout, done.stderr


def test_tools_are_listed() -> None:
    code, out, _ = agent("tools", "list")
    assert code == 0
    assert {"python", "browser", "files", "shell", "mcp"} <= {line.split()[0] for line in out.splitlines()[1:]}


def test_the_tools_of_a_task_are_listed(task: str) -> None:
    code, out, _ = agent("tools", "list", "--task", task)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["shop.go", "shop.stay"]


def test_a_tool_is_shown_as_the_model_sees_it(task: str) -> None:
    code, out, _ = agent("tools", "show", "shop.go", "--task", task)
    assert code == 0
    description = "x" * 4000
    shown = f"# Tools\n\n## shop\n\nnamespace shop {{\n\n// {description}\ntype go = (_: {{\n}}) => any;\n\n"
    assert out == f"{shown}}} // namespace shop\n"
    assert agent("tools", "show", "python")[1].startswith("# Tools\n\n## python\n\nUse this tool to execute Python")


def test_a_tool_is_called_by_hand(task: str) -> None:
    assert agent("tools", "call", "shop.go", "{}", "--task", task) == (0, "call 1\n", "")
    assert agent("tools", "call", "python", "-", input="print(6 * 7)") == (0, "42\n", "")
    code, out, err = agent("tools", "call", "shop.go", '{"die": 1}', "--task", task)
    assert (code, err) == (1, "agent: shop.go: killed\n")
    assert out.startswith("the server ended during this call")


def test_what_a_tool_made_is_kept_where_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "pictures.py").write_text(
        "from cadenza.tools import Artefact, tool\n"
        "@tool\ndef draw() -> Artefact:\n    return Artefact('../dot.png', 'image/png', b'dot')\n"
    )
    (tmp_path / "task.yaml").write_text("input: a\ntools: [file: ./pictures.py]")
    call = ("tools", "call", "draw", "--task", str(tmp_path / "task.yaml"))
    assert "made dot.png (image/png, 3 bytes); --out FOLDER keeps it" in agent(*call)[2]
    assert agent(*call, "--out", str(tmp_path / "out"))[0] == 0
    assert (tmp_path / "out" / "dot.png").read_bytes() == b"dot"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "pythn"), "agent: no tool 'pythn'; there is python\n"),
        (("call", "shop.og", "{}"), "agent: no tool 'shop.og'; there is: shop.go, shop.stay\n"),
        (("call", "shop", "{}"), "agent: no tool 'shop'; there is: shop.go, shop.stay\n"),
        (("call", "files.read", "{}"), "agent: tools: files are those of a workspace; write `workspace: ./work`,"),
    ],
)
def test_a_mistake_is_told_in_one_line(task: str, arguments: tuple[str, ...], told: str) -> None:
    of_task = ("--task", task) if "shop" in arguments[1] else ()
    code, out, err = agent("tools", *arguments, *of_task)
    assert (code, out) == (2, "")
    assert err.startswith(told)
    assert len(err.splitlines()) == 1
