"""Word problems and the formulas that solve them, every fifth one held out: the texts of the folder `problems/`.

`# {a} + {b}` is the formula of what follows it. `- ` begins a problem, which may go on in indented lines; `(x|y)` draws
one wording. The letters a to d stand for numbers, q for a percentage, n and m for people, t and u for things, p for a
place.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Final, TypeAlias

Story: TypeAlias = tuple[str, str]


def _read(*names: str) -> Iterator[Story]:
    for name in names:
        for section in files(__package__).joinpath("problems", f"{name}.txt").read_text().split("# ")[1:]:
            formula, *problems = section.split("\n- ")
            for problem in problems:
                yield " ".join(problem.split()), formula.strip()


STORIES: Final = tuple(_read("stories", "sums", "products", "chains", "shares"))
"""What the weights that ship have learnt from. The order decides what is held out: what is new comes last."""
MORE: Final = tuple(_read("schoolbook", "everyday"))
"""What the recipe teaches besides."""
