"""Structured output: what the model is shown, what is accepted, and how an answer is put right."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from cadenza.agent import Agent, OutputError, UserError
from cadenza.agent.events import Durable, OutputInvalid, RunFinished, is_durable
from cadenza.agent.journal import Journal
from cadenza.agent.output import output_of
from cadenza.harmony import Message, o200k_harmony
from cadenza.model.engines.scripted import ScriptedEngine


class Item(BaseModel):
    name: str
    count: int


class Invoice(BaseModel):
    """What was bought."""

    items: list[Item]
    paid: bool = False


@dataclass
class Point:
    x: int
    y: int


class Row(TypedDict):
    id: int


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}
GOOD, BAD = '{"items":[{"name":"pear","count":2}]}', '{"items":[{"name":"pear","count":"2"}],"total":1}'


def answers(*texts: str) -> ScriptedEngine:
    return ScriptedEngine([[Message.assistant(text, channel="final")] for text in texts])


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Invoice, GOOD, Invoice(items=[Item(name="pear", count=2)])),
        (Item | Point, '{"x":1,"y":2}', Point(1, 2)),
        (Row, '{"id":7}', {"id": 7}),
        (Point, '{"x":1,"y":2}', Point(1, 2)),
        (list[int], "[1,2]", [1, 2]),
        (SCHEMA, '{"n":4}', {"n": 4}),
    ],
)
def test_the_output_has_the_type_that_was_asked_for(kind: Any, text: str, value: Any) -> None:
    assert Agent(model=answers(text), output=kind).run_sync("go").output == value


@pytest.mark.parametrize("kind", [list[float], {"type": "array", "items": {"type": "number"}}])
@pytest.mark.parametrize("text", ["[1e999]", "[NaN]", "[-Infinity]"])
def test_a_number_that_json_does_not_have_is_no_answer(kind: Any, text: str) -> None:
    with pytest.raises(OutputError) as caught:
        Agent(model=answers(text, text, text), output=kind).run_sync("go")
    assert len(caught.value.faults) == 1
    assert Agent(model=answers(text, "[1e30]"), output=kind).run_sync("go").output == [1e30]


def test_the_model_is_shown_the_format() -> None:
    engine = answers(GOOD)
    Agent(model=engine, output=Invoice, instructions="Be exact.").run_sync("go")
    prompt = b"".join(map(o200k_harmony().token_bytes, engine.prompts[0])).decode()
    assert "# Instructions\n\nBe exact.\n\n# Response Formats\n\n## Invoice\n\n// What was bought.\n{" in prompt


def test_an_answer_is_put_right_in_two_turns_or_fails_with_its_text() -> None:
    engine = answers(BAD, "no JSON", GOOD)
    assert Agent(model=engine, output=Invoice).run_sync("go").output.items[0].count == 2
    asked = b"".join(map(o200k_harmony().token_bytes, engine.prompts[1])).decode()
    assert f"{BAD}<|end|><|start|>user<|message|>Your answer does not fit its format." in asked
    assert 'items[0].count: input should be a valid integer, not "2"' in asked
    assert engine.prompts[2][: len(engine.prompts[1])] == engine.prompts[1]
    with pytest.raises(OutputError, match="does not fit its format") as caught:
        Agent(model=answers(BAD, BAD, "last"), output=Invoice).run_sync("go")
    assert caught.value.text == "last"


def test_a_schema_names_the_place_of_each_fault() -> None:
    with pytest.raises(OutputError) as caught:
        Agent(model=answers('{"n":1}', '{"n":"x"}', "{}"), output=SCHEMA).run_sync("go")
    assert caught.value.faults == ["answer: 'n' is a required property"]


def test_what_is_no_format_is_wrong_usage() -> None:
    with pytest.raises(UserError, match="not a JSON Schema: at properties/n/type"):
        Agent(model=answers(), output={"properties": {"n": {"type": "int"}}}).run_sync("go")
    for reference in ("#/$defs/b", "http://127.0.0.1:9/s.json", "#anchor"):
        with pytest.raises(UserError, match=f"the JSON Schema refers to '{re.escape(reference)}', which is not in it"):
            output_of({"$defs": {"a": {"items": {"$ref": reference}}}})
    with pytest.raises(UserError, match="no JSON Schema can be made of"):
        Agent(model=answers(), output=ScriptedEngine).run_sync("go")


def test_a_run_that_died_while_its_answer_was_put_right_goes_on(tmp_path: Path) -> None:
    async def events() -> list[Durable]:
        agent = Agent(model=answers(BAD, GOOD), output=Invoice, journal=tmp_path / "whole.db")
        return [event async for event in agent.stream("go") if is_durable(event)]

    whole = anyio.run(events)
    cut = next(at for at, event in enumerate(whole) if isinstance(event, OutputInvalid))
    for kept in (cut, cut + 1):
        path = tmp_path / f"{kept}.db"
        with Journal(path) as journal:
            journal.append(*whole[:kept])
        agent = Agent(model=answers(GOOD), output=Invoice, journal=path)
        result = anyio.run(agent.resume, whole[0].run)
        assert isinstance(whole[-1], RunFinished)
        assert (result.transcript.ids, json.loads(GOOD)["items"][0]["count"]) == (whole[-1].ids, 2)
