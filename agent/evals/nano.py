"""Scores the bundled model on fresh cases of its families, each put to `agent run` as a user would.

- Functions, schemas and their values are made of words that training never uses; phrases are those of its tables.
  Phrases that training never saw are counted apart: of arithmetic those held out, and strangers', who had seen
  nothing of the tables (`strangers.jsonl`); functions and forms with the words in which people asked.
- There are four functions to choose from. A number is right if it is the answer's last word; a call, if it is the one
  call of the right function with the right arguments, and the answer tells its result; extracted data, if it is equal,
  key for key. Where tools and a schema meet, both the calls and the data have to be right.
- The command line always holds turns to their grammar. Without masks cases run in this process.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import anyio

from cadenza.harmony import EFFORTS, Channel, Effort, Role, o200k_harmony, parse
from cadenza.model import ModelError
from cadenza.model.nano import answers, extraction, functions
from cadenza.model.nano.curriculum import Problem, problem
from cadenza.model.nano.draw import Draw
from cadenza.model.nano.fields import Field, compact
from cadenza.tools import ToolError

from .. import taskfile
from ..agent import Agent
from ..errors import AgentError
from ..events import Event, RunFailed, RunFinished, ToolCallReady, TurnFinished, from_json

COMMAND: Final = (sys.executable, "-m", "cadenza.agent", "run", "--json")
LIMITS: Final = {"turns": 8, "tokens": 2000}


@dataclass(frozen=True, slots=True)
class Outcome:
    """answer: the final one, or what went wrong; calls: recipients and arguments; thoughts: messages of reasoning."""

    answer: str
    calls: tuple[tuple[str, str], ...]
    thoughts: int

    @classmethod
    def of(cls, events: Sequence[Event], complaint: str = "") -> Outcome:
        match events[-1] if events else None:
            case RunFinished(answer=answer):
                pass
            case RunFailed(error=error):
                answer = f"failed: {error}"
            case _:
                answer = f"failed: {complaint}"
        calls = tuple((event.recipient, event.arguments) for event in events if isinstance(event, ToolCallReady))
        return cls(answer, calls, sum(map(thoughts, events)))


@dataclass(frozen=True, slots=True)
class Case:
    """task: as in a task file; tools: the text of its tool file; wanted: for people; is_right: what an outcome is."""

    family: str
    effort: Effort
    task: dict[str, Any]
    wanted: str
    is_right: Callable[[Outcome], bool]
    tools: str | None = None


def fresh(count: int, seed: int) -> Iterator[Case]:
    """`count` cases of each family, the efforts in turn; of what strangers ask no more than there are."""
    for family, make, held_out in FAMILIES:
        draw = Draw(random.Random(f"{seed} {family}"), held_out=held_out)
        for at in range(count):
            yield make(draw, family, EFFORTS[at % len(EFFORTS)])
    asked = [json.loads(line) for line in (files(__package__) / "strangers.jsonl").read_text().splitlines()]
    for at, row in enumerate(random.Random(seed).sample(asked, min(count, len(asked)))):
        task = _task(row["question"], None, tools=["python"])
        yield Case(STRANGERS, EFFORTS[at % len(EFFORTS)], task, row["answer"], partial(_tells, row["answer"]))


def _arithmetic(draw: Draw, family: str, effort: Effort) -> Case:
    return arithmetic_case(problem(draw), family, effort)


def arithmetic_case(asked: Problem, family: str, effort: Effort) -> Case:
    task = _task(asked.question, asked.instructions, tools=["python"])
    return Case(family, effort, task, f"{asked.expression} = {asked.answer}", partial(_tells, asked.answer))


def _tells(number: str, outcome: Outcome) -> bool:
    """Whether the number is the answer's last word; 24.80 is 24.8."""
    with suppress(ValueError, IndexError):
        return float(outcome.answer.replace(",", "").split()[-1].rstrip(".")) == float(number)
    return False


