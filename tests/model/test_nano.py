"""The bundled model: its prompts are what the agent writes, its curriculum is true, its weights load."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
from jsonschema import validate

from cadenza.agent import Agent
from cadenza.agent.evals.nano import ask_here, fresh, source
from cadenza.agent.loading import functions_in
from cadenza.harmony import (
    EFFORTS,
    Effort,
    Message,
    SystemContent,
    TurnSpec,
    o200k_harmony,
    open_turn,
    render_conversation,
    turn_grammar,
)
from cadenza.model import ScriptedEngine, find, resolve
from cadenza.model.constrain import Constrainer
from cadenza.model.nano import answers, extraction, functions, words
from cadenza.model.nano.curriculum import conversation, problem
from cadenza.model.nano.draw import Draw
from cadenza.tools.python import choose, description

DATE = "2026-11-24"


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["bubblewrap", "monty"])
async def test_the_frozen_descriptions_are_those_of_the_tool(name: str) -> None:
    frozen = json.loads((files("cadenza.model.nano") / "prompts.json").read_text())["python"]
    sandbox = await choose("bubblewrap" if name == "bubblewrap" else "monty")
    assert description(sandbox, 60.0) == frozen[name]


@pytest.mark.anyio
async def test_the_curriculums_results_are_those_of_the_sandbox() -> None:
    draw = Draw(random.Random(5))
    sandbox = await choose()
    for _ in range(15):
        effort = draw.rng.choice(EFFORTS)
        messages = conversation(problem(draw), effort)
        async with sandbox.session() as session:
            for call, result in pairwise(messages):
                if call.recipient == "python":
                    assert (await session.run(call.text)).output == result.text


def rendered(effort: Effort, *messages: Message) -> list[int]:
    system = Message.system(SystemContent(current_date=DATE, effort=effort))
    return render_conversation([system, *messages], o200k_harmony(), training=True)


@pytest.mark.parametrize("seed", range(12))
def test_calls_of_functions_are_trained_on_as_the_agent_makes_them(seed: int, tmp_path: Path) -> None:
    draw, effort = Draw(random.Random(seed), loose=seed % 2 == 1), EFFORTS[seed % 3]
    kit = functions.toolkit(draw)
    request = functions.request(draw, kit)
    asked, *call, result, answer = functions.conversation(request, effort)
    (tmp_path / "tools.py").write_text(source(kit, request.result))
    agent = Agent(
        model=ScriptedEngine([call, [answer]]),
        tools=functions_in(tmp_path / "tools.py"),
        instructions=kit.instructions,
        effort=effort,
        current_date=DATE,
    )
    ids = agent.run_sync(request.question).transcript.ids
    assert list(ids) == rendered(effort, kit.message, asked, *call, result, answer)
    assert_may_be_sampled([call, [answer]], TurnSpec(functions=kit.message.content[0].tools))  # type: ignore[union-attr]


@pytest.mark.parametrize("seed", range(12))
def test_forms_are_filled_in_training_as_the_agent_has_them_filled(seed: int) -> None:
    draw, effort = Draw(random.Random(seed)), EFFORTS[seed % 3]
    form = extraction.form(draw)
    form = replace(form, name=str(form.schema.get("title", "answer")))  # what a schema that is no type is called
    text = extraction.text(draw, form)
    asked, *turn = extraction.conversation(text, effort)
    agent = Agent(
        model=ScriptedEngine([turn]),
        output=form.schema,
        instructions=form.instructions,
        effort=effort,
        current_date=DATE,
    )
    result = agent.run_sync(text.question)
    assert result.output == text.answer
    assert list(result.transcript.ids) == rendered(effort, form.message, asked, *turn)
    assert_may_be_sampled([turn], TurnSpec(output=form.schema))


@pytest.mark.parametrize("seed", range(12))
def test_tools_and_a_schema_are_trained_on_together_as_the_agent_has_them(seed: int, tmp_path: Path) -> None:
    draw, effort = Draw(random.Random(seed), loose=True), EFFORTS[seed % 3]
    held, kit = answers.record(draw), functions.toolkit(draw)
    request, text = answers.request(draw, kit, held)
    (tmp_path / "tools.py").write_text(source(kit, request.result))
    asked, *call, result, answer = answers.called(request, text, effort)
    agent = Agent(
        model=ScriptedEngine([call, [answer]]),
        tools=functions_in(tmp_path / "tools.py"),
        instructions=held.instructions,
        output=held.format.schema,
        effort=effort,
        current_date=DATE,
    )
    done = agent.run_sync(request.question)
    assert done.output == json.loads(text)
    held = replace(held, format=replace(held.format, name=str(held.format.schema.get("title", "answer"))))
    assert list(done.transcript.ids) == rendered(effort, held.message(kit), asked, *call, result, answer)
    spec = TurnSpec(functions=(kit.namespace,), output=held.format.schema)
    assert_may_be_sampled([call, [answer]], spec)


def test_an_answer_after_python_is_the_number_that_the_schema_wants() -> None:
    shapes = set[bool]()
    for at in range(200):
        draw = Draw(random.Random(at), loose=True)
        held = answers.number(draw)
        asked = answers.problem(draw, held)
        text = answers.result_of(asked, held)
        value = json.loads(text)
        validate(value, held.format.schema)
        shapes.add(isinstance(value, dict))
        assert float(asked.answer) in (value.values() if isinstance(value, dict) else [value])
    assert shapes == {True, False}


def assert_may_be_sampled(turns: Sequence[Sequence[Message]], spec: TurnSpec) -> None:
    """The ids that nano learns are those that masks allow, and where these force some, force."""
    vocabulary = resolve("nano").vocabulary
    for turn in turns:
        ids = render_conversation(turn, vocabulary, training=True)[len(open_turn(vocabulary)) :]
        constraint = Constrainer(vocabulary, vocabulary.ids).start(turn_grammar(spec, vocabulary))
        while ids:
            forced = constraint.forced(len(ids))
            assert ids[: len(forced)] == forced
            del ids[: len(forced)]
            if ids:
                constraint.accept(ids.pop(0))
        assert constraint.finished


def test_held_out_phrases_are_never_trained_on() -> None:
    table = [str(at) for at in range(50)]
    trained = {Draw(random.Random(at)).phrase(table) for at in range(500)}
    held_out = {Draw(random.Random(at), held_out=True).phrase(table) for at in range(500)}
    assert not trained & held_out
    assert trained | held_out == set(table)


def test_held_out_words_are_never_trained_on() -> None:
    trained, held_out = Draw(random.Random(1)), Draw(random.Random(1), held_out=True)
    made = {draw() for draw in (trained.word, trained.letters) for _ in range(20_000)}
    never = {draw() for draw in (held_out.word, held_out.letters) for _ in range(5_000)}
    assert not made & never
    assert not (made | never) & {*words.THINGS, *words.VERBS, *words.NOUNS, *words.KEYS}


def test_every_answer_follows_from_its_conversation() -> None:
    for at in range(1000):
        draw = Draw(random.Random(at), held_out=at % 2 == 1)
        task = problem(draw)
        last = conversation(task, draw.rng.choice(EFFORTS))[-1]
        assert last == Message.assistant(last.text, channel="final")
        assert task.answer in last.text


def test_high_effort_checks_what_holds() -> None:
    checked = 0
    for at in range(500):
        messages = conversation(problem(Draw(random.Random(at), loose=True)), "high")
        printed = [message.text for message in messages if message.name == "python"]
        assert printed[1:] in ([], ["True\n"])
        checked += len(printed) == 2
    assert checked > 200


def test_the_weights_are_small_and_speak_original_ids() -> None:
    weights = find("nano") / "model.safetensors"
    assert weights.stat().st_size < 17e6
    vocabulary = resolve("nano").vocabulary
    assert b"".join(map(vocabulary.token_bytes, vocabulary.encode("naïve 12 🎉"))).decode() == "naïve 12 🎉"


def test_nano_answers_fresh_problems_through_python() -> None:
    agent = Agent(tools=["python"])
    draw = Draw(random.Random(11))
    tasks = [problem(draw) for _ in range(60)]
    right = 0
    for task in tasks:
        answer = Agent(tools=agent.tools, instructions=task.instructions).run_sync(task.question).output
        right += task.answer in answer
    assert right >= 54


@pytest.mark.parametrize("family", ["functions", "extraction", "Python and a schema", "functions and a schema"])
def test_nano_calls_functions_and_fills_forms_that_it_never_saw(family: str) -> None:
    cases = [case for case in fresh(20, seed=3) if case.family == family]
    assert sum(case.is_right(ask_here(case, "nano", masks=True)) for case in cases) >= 17
