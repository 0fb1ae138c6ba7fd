"""Scores the bundled model on fresh problems of its family, each put to `agent run` as a user would.

Half of the problems are in phrases of the training tables, with fresh numbers, names and things; half in phrases that
training never saw, with names and things of other syllables. An answer is right if its last number is.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cadenza.harmony import EFFORTS, Channel, Effort, Role, o200k_harmony, parse
from cadenza.model.nano.curriculum import Draw, Problem, problem

from ..events import Event, RunFailed, RunFinished, TurnFinished, from_json

COMMAND = (sys.executable, "-m", "cadenza.agent", "run", "-", "--json")
PHRASES = ("trained", "held out")


@dataclass(frozen=True, slots=True)
class Question:
    problem: Problem
    effort: Effort
    phrases: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """answer: the final one, or what went wrong; thoughts: messages of reasoning."""

    question: Question
    answer: str
    thoughts: int

    @property
    def right(self) -> bool:
        words = self.answer.replace(",", "").split()
        return bool(words) and words[-1].rstrip(".") == self.question.problem.answer

    @property
    def effort_followed(self) -> bool:
        """Low reasons in no message, medium in one, high in more."""
        return min(self.thoughts, 2) == EFFORTS.index(self.question.effort)


def fresh(count: int, seed: int) -> Iterator[Question]:
    """Problems of both kinds, the efforts in turn."""
    for phrases in PHRASES:
        draw = Draw(random.Random(f"{seed} {phrases}"), held_out=phrases == "held out")
        for at in range(count // 2):
            yield Question(problem(draw), EFFORTS[at % len(EFFORTS)], phrases)


def ask(question: Question, model: str) -> Outcome:
    """One problem through the command line, greedily as nano decodes by itself."""
    task = {"input": question.problem.question, "tools": ["python"], "limits": {"turns": 8, "tokens": 2000}}
    if question.problem.instructions is not None:
        task["instructions"] = question.problem.instructions
    with tempfile.TemporaryDirectory() as folder:
        command = [*COMMAND, "--effort", question.effort, "--model", model, "--journal", str(Path(folder, "runs.db"))]
        run = subprocess.run(
            command, input=json.dumps(task), capture_output=True, text=True, timeout=300
        )  # JSON is YAML
    events = [from_json(json.loads(line)) for line in run.stdout.splitlines()]
    return Outcome(question, _ending(events, run.stderr), sum(map(thoughts, events)))


def _ending(events: Sequence[Event], complaint: str) -> str:
    match events[-1] if events else None:
        case RunFinished(answer=answer):
            return answer
        case RunFailed(error=error):
            return f"failed: {error}"
        case _:
            return f"failed: {complaint}"


def thoughts(event: Event) -> int:
    """Messages of reasoning that an event tells of."""
    if not isinstance(event, TurnFinished):
        return 0
    said = [each.message for each in parse(event.ids, o200k_harmony(), role=Role.ASSISTANT)]
    return sum(message.channel == Channel.ANALYSIS and message.recipient is None for message in said)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--model", default="nano")
    given = parser.parse_args(arguments)
    with ThreadPoolExecutor(given.parallel) as pool:
        outcomes = list(pool.map(lambda question: ask(question, given.model), fresh(given.count, given.seed)))
    for outcome in outcomes:
        if not outcome.right:
            asked = outcome.question
            wanted = f"{asked.problem.expression} = {asked.problem.answer}"
            print(f"wrong ({asked.phrases}, {asked.effort}): {asked.problem.question} | {wanted} | {outcome.answer}")
    for phrases in PHRASES:
        for effort in EFFORTS:
            own = [each for each in outcomes if (each.question.phrases, each.question.effort) == (phrases, effort)]
            right, followed = sum(each.right for each in own), sum(each.effort_followed for each in own)
            print(f"{phrases} phrases, effort {effort}: {right} of {len(own)} right, {followed} follow the effort")
    print(f"right: {sum(outcome.right for outcome in outcomes)} of {len(outcomes)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