def _functions(draw: Draw, family: str, effort: Effort, *, people: float) -> Case:
    kit = functions.toolkit(draw, people=people, count=4)
    asked = functions.request(draw, kit)
    wanted = _call(asked)

    def is_right(outcome: Outcome) -> bool:
        return _calls(outcome) == [wanted] and asked.result.removesuffix(".") in outcome.answer

    task = _task(asked.question, kit.instructions, tools=[{"file": "functions.py"}])
    return Case(family, effort, task, f"{wanted} -> {asked.result}", is_right, tools=source(kit, asked.result))


def _call(asked: functions.Request) -> tuple[str, str]:
    return f"functions.{asked.asked.name}", compact(asked.arguments)


def _calls(outcome: Outcome) -> list[tuple[str, str]]:
    return [(recipient, _same(arguments)) for recipient, arguments in outcome.calls]


def _python_held(draw: Draw, family: str, effort: Effort) -> Case:
    held = answers.number(draw)
    asked = answers.problem(draw, held)
    wanted = answers.result_of(asked, held)

    def is_right(outcome: Outcome) -> bool:
        return {recipient for recipient, _ in outcome.calls} == {"python"} and _same(outcome.answer) == wanted

    task = _task(asked.question, held.instructions, tools=["python"], output=held.format.schema)
    return Case(family, effort, task, wanted, is_right)


def _functions_held(draw: Draw, family: str, effort: Effort) -> Case:
    held, kit = answers.record(draw), functions.toolkit(draw, people=0.0, count=4)
    asked, wanted = answers.request(draw, kit, held)

    def is_right(outcome: Outcome) -> bool:
        return _calls(outcome) == [_call(asked)] and _same(outcome.answer) == wanted

    task = _task(asked.question, held.instructions, tools=[{"file": "functions.py"}], output=held.format.schema)
    return Case(family, effort, task, f"{_call(asked)} -> {wanted}", is_right, tools=source(kit, asked.result))


def _extraction(draw: Draw, family: str, effort: Effort, *, people: float) -> Case:
    form = extraction.form(draw, people=people)
    text = extraction.text(draw, form)
    wanted = compact(text.answer)
    task = _task(text.question, form.instructions, output=form.schema)
    return Case(family, effort, task, wanted, lambda outcome: _same(outcome.answer) == wanted)


STRANGERS: Final = "arithmetic as strangers put it"
FAMILIES: Final[tuple[tuple[str, Callable[[Draw, str, Effort], Case], bool], ...]] = (
    ("arithmetic", _arithmetic, False),
    ("arithmetic in phrases never trained on", _arithmetic, True),
    ("functions", partial(_functions, people=0.0), True),
    ("functions as people ask for them", partial(_functions, people=1.0), True),
    ("extraction", partial(_extraction, people=0.0), True),
    ("extraction from people's texts", partial(_extraction, people=1.0), True),
    ("Python and a schema", _python_held, False),
    ("functions and a schema", _functions_held, True),
)
"""Name, what makes a case, and whether it is drawn from what is held out."""


def _task(question: str, instructions: str | None, **others: object) -> dict[str, Any]:
    told = {} if instructions is None else {"instructions": instructions}
    return {"input": question, "limits": LIMITS, **told, **others}


def _same(text: str) -> str:
    """JSON in the form in which equal values are equal texts; other text as it is."""
    try:
        return compact(json.loads(text))
    except ValueError:
        return text


_ANNOTATIONS: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def source(kit: functions.Toolkit, result: str) -> str:
    """A tool file with the functions of a toolkit, each of which returns `result`."""
    return "\n\n".join(
        [
            "from typing import Literal",
            "from cadenza.agent import tool",
            *(_code(each, result) for each in kit.functions),
        ]
    )


def _code(function: functions.Function, result: str) -> str:
    parameters = ", ".join(f"{field.key}: {_annotation(field)}" for field in function.parameters)
    told = [f"        {field.key}: {field.description}" for field in function.parameters if field.description]
    docstring = "\n".join([function.description, "", "    Args:", *told, "    "]) if told else function.description
    return f'@tool\ndef {function.name}({parameters}) -> str:\n    """{docstring}"""\n    return {result!r}\n'


