"""Word problems: the texts of the tables, and formulas in the order of their texts."""

from __future__ import annotations

import random
import re

import pytest

from cadenza.model.nano.curriculum import problem
from cadenza.model.nano.draw import Draw
from cadenza.model.nano.stories import STORIES, in_text_order


@pytest.mark.parametrize(
    ("formula", "text", "ordered"),
    [
        ("{a} + {b}", "{b} and {a}", "{b} + {a}"),
        ("{a} - {b} + {c}", "{c} came, {b} left of {a}", "{c} - {b} + {a}"),
        ("{a} - {b}", "{b} less than {a}", "{a} - {b}"),
        ("{a} - {b} - {c}", "{c} and {b} of {a}", "{a} - {c} - {b}"),
        ("{a} - ({b} + {c})", "{c} and {b} of {a}", "{a} - ({c} + {b})"),
        ("{a} * {b} + {c}", "{c}, then {b} times {a}", "{c} + {b} * {a}"),
        ("({a} + {b}) * 7", "{b} and {a} each day of a week", "7 * ({b} + {a})"),
        ("{q} * {a} / 100", "{q}% of {a}", "{a} * {q} / 100"),
        ("{a} * (100 + {q}) / 100", "{q}% more than {a}", "{a} * (100 + {q}) / 100"),
        ("{a} / {b} * {c}", "{c} at {a} for {b}", "{a} / {b} * {c}"),
        ("-(-{a} // {b})", "{b} in each bus for {a}", "-(-{a} // {b})"),
    ],
)
def test_a_formula_has_the_order_of_its_text(formula: str, text: str, ordered: str) -> None:
    assert in_text_order(formula, text) == ordered


def test_every_story_tells_the_numbers_of_its_formula_and_is_told_once() -> None:
    draw = Draw(random.Random(3))
    for text, formula in STORIES:
        letters = [set(re.findall(r"\{([a-fq])\}", part)) for part in (text, formula)]
        assert letters[0] == letters[1], text
        told = draw.wording(text)
        assert not set("(|)") & set(told), told
        told.format_map(dict.fromkeys("abcdefqnmtup", "1"))
    assert len({text for text, _ in STORIES}) == len(STORIES)


def test_every_problem_can_be_drawn_and_has_one_number_for_an_answer() -> None:
    draw = Draw(random.Random(11), loose=True)
    for story in STORIES:
        made = problem(draw, [story] * 5)
        assert re.fullmatch(r"-?\d+(\.\d+)?(e[-+]\d+)?", made.answer), made
        assert not re.search(r"[{}|]|  ", made.question), made.question
