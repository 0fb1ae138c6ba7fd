"""A user's own functions in a run: what the model sees, what it reads back, what ends the run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from cadenza.agent import Agent, Event, ToolContext, ToolFatal, ToolRetry, UserError, tool
from cadenza.agent.events import Artefact, Repaired, RunFailed, ToolFinished, from_json, to_json
from cadenza.harmony import Message, Repair, o200k_harmony
from cadenza.model.engines.scripted import ScriptedEngine
from cadenza.tools import Artefact as File
from cadenza.tools import FunctionToolset, ToolError, ToolResult


@dataclass(frozen=True)
class Stock:
    items: dict[str, int]


@tool
def in_stock(item: str, context: ToolContext[Stock]) -> int:
    """How many of an item there are.

    Args:
        item: Its name, e.g. "pear".
    """
    if item not in context.deps.items:
        raise ToolRetry(f"there is no {item}; there is {', '.join(context.deps.items)}")
    return context.deps.items[item]


@tool
async def shut_down() -> None:
    """Ends everything."""
    raise ToolFatal("the shop is closed")


def call(recipient: str, **arguments: Any) -> Message:
    text = json.dumps(arguments)
    return Message.assistant(text, channel="commentary", recipient=recipient, content_type="<|constrain|>json")


def final(text: str) -> Message:
    return Message.assistant(text, channel="final")


async def results(agent: Agent[Any]) -> list[ToolFinished]:
    return [event async for event in agent.stream("go") if isinstance(event, ToolFinished)]


def shop(*turns: list[Message], **more: Any) -> Agent[Any]:
    engine = ScriptedEngine([*turns, [final("done")]])
    return Agent(model=engine, tools=[in_stock, shut_down, "python"], deps=Stock({"pear": 3}), **more)


@pytest.mark.anyio
async def test_a_function_is_called_with_its_dependencies_and_its_result_is_read() -> None:
    agent = shop([call("functions.in_stock", item="pear")])
    (result,) = await results(agent)
    assert (result.text, result.status, result.backend) == ("3", "ok", "host")


@pytest.mark.anyio
async def test_the_model_sees_functions_in_the_developer_message_and_python_in_the_system_message() -> None:
    agent = shop()
    await results(agent)
    assert isinstance(agent.model, ScriptedEngine)
    prompt = b"".join(map(o200k_harmony().token_bytes, agent.model.prompts[0])).decode()
    system, developer, _ = prompt.split("<|end|>")[:3]
    assert "## python" in system
    assert "commentary channel: 'functions'" in system
    assert "// How many of an item there are.\ntype in_stock = (_: {\n// Its name" in developer
    assert "type shut_down = () => any;" in developer


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("recipient", "arguments", "told"),
    [
        ("functions.in_stock", {"item": "plum"}, "there is no plum; there is pear"),
        ("functions.in_stock", {"item": 5}, "item: input should be a valid string, not 5"),
        ("functions.in_stok", {}, "no function 'functions.in_stok'; did you mean functions.in_stock?"),
        ("shop.in_stock", {}, "no tool 'shop.in_stock'; there is: functions.in_stock"),
    ],
)
async def test_what_goes_wrong_is_told_to_the_model_in_one_line(
    recipient: str, arguments: dict[str, Any], told: str
) -> None:
    (result,) = await results(shop([call(recipient, **arguments)]))
    assert result.status == "error"
    assert told in result.text
    assert len(result.text.splitlines()) == 1


@pytest.mark.anyio
async def test_a_name_without_its_namespace_is_understood() -> None:
    events = [event async for event in shop([call("in_stock", item="pear")]).stream("go")]
    (result,) = (event for event in events if isinstance(event, ToolFinished))
    assert (result.text, result.status) == ("3", "ok")
    assert [event.repairs for event in events if isinstance(event, Repaired)] == [(Repair.BARE_NAME,)]


@pytest.mark.anyio
async def test_a_fatal_error_ends_the_run() -> None:
    events = list[Event]()
    agent = shop([call("functions.shut_down")])

    async def collect() -> None:
        async for event in agent.stream("go"):
            events.append(event)

    with pytest.raises(ToolFatal, match="the shop is closed"):
        await collect()
    assert isinstance(events[-1], RunFailed)


@tool
def chart() -> ToolResult:
    """Draws."""
    return ToolResult(text="drawn", images=(File("chart.png", "image/png", b"\x89PNG\x00"),))


@pytest.mark.anyio
async def test_what_a_tool_makes_is_an_event_that_keeps_its_bytes() -> None:
    agent = Agent(model=ScriptedEngine([[call("functions.chart")], [final("done")]]), tools=[chart])
    (made,) = [event async for event in agent.stream("go") if isinstance(event, Artefact)]
    assert (made.name, made.media_type, made.data) == ("chart.png", "image/png", b"\x89PNG\x00")
    assert from_json(json.loads(json.dumps(to_json(made)))) == made


def test_tools_that_are_none_are_refused_in_one_line() -> None:
    with pytest.raises(UserError, match="decorate it with @tool"):
        Agent(model=ScriptedEngine([]), tools=[len]).run_sync("go")  # type: ignore[list-item]
    with pytest.raises(UserError, match="two toolsets are called 'functions'"):
        Agent(model=ScriptedEngine([]), tools=[in_stock, FunctionToolset([shut_down])]).run_sync("go")
    with pytest.raises(ToolError, match="two tools are called 'in_stock'"):
        Agent(model=ScriptedEngine([]), tools=[in_stock, in_stock]).run_sync("go")