def _annotation(field: Field) -> str:
    return f"Literal{json.dumps(field.choices)}" if field.kind == "enum" else _ANNOTATIONS[field.kind]


def ask(case: Case, model: str) -> Outcome:
    """One case through the command line, greedily as nano decodes by itself."""
    with _folder(case) as folder:
        file = Path(folder, "task.yaml")
        command = [*COMMAND, str(file), "--effort", case.effort, "--model", model]
        run = subprocess.run(
            [*command, "--journal", str(Path(folder, "runs.db"))], capture_output=True, text=True, timeout=300
        )
    return Outcome.of([from_json(json.loads(line)) for line in run.stdout.splitlines()], run.stderr)


def ask_here(case: Case, model: str, *, masks: bool) -> Outcome:
    """One case in this process. masks: whether turns are held to their grammar."""
    with _folder(case) as folder:
        task = taskfile.load(Path(folder, "task.yaml"))
        agent = task.agent({}, model=model, effort=case.effort, folder=Path(folder))
        return anyio.run(_outcome, replace(agent, constrain=masks), task.question({}))


def _folder(case: Case) -> tempfile.TemporaryDirectory[str]:
    """A folder with the task's file, which is JSON and so YAML, and its tools."""
    folder = tempfile.TemporaryDirectory()
    Path(folder.name, "task.yaml").write_text(json.dumps(case.task))
    if case.tools is not None:
        Path(folder.name, "functions.py").write_text(case.tools)
    return folder


async def _outcome(agent: Agent[Any], question: str) -> Outcome:
    events: list[Event] = []
    with suppress(AgentError, ModelError, ToolError):  # the last event tells
        async for event in agent.stream(question):
            events.append(event)
    return Outcome.of(events)


def thoughts(event: Event) -> int:
    """Messages of reasoning that an event tells of."""
    if not isinstance(event, TurnFinished):
        return 0
    said = [each.message for each in parse(event.ids, o200k_harmony(), role=Role.ASSISTANT)]
    return sum(message.channel == Channel.ANALYSIS and message.recipient is None for message in said)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60, help="cases of each family")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--family", choices=[*(name for name, _, _ in FAMILIES), STRANGERS], help="only this one")
    parser.add_argument("--here", action="store_true", help="in this process, without the command line")
    parser.add_argument("--no-masks", action="store_true", help="hold turns to nothing; in this process")
    given = parser.parse_args(arguments)
    cases = [case for case in fresh(given.count, given.seed) if case.family == (given.family or case.family)]
    if given.no_masks or given.here:
        outcomes = [ask_here(case, given.model, masks=not given.no_masks) for case in cases]
    else:
        with ThreadPoolExecutor(given.parallel) as pool:
            outcomes = list(pool.map(partial(ask, model=given.model), cases))
    for case, outcome in zip(cases, outcomes, strict=True):
        if not case.is_right(outcome):
            got = " ".join([*(f"{name}{arguments}" for name, arguments in outcome.calls), outcome.answer])
            print(f"wrong ({case.family}, {case.effort}): {case.task['input']!r} | {case.wanted} | {got}")
    for family in dict.fromkeys(case.family for case in cases):
        for effort in EFFORTS:
            own = [
                pair
                for pair in zip(cases, outcomes, strict=True)
                if (pair[0].family, pair[0].effort) == (family, effort)
            ]
            right = sum(case.is_right(outcome) for case, outcome in own)
            # Low reasons in no message, medium in one, high in more.
            followed = sum(min(outcome.thoughts, 2) == EFFORTS.index(effort) for _, outcome in own)
            print(f"{family}, effort {effort}: {right} of {len(own)} right, {followed} follow the effort")
    return 0


if __name__ == "__main__":
    sys.exit(main())
