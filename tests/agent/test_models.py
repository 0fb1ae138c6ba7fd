"""Models that a run falls back to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from cadenza.agent import Agent, tool
from cadenza.agent.events import EngineRetry, Event, RunFinished, RunStarted
from cadenza.agent.journal import Journal
from cadenza.agent.models import Models
from cadenza.agent.task import TaskError
from cadenza.agent.taskfile import parse
from cadenza.harmony import Message, Special, Transcript, TurnGrammar, Vocabulary, o200k_harmony
from cadenza.model import Capabilities, LocalModel, ModelError, Sampled, Sampling, ScriptedEngine, find
from cadenza.model.engines.completions import CompletionsEngine
from cadenza.model.engines.http import Server

CALL = Message.assistant("print(6 * 7)", channel="analysis", recipient="python", content_type="code")
ANSWER = Message.assistant("It is 42.", channel="final")
NOBODY = CompletionsEngine(server=Server(base_url="http://127.0.0.1:9/v1", retries=0), name="far away")


async def events_of(agent: Agent[Any]) -> list[Event]:
    return [event async for event in agent.stream("What is 6 * 7?")]


def of(kind: type[Event], events: list[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.anyio
async def test_a_turn_that_a_model_cannot_begin_is_the_next_ones(tmp_path: Path) -> None:
    """The first has one turn only: it makes the call, and the second sees its result."""
    second = ScriptedEngine([[ANSWER]])
    journal = tmp_path / "runs.db"
    agent: Agent[Any] = Agent(
        model=ScriptedEngine([[CALL]]), fallbacks=[NOBODY, second], tools=["python"], journal=journal
    )
    events = await events_of(agent)
    first, retried = of(EngineRetry, events)
    assert first.errors == ("scripted: the script has only 1 turns",)
    assert (first.model, first.mask, first.ids) == ("far away", "turn", True)
    assert retried.errors[0].startswith("far away: http://127.0.0.1:9/v1: ConnectError")
    assert (retried.model, retried.mask) == ("scripted", "none")
    (finished,) = of(RunFinished, events)
    assert finished.answer == "It is 42."
    assert finished.ids[: len(second.prompts[0])] == second.prompts[0]
    with Journal(journal) as log:
        assert not list(log.verify())
        run = log.runs()[0].run
    assert (await agent.resume(run)).output == "It is 42."


@pytest.mark.anyio
async def test_a_model_that_cannot_be_loaded_is_passed_over_and_told_of() -> None:
    events = await events_of(Agent(model="nowhere", fallbacks=["nano"], tools=["python"]))
    (started,) = of(RunStarted, events)
    assert (started.model, started.mask) == ("nano", "turn")
    (retried,) = of(EngineRetry, events)
    assert retried.errors[0].startswith("nowhere: no model 'nowhere'")
    assert retried.model == "nano"


@pytest.mark.anyio
async def test_all_calls_of_a_turn_are_heard_where_only_the_model_fallen_back_to_makes_several() -> None:
    made = list[int]()

    @tool
    def note(number: int) -> None:
        made.append(number)

    calls = [
        Message.assistant(f'{{"number": {number}}}', channel="commentary", recipient="functions.note")
        for number in (1, 2)
    ]
    agent: Agent[Any] = Agent(model=ScriptedEngine([]), fallbacks=[ScriptedEngine([calls, [ANSWER]])], tools=[note])
    assert of(EngineRetry, await events_of(agent))
    assert sorted(made) == [1, 2]


@dataclass
class Small:
    """Knows few ids, and can begin no turn."""

    name: str = "small"
    vocabulary: Vocabulary = field(default_factory=lambda: o200k_harmony().restrict([*range(256), *Special]))
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(context=4096))

    async def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        stop: frozenset[int],
        limit: int,
        constraint: TurnGrammar | None = None,
    ) -> AsyncGenerator[Sampled, None]:
        raise ModelError("busy")
        yield

    async def close(self) -> None:
        return None


@pytest.mark.anyio
async def test_what_a_model_says_is_read_by_its_own_vocabulary_after_another_model(tmp_path: Path) -> None:
    turn, answer = (
        [Message.assistant("世界 🎉", channel="analysis"), CALL],
        Message.assistant("Es sind 世界 🎉.", channel="final"),
    )
    small = Small()
    agent: Agent[Any] = Agent(
        model=small, fallbacks=[ScriptedEngine([turn])], tools=["python"], journal=tmp_path / "runs.db"
    )
    with pytest.raises(ModelError, match="only 1 turns"):  # as if it died there
        await agent.run("go")
    with Journal(tmp_path / "runs.db") as log:
        run = log.runs()[0].run
    result = await replace(agent, fallbacks=[ScriptedEngine([[answer]])]).resume(run)
    assert result.output == "Es sind 世界 🎉."
    history = Transcript(small.vocabulary, [Message.user("go"), Message.assistant("gone", channel="final")])
    again: Agent[Any] = Agent(model=ScriptedEngine([[answer]]))
    assert (await again.run("go on", history=history)).output == "Es sind 世界 🎉."


@pytest.mark.anyio
async def test_where_no_model_is_left_the_last_failure_stands() -> None:
    with pytest.raises(ModelError, match=r"127.0.0.1:9/v1: ConnectError"):
        await events_of(Agent(model=NOBODY, fallbacks=["nano"]))  # nano does not know all ids
    with pytest.raises(ModelError, match="no model 'nor here'"):
        await events_of(Agent(model="nowhere", fallbacks=["nor here"]))


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "x" * 5000, "x" * 300 + "/y"])
def test_a_name_that_is_no_path_is_no_model(name: str) -> None:
    with pytest.raises(ModelError, match=f"^no model '{name}'"):
        find(name)


def test_a_task_file_lists_them(tmp_path: Path) -> None:
    text = """
