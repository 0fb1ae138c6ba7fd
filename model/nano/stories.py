"""Word problems and the formulas that solve them, every fifth one held out: the texts of the folder `problems/`.

`# {a} + {b}` is the formula of what follows it. `- ` begins a problem, which may go on in indented lines; `(x|y)` draws
one wording. The letters a to d stand for numbers, q for a percentage, n and m for people, t and u for things, p for a
place.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Final

FILES: Final = ("stories", "sums", "products", "chains", "shares", "schoolbook", "everyday")
"""In this order, which decides what is held out: what is new comes last."""


def _read() -> Iterator[tuple[str, str]]:
    for name in FILES:
        for section in files(__package__).joinpath("problems", f"{name}.txt").read_text().split("# ")[1:]:
            formula, *problems = section.split("\n- ")
            for problem in problems:
                yield " ".join(problem.split()), formula.strip()


STORIES: Final = tuple(_read())
