"""The bundled model: its prompts are what the tool says, its curriculum is true, its weights load."""

from __future__ import annotations

import json
import random
from importlib.resources import files
from itertools import pairwise

import pytest

from cadenza.agent import Agent
from cadenza.harmony import EFFORTS, Message
from cadenza.model import find, resolve
from cadenza.model.nano.curriculum import Draw, conversation, problem
from cadenza.tools.python import choose, description


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


def test_held_out_phrases_are_never_trained_on() -> None:
    table = [str(at) for at in range(50)]
    trained = {Draw(random.Random(at)).phrase(table) for at in range(500)}
    held_out = {Draw(random.Random(at), held_out=True).phrase(table) for at in range(500)}
    assert not trained & held_out
    assert trained | held_out == set(table)


def test_every_answer_follows_from_its_conversation() -> None:
    for at in range(1000):
        draw = Draw(random.Random(at), held_out=at % 2 == 1)
        task = problem(draw)
        last = conversation(task, draw.rng.choice(EFFORTS))[-1]
        assert last == Message.assistant(last.text, channel="final")
        assert task.answer in last.text


def test_the_weights_are_small_and_speak_original_ids() -> None:
    weights = find("nano") / "model.safetensors"
    assert weights.stat().st_size < 15e6
    vocabulary = resolve("nano").vocabulary
    assert b"".join(map(vocabulary.token_bytes, vocabulary.encode("naïve 12 🎉"))).decode() == "naïve 12 🎉"


def test_nano_answers_fresh_problems_through_python() -> None:
    agent = Agent(tools=["python"])
    draw = Draw(random.Random(11))
    tasks = [problem(draw) for _ in range(20)]
    right = 0
    for task in tasks:
        answer = Agent(tools=agent.tools, instructions=task.instructions).run_sync(task.question).output
        right += task.answer in answer
    assert right >= 18
