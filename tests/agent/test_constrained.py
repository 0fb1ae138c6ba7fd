"""Turns held to their grammar, in whole runs of the bundled model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from cadenza.agent import Agent, Limits, RunError, UserError
from cadenza.agent.evals.nano import thoughts
from cadenza.agent.events import Event, LeftToValidation, RunFinished, ToolCallReady
from cadenza.agent.journal import Journal
from cadenza.harmony import CallTo, Provenance
from cadenza.model import Sampling
from cadenza.model.engines.scripted import ScriptedEngine

QUESTION = "What is 48 * 17?"


async def events_of(agent: Agent[Any]) -> list[Event]:
    return [event async for event in agent.stream(QUESTION)]


def calls(events: list[Event]) -> list[str]:
    return [event.recipient for event in events if isinstance(event, ToolCallReady)]


@pytest.mark.anyio
async def test_a_constrained_run_is_the_unconstrained_one_with_forced_headers() -> None:
    free = await events_of(Agent(tools=["python"], constrain=False))
    held = await events_of(Agent(tools=["python"]))
    first, second = free[-1], held[-1]
    assert isinstance(first, RunFinished)
    assert isinstance(second, RunFinished)
    assert first.ids == second.ids
    assert Provenance.FORCED in {span.provenance for span in second.spans}


@pytest.mark.anyio
async def test_the_tool_choice_holds_for_the_first_turn_and_only_for_it() -> None:
    assert calls(await events_of(Agent(tools=["python"], tool_choice="none"))) == []
    for choice in ("required", CallTo("python")):
        events = await events_of(Agent(tools=["python"], tool_choice=choice))  # type: ignore[arg-type]
        assert calls(events)[0] == "python"
        assert isinstance(events[-1], RunFinished)


@pytest.mark.anyio
async def test_a_reasoning_budget_of_none_leaves_no_thought() -> None:
    events = await events_of(Agent(tools=["python"], effort="medium", limits=Limits(reasoning=0)))
    assert (sum(map(thoughts, events)), calls(events)[:1]) == (0, ["python"])


class Verdict(BaseModel):
    kind: Literal["odd", "even"]
    digits: list[int] = Field(max_length=3)


@pytest.mark.parametrize("seed", range(3))
def test_an_output_schema_holds_whatever_the_model_would_like_to_say(seed: int) -> None:
    agent = Agent(output=Verdict, sampling=Sampling(temperature=1.5, seed=seed), limits=Limits(reasoning=10))
    assert isinstance(agent.run_sync(QUESTION).output, Verdict)


@pytest.mark.anyio
async def test_a_schema_that_cannot_be_masked_is_told_of_and_validated_instead(tmp_path: Path) -> None:
    refused = {"patternProperties": {"^a": {"type": "integer"}, "b": {"type": "integer"}}}
    journal = tmp_path / "runs.db"
    events = await events_of(Agent(tools=["python"], effort="low", output=refused, journal=journal))
    (left,) = [event for event in events if isinstance(event, LeftToValidation)]
    assert left.end == "the final answer"
    assert left.what[0].startswith("its whole schema (patternProperty regexes")
    assert isinstance(events[-1], RunFinished)
    json.loads(events[-1].answer)  # still JSON
    with Journal(journal) as written:
        assert list(written.verify()) == []


@pytest.mark.anyio
async def test_what_a_mask_leaves_out_is_told_of_once_and_validated() -> None:
    schema = {"type": "array", "items": {"enum": [1, 2]}, "contains": {"const": 3}}
    agent = Agent(output=schema, effort="low", limits=Limits(turn_tokens=60))
    events: list[Event] = []

    async def listen() -> None:
        async for event in agent.stream("Two numbers."):
            events.append(event)

    with pytest.raises(RunError):  # no array contains 3 and has no items but 1 and 2
        await listen()
    assert [(event.end, event.what) for event in events if isinstance(event, LeftToValidation)] == [
        ("the final answer", ("`contains` at $",))
    ]


@pytest.mark.parametrize("schema", [{"type": "string", "pattern": "("}, {"$ref": "https://example.org/x"}])
def test_a_schema_that_no_answer_can_be_validated_by_is_wrong_usage(schema: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"^output: "):
        Agent(output=schema, effort="low", tools=["python"]).run_sync(QUESTION)


def test_what_cannot_be_held_to_is_wrong_usage() -> None:
    with pytest.raises(UserError, match="its engine has no masks"):
        Agent(model=ScriptedEngine([]), tools=["python"], tool_choice="required").run_sync("go")
