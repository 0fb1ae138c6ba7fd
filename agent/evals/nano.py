"""Scores the bundled model on fresh problems of its family, each put to `agent run` as a user would.

Problems come from the held-out half of the curriculum: phrases, names and syllables that training never saw.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cadenza.harmony import EFFORTS, Effort
from cadenza.model.nano.curriculum import Draw, Problem, problem

COMMAND = (sys.executable, "-m", "cadenza.agent", "run", "-")


@dataclass(frozen=True, slots=True)
class Outcome:
    problem: Problem
    effort: Effort
    stdout: str
    stderr: str
    code: int

    @property
    def right(self) -> bool:
        """Whether the last number of the answer is the right one."""
        words = self.stdout.replace(",", "").split()
        return self.code == 0 and bool(words) and words[-1].rstrip(".") == self.problem.answer


def ask(problem: Problem, effort: Effort) -> Outcome:
    """One problem through the command line."""
    task = {"input": problem.question, "tools": ["python"], "effort": effort, "limits": {"turns": 8, "tokens": 2000}}
    if problem.instructions is not None:
        task["instructions"] = problem.instructions
    run = subprocess.run(COMMAND, input=json.dumps(task), capture_output=True, text=True, timeout=300)  # JSON is YAML
    return Outcome(problem, effort, run.stdout, run.stderr, run.returncode)


def fresh(count: int, seed: int) -> list[tuple[Problem, Effort]]:
    """Held-out problems, the efforts in turn."""
    draw = Draw(random.Random(seed), held_out=True)
    return [(problem(draw), EFFORTS[at % len(EFFORTS)]) for at in range(count)]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=2)
    given = parser.parse_args(arguments)
    with ThreadPoolExecutor(given.parallel) as pool:
        outcomes = list(pool.map(lambda pair: ask(*pair), fresh(given.count, given.seed)))
    asked, right = Counter(o.effort for o in outcomes), Counter(o.effort for o in outcomes if o.right)
    for outcome in outcomes:
        if not outcome.right:
            answer = " ".join((outcome.stdout or outcome.stderr).split()[-12:])
            wanted = f"{outcome.problem.expression} = {outcome.problem.answer}"
            print(f"wrong ({outcome.effort}): {outcome.problem.question} | {wanted} | {answer}")
    for effort in EFFORTS:
        print(f"{effort}: {right[effort]} of {asked[effort]}")
    print(f"right: {right.total()} of {asked.total()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
