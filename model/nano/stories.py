"""Word problems and the formulas that solve them, every fifth one held out: the texts of the folder `problems/`.

A section's head is the formula of its problems, such as `{a} + {b}`; `(x|y)` draws one wording. The letters a to f
stand for numbers, q for a percentage, n and m for people, t and u for things, p for a place. `in_text_order` makes
numbers be computed with in the order of the text, where that makes no difference.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Final, TypeAlias

from .sections import sections

Story: TypeAlias = tuple[str, str]


def _read(*names: str) -> Iterator[Story]:
    for formula, texts in sections("problems", *names):
        yield from ((text, formula) for text in texts)


def in_text_order(formula: str, text: str) -> str:
    """The same formula with sums and products in the order of the text; in products constants first, q last."""
    at = {letter: text.find(f"{{{letter}}}") for letter in "abcdefq"}
    tree = ast.parse(re.sub(r"\{(\w)\}", r"\1", formula), mode="eval")
    return re.sub(r"\b([a-fq])\b", r"{\1}", ast.unparse(_InOrder(at).visit(tree)))


class _InOrder(ast.NodeTransformer):
    def __init__(self, at: Mapping[str, int]) -> None:
        self._at = at

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Add | ast.Sub):
            terms = list(_terms(node))
            if not any(isinstance(term, ast.Constant) for _, term in terms):
                terms.sort(key=lambda term: self._key(term[1]))
                first = next(term for term in terms if isinstance(term[0], ast.Add))
                terms.sort(key=lambda term: term is not first)
            return reduce(lambda left, term: ast.BinOp(left, *term), terms[1:], terms[0][1])
        if isinstance(node.op, ast.Mult):
            factors = list(_factors(node))
            if not any(isinstance(factor, ast.BinOp) and isinstance(factor.op, _DIVIDING) for factor in factors):
                factors.sort(key=self._key)
            return reduce(lambda left, factor: ast.BinOp(left, ast.Mult(), factor), factors)
        return node

    def _key(self, node: ast.expr) -> tuple[bool, int]:
        names = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
        return "q" in names, min((self._at[name] for name in names), default=-1)


_DIVIDING: Final = (ast.Div, ast.FloorDiv, ast.Mod)


def _terms(node: ast.expr) -> Iterator[tuple[ast.operator, ast.expr]]:
    match node:
        case ast.BinOp(left, ast.Add(), right):
            yield from _terms(left)
            yield from _terms(right)
        case ast.BinOp(left, ast.Sub() as symbol, right):
            yield from _terms(left)
            yield symbol, right
        case _:
            yield ast.Add(), node


def _factors(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.BinOp(left, ast.Mult(), right):
            yield from _factors(left)
            yield from _factors(right)
        case _:
            yield node


STORIES: Final = tuple(
    _read(
        "stories",
        "sums",
        "products",
        "chains",
        "shares",
        "schoolbook",
        "everyday",
        "colloquial",
        "primary",
        "steps",
        "units",
        "parts",
        "bare",
        "world",
        "trial",
        "compare",
    )
)
"""All of them. The order decides what is held out: what is new comes last."""
