"""A user's tool that is called as one of gpt-oss's own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cadenza.agent import Agent, Event, tool
from cadenza.agent.events import ToolAliased, ToolFinished
from cadenza.harmony import Message, o200k_harmony
from cadenza.model.engines.scripted import ScriptedEngine
from cadenza.tools import FunctionToolset

pytestmark = pytest.mark.anyio


@tool
def python(animal: str) -> str:
    """Feeds a snake."""
    return f"fed {animal}"


def call(recipient: str, text: str) -> Message:
    return Message.assistant(text, channel="commentary", recipient=recipient)


async def run(tools: list[Any], *calls: Message) -> tuple[list[Event], str]:
    """The events, and what the model was told."""
    engine = ScriptedEngine([*([each] for each in calls), [Message.assistant("Done.", channel="final")]])
    events = [event async for event in Agent(model=engine, tools=tools).stream("go")]
    return events, b"".join(map(o200k_harmony().token_bytes, engine.prompts[0])).decode()


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.name, event.alias) for event in events if isinstance(event, ToolAliased)]


def results(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, ToolFinished)]


FED = json.dumps({"animal": "mouse"})


async def test_a_function_called_python_stands_beside_the_python_tool() -> None:
    calls = call("functions.python", FED), call("python", "print(6 * 7)")
    events, prompt = await run([python, "python"], *calls)
    assert results(events) == ["fed mouse", "42\n"]
    assert told(events) == [("python", "functions.python")]
    assert "type python = (_: {" in prompt.partition("<|start|>developer")[2]


async def test_a_toolset_called_python_gets_another_name_and_answers_to_it() -> None:
    toolset = FunctionToolset([python], name="python")
    events, prompt = await run([toolset, "python"], call("python_tool.python", FED), call("python", "print(6 * 7)"))
    assert results(events) == ["fed mouse", "42\n"]
    assert told(events) == [("python", "python_tool")]
    system, _, developer = prompt.partition("<|start|>developer")
    assert "namespace python_tool {" in developer
    assert "python_tool" not in system.partition("# Valid channels")[0]


async def test_ours_keep_their_names() -> None:
    events, prompt = await run(["python"], call("python", "print(6 * 7)"))
    assert (results(events), told(events)) == (["42\n"], [])
    assert "## python" in prompt
