"""Calls of a run: side by side, heard while they run, whole in the log, counted over all processes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from cadenza.agent import Agent, Event, LimitError, Limits, ToolContext, ToolFatal, ToolRetry, tool
from cadenza.agent.events import (
    Artefact,
    Durable,
    RunFailed,
    RunFinished,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    TurnFinished,
    is_durable,
)
from cadenza.agent.journal import Journal
from cadenza.harmony import Message, Role, ToolNamespace, parse
from cadenza.model.engines.scripted import ScriptedEngine
from cadenza.tools import ToolError, ToolResult, ToolSession, Traits

pytestmark = pytest.mark.anyio


def call(name: str, /, **arguments: Any) -> Message:
    text = json.dumps(arguments)
    return Message.assistant(text, channel="commentary", recipient=f"functions.{name}", content_type="json")


def cell(code: str) -> Message:
    return Message.assistant(code, channel="analysis", recipient="python", content_type="code")


DONE = [Message.assistant("Done.", channel="final")]


async def events_of(agent: Agent[Any], run: str = "") -> list[Event]:
    stream = agent.stream_resumed(run) if run else agent.stream("go")
    return [event async for event in stream]


def finished(events: list[Event]) -> list[ToolFinished]:
    return [event for event in events if isinstance(event, ToolFinished)]


# --- side by side -----------------------------------------------------------------------------------------------------


@tool
async def meet(name: str, context: ToolContext[dict[str, anyio.Event]]) -> str:
    """Waits for the other."""
    other = {"a": "b", "b": "a"}[name]
    context.deps[name].set()
    await context.deps[other].wait()
    if name == "a":
        await anyio.sleep(0.05)
    return name


async def test_calls_of_a_turn_run_side_by_side_and_are_read_in_their_order() -> None:
    engine = ScriptedEngine([[call("meet", name="a"), call("meet", name="b")], DONE])
    deps = {name: anyio.Event() for name in "ab"}
    events = await events_of(Agent(model=engine, tools=[meet], deps=deps))
    assert [event.text for event in finished(events)] == ["b", "a"]  # as they ended
    read = [each.message for each in parse(engine.prompts[1], engine.vocabulary)]
    assert [message.text for message in read if message.role is Role.TOOL] == ["a", "b"]


async def test_no_more_run_at_a_time_than_the_limit_says() -> None:
    running, most = 0, 0

    @tool
    async def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.sleep(0.01)
        running -= 1

    engine = ScriptedEngine([[call("work")] * 6, DONE])
    await events_of(Agent(model=engine, tools=[work], limits=Limits(parallel=2)))
    assert (most, running) == (2, 0)


async def test_calls_that_build_on_each_other_run_one_after_the_other() -> None:
    engine = ScriptedEngine([[cell("import time; time.sleep(0.1); x = 41"), cell("print(x + 1)")], DONE])
    assert [event.text for event in finished(await events_of(Agent(model=engine, tools=["python"])))] == ["", "42\n"]


async def test_one_that_ends_the_run_ends_the_others() -> None:
    ended = list[str]()

    @tool
    async def fail(context: ToolContext[anyio.Event]) -> None:
        await context.deps.wait()
        raise ToolFatal("no more")

    @tool
    async def go_on(context: ToolContext[anyio.Event]) -> None:
        try:
            context.deps.set()
            await anyio.sleep_forever()
        finally:
            ended.append("go_on")

    engine = ScriptedEngine([[call("fail"), call("go_on")], DONE])
    with pytest.raises(ToolFatal, match="no more"):
        await events_of(Agent(model=engine, tools=[fail, go_on], deps=anyio.Event()))
    assert ended == ["go_on"]


async def test_calls_beyond_the_limit_are_not_made() -> None:
    made = list[int]()

    @tool
    def note(number: int) -> None:
        made.append(number)

    engine = ScriptedEngine([[call("note", number=number) for number in range(3)], DONE])
    with pytest.raises(LimitError, match="tool calls"):
        await events_of(Agent(model=engine, tools=[note], limits=Limits(tool_calls=2)))
    assert made == []


@tool(idempotent=True)
async def double(number: int) -> int:
    """Doubles; the larger, the sooner."""
    await anyio.sleep(0.03 / number)
    return 2 * number


SEVERAL = [
    [call("double", number=number) for number in (1, 2, 3)],
    [call("double", number=4), call("double", number=5)],
    DONE,
]


async def test_a_run_that_died_between_any_two_events_of_its_calls_ends_the_same(tmp_path: Path) -> None:
    def agent(journal: Path, after: int = 0) -> Agent[Any]:
        engine = ScriptedEngine(SEVERAL)
        engine.prompts.extend([()] * after)  # played by an earlier process
        return Agent(model=engine, tools=[double], journal=journal, current_date="2026-01-01")

    events: list[Durable] = list(filter(is_durable, await events_of(agent(tmp_path / "whole.db"))))
    whole = events[-1]
    assert isinstance(whole, RunFinished)
    for kept in range(2, len(events)):
        path = tmp_path / f"{kept}.db"
        with Journal(path) as journal:
            journal.append(*events[:kept])
        turns = sum(isinstance(event, TurnFinished) for event in events[:kept])
        resumed = await events_of(agent(path, turns), whole.run)
        assert isinstance(resumed[-1], RunFinished)
        assert resumed[-1].ids == whole.ids, kept
        with Journal(path) as journal:
            assert list(journal.verify()) == []


# --- what ends a run --------------------------------------------------------------------------------------------------


@dataclass
class Faulty:
    """A toolset with a bug, in the part that is named."""

    where: str
    name: str = "faulty"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ToolSession]:
        self.fail("open")
        yield self
        self.fail("close")

    @property
    def namespace(self) -> ToolNamespace:
        return ToolNamespace(name=self.name, description="Fails.")

    def traits(self, recipient: str) -> Traits:
        self.fail("traits")
        return Traits()

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        self.fail("call")
        return ToolResult(text="fine")

    def fail(self, where: str) -> None:
        if where == self.where:
            raise KeyError("gone")


@pytest.mark.parametrize(
    ("where", "kind", "line"),
    [
        ("open", ToolError, "faulty: KeyError: 'gone'"),
        ("call", ToolError, "faulty: KeyError: 'gone'"),
        ("traits", KeyError, "KeyError: 'gone'"),
    ],
)
async def test_a_bug_of_a_toolset_is_told_as_the_end_of_the_run(
    tmp_path: Path, where: str, kind: type[Exception], line: str
) -> None:
    turn = [Message.assistant("go", channel="analysis", recipient="faulty")]
    agent = Agent(model=ScriptedEngine([turn, DONE]), tools=[Faulty(where)], journal=tmp_path / "runs.db")
    events = list[Event]()

    async def listen() -> None:
        async for event in agent.stream("go"):
            events.append(event)

    with pytest.raises(kind, match="gone"):
        await listen()
    assert isinstance(events[-1], RunFailed)
    assert events[-1].error == line
    with Journal(tmp_path / "runs.db") as journal:
        assert [run.end for run in journal.runs()] == ([] if where == "open" else [events[-1]])


async def test_a_toolset_that_fails_to_close_takes_no_answer_away(tmp_path: Path) -> None:
    agent = Agent(model=ScriptedEngine([DONE]), tools=[Faulty("close")], journal=tmp_path / "runs.db")
    with pytest.raises(KeyError):
        await agent.run("go")
    with Journal(tmp_path / "runs.db") as journal:
        assert list(journal.verify()) == []
        assert isinstance(journal.runs()[0].end, RunFinished)


# --- progress ---------------------------------------------------------------------------------------------------------


async def test_progress_is_heard_while_the_tool_runs_and_is_not_logged(tmp_path: Path) -> None:
    @tool
    async def fetch(context: ToolContext[anyio.Event]) -> str:
        context.progress("half, with the key abcdefgh")
        await context.deps.wait()
        return "fetched"

    heard = anyio.Event()
    engine = ScriptedEngine([[call("fetch")], DONE])
    agent = Agent(model=engine, tools=[fetch], deps=heard, journal=tmp_path / "runs.db", secrets={"KEY": "abcdefgh"})
    seen = list[Event]()
    async for event in agent.stream("go"):
        seen.append(event)
        if isinstance(event, ToolProgress):
            heard.set()  # else the tool would wait for ever
    (progress,) = (event for event in seen if isinstance(event, ToolProgress))
    assert (progress.call, progress.text, progress.seq) == (1, "half, with the key [secret KEY]", None)
    with Journal(tmp_path / "runs.db") as journal:
        assert journal.events("") == [event for event in seen if is_durable(event)]


async def test_a_flood_of_progress_is_thinned_out() -> None:
    @tool
    async def chatter(context: ToolContext[None]) -> None:
        for number in range(10_000):
            context.progress(str(number))

    events = await events_of(Agent(model=ScriptedEngine([[call("chatter")], DONE]), tools=[chatter]))
    assert 1 <= sum(isinstance(event, ToolProgress) for event in events) <= 100


# --- what is too long -------------------------------------------------------------------------------------------------


async def test_a_long_result_is_kept_whole_in_the_log_before_the_model_reads_its_ends() -> None:
    secret = "s3cret" * 5

    @tool
    def dump() -> str:
        return f"head {'x' * 16_300}{secret}{'y' * 100_000} tail"  # the cut goes through the secret

    agent = Agent(model=ScriptedEngine([[call("dump")], DONE]), tools=[dump], secrets={"TOKEN": secret})
    events = await events_of(agent)
    kinds = [type(event) for event in events]
    assert kinds.index(Artefact) < kinds.index(ToolFinished)
    (kept,) = (event for event in events if isinstance(event, Artefact))
    assert kept.name == "call-1.txt"
    assert kept.data.decode() == f"head {'x' * 16_300}[secret TOKEN]{'y' * 100_000} tail"
    (result,) = finished(events)
    assert "the whole is kept as call-1.txt]" in result.text
    assert result.text.startswith("head ")
    assert result.text.endswith(" tail")
    assert "s3cret" not in result.text


async def test_long_output_of_a_cell_is_kept_whole() -> None:
    engine = ScriptedEngine([[cell("for n in range(50_000): print(n)")], DONE])
    events = await events_of(Agent(model=engine, tools=["python"]))
    (kept,) = (event for event in events if isinstance(event, Artefact))
    assert kept.data == "".join(f"{number}\n" for number in range(50_000)).encode()
    (result,) = finished(events)
    assert result.text.startswith("0\n1\n")
    assert result.text.endswith("\n49999\n")


# --- how often --------------------------------------------------------------------------------------------------------


@tool(max_calls=2)
def count(value: int) -> int:
    """Counted."""
    return value


@tool(retries=1)
def refuse() -> None:
    """Never works."""
    raise ToolRetry("not like this")


@pytest.mark.parametrize(
    ("turns", "told"),
    [
        ([call("count", value="x"), *[call("count", value=1)] * 3], "count may be called 2 times in a run"),
        ([call("refuse")] * 3, "refuse failed 2 times in a row"),
    ],
)
async def test_how_often_a_tool_was_called_is_known_after_a_crash(
    tmp_path: Path, turns: list[Message], told: str
) -> None:
    def agent(journal: Path, after: int = 0) -> Agent[Any]:
        script = [*([turn] for turn in turns), DONE]
        return Agent(model=ScriptedEngine(script[after:]), tools=[count, refuse], journal=journal)

    events = await events_of(agent(tmp_path / "whole.db"))
    *_, last = finished(events)
    assert told in last.text
    durable = list(filter(is_durable, events))
    for at, event in enumerate(durable):
        if isinstance(event, ToolStarted):
            path = tmp_path / f"{at}.db"
            with Journal(path) as journal:
                journal.append(*durable[:at])
            after = sum(isinstance(each, TurnFinished) for each in durable[:at])
            *_, again = finished(await events_of(agent(path, after), event.run))
            assert again.text == last.text
