"""Turns held to their grammar, in whole runs of the bundled model."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from cadenza.agent import Agent, Limits, UserError
from cadenza.agent.evals.nano import thoughts
from cadenza.agent.events import Event, RunFinished, ToolCallReady
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


def test_what_cannot_be_held_to_is_wrong_usage() -> None:
    with pytest.raises(UserError, match="its engine has no masks"):
        Agent(model=ScriptedEngine([]), tools=["python"], tool_choice="required").run_sync("go")