version: 1
model:
  - {engine: chat, base_url: http://127.0.0.1:11434/v1, name: gpt-oss:20b}
  - {engine: completions, speaks: sglang, base_url: http://127.0.0.1:30000, name: gpt-oss}
  - nano
input: Hi
"""
    agent = parse(text, "task.yaml", tmp_path).agent({})
    names = [each if isinstance(each, str) else each.name for each in (agent.model, *agent.fallbacks)]
    assert names == ["gpt-oss:20b", "gpt-oss", "nano"]
    assert parse(text, "task.yaml", tmp_path).agent({}, model="nano").fallbacks == []


def test_a_model_in_this_process_has_settings(tmp_path: Path) -> None:
    text = "model: {engine: torch, dense: int8, memory: 8m}\ninput: What is 6 * 7?\ntools: [python]\n"
    agent = parse(text, "task.yaml", tmp_path).agent({})
    assert agent.model == LocalModel("nano", dense="int8", memory=8_000_000)
    assert "42" in agent.run_sync("What is 6 * 7?").output


def test_the_memory_that_is_given_for_keys_and_values_bounds_a_prompt() -> None:
    with pytest.raises(ModelError, match=r"has \d+ tokens; the memory for its keys and values takes 1 to 63"):
        Agent(model=LocalModel(memory=100_000)).run_sync("Hi")


def test_a_device_that_is_not_here_is_a_line() -> None:
    with pytest.raises(ModelError, match=r"^device 'cuda:7': .*$"):
        Agent(model=LocalModel(device="cuda:7")).run_sync("Hi")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("[]", "model: list should have at least 1 item"),
        ("[nano, {engine: chat, name: x}]", r"model\[1\]: engine chat needs base_url"),
        ("{engine: chat, base_url: 'http://x', name: x, speaks: vllm}", "model: engine chat takes no speaks"),
        ("{engine: torch, dense: int4}", "model.dense: input should be 'stored' or 'int8'"),
        ("{engine: completions, base_url: 'http://x', name: x, speaks: trt}", "model.speaks: input should be 'vllm'"),
    ],
)
def test_what_is_no_model_is_a_line(model: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=said):
        parse(f"version: 1\nmodel: {model}\ninput: Hi\n", "task.yaml", tmp_path)


@pytest.mark.anyio
async def test_runs_of_one_model_share_an_engine_however_it_is_spelt() -> None:
    spellings = "nano", LocalModel("nano"), str(find("nano")), LocalModel(str(find("nano")) + "/")
    engines = {id(Models([each]).engine) for each in (*spellings, ScriptedEngine([]), *spellings)}
    assert len(engines) == 2
