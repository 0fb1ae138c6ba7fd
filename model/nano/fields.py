"""Fields: a key, a kind and a value, as functions take them and forms ask for them.

Keys and values are mostly words that do not exist, so that nothing but copying helps; a value stands in a text just as
it is to be copied.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from keyword import iskeyword
from typing import Final, Literal, TypeAlias

from cadenza.harmony import JsonObject

from . import words
from .draw import Draw

Kind: TypeAlias = Literal["string", "integer", "number", "boolean", "enum"]
Value: TypeAlias = str | int | float | bool
Make: TypeAlias = Callable[[Draw], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """choices: of an enum; of: what a string is, any if empty."""

    key: str
    kind: Kind
    of: str = ""
    description: str | None = None
    choices: tuple[str, ...] = ()

    @property
    def schema(self) -> JsonObject:
        """As pydantic writes it."""
        described: JsonObject = {"description": self.description} if self.description is not None else {}
        if self.kind == "enum":
            return {**described, "enum": list(self.choices), "type": "string"}
        return {**described, "type": self.kind}

    @property
    def spoken(self) -> str:
        """The key in a sentence."""
        return self.key.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Filled:
    """A field with a value. written: the value as a text has it."""

    field: Field
    value: Value
    written: str


def fields(draw: Draw, count: int, *, described: float = 0.12) -> list[Field]:
    """Fields with different keys. described: how many of them have a description."""
    return [_field(draw, key, described) for key in different(draw, count, key)]


def fill(draw: Draw, field: Field) -> Filled:
    """A fresh value."""
    match field.kind:
        case "enum":
            chosen = draw.rng.choice(field.choices)
            return Filled(field, chosen, chosen)
        case "integer":
            whole = draw.integer(6)
            return Filled(field, whole, str(whole))
        case "number":
            decimal = round(draw.integer(4) + draw.rng.randint(1, 99) / 100, 2)
            return Filled(field, decimal, str(decimal))
        case "boolean":
            is_so = draw.chance(0.5)
            return Filled(field, is_so, draw.rng.choice(["true", "yes"] if is_so else ["false", "no"]))
        case "string":
            text = STRINGS[field.of](draw) if field.of else string(draw)
            return Filled(field, text, text)


def object_schema(own: Sequence[Field]) -> JsonObject:
    """A flat object, every key required and no other one allowed, as a function's arguments are described."""
    return {
        "additionalProperties": False,
        "properties": {field.key: field.schema for field in own},
        "required": [field.key for field in own],
        "type": "object",
    }


def compact(value: object) -> str:
    """JSON as masks have it, and as results are told."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def different(draw: Draw, count: int, make: Make) -> Iterator[str]:
    seen = set[str]()
    while len(seen) < count:
        made = make(draw)
        if made not in seen:
            seen.add(made)
            yield made


def word(draw: Draw, table: tuple[str, ...]) -> str:
    """One of a table, sometimes of another one, or one that does not exist."""
    kind = draw.rng.random()
    if kind < 0.5:
        return draw.phrase(table) if kind < 0.3 else draw.real_word()
    return draw.word() if kind < 0.75 else draw.letters()


def key(draw: Draw) -> str:
    """A key, of one word or two, that may be a parameter of a Python function."""
    made = word(draw, words.KEYS)
    if "_" not in made and (iskeyword(made) or draw.chance(0.15)):
        made = f"{made}_{word(draw, words.NOUNS)}"
    return made


def _field(draw: Draw, key: str, described: float) -> Field:
    kind: Kind = draw.rng.choices(_KINDS, [0.48, 0.28, 0.08, 0.08, 0.08])[0]
    description = draw.any(_DESCRIPTIONS).format(key.replace("_", " ")) if draw.chance(described) else None
    choices: tuple[str, ...] = ()
    if kind == "enum":
        choices = tuple(different(draw, draw.rng.randint(2, 3), lambda draw: word(draw, words.NOUNS)))
    return Field(key=key, kind=kind, description=description, choices=choices)


def string(draw: Draw) -> str:
    """Any of the kinds below."""
    return STRINGS[draw.rng.choices(list(STRINGS), _SHARES)[0]](draw)


def _person(draw: Draw) -> str:
    return draw.name() if draw.chance(0.6) else f"{draw.name()} {draw.name()}"


def _words(draw: Draw) -> str:
    return " ".join(word(draw, words.THINGS) for _ in range(2 if draw.chance(0.7) else 3))


def _code(draw: Draw) -> str:
    mark = draw.letters()[:3].upper() if draw.chance(0.6) else draw.letters()[:2]
    return f"{mark}{draw.rng.choice(['-', '', '-', '/'])}{draw.integer(5)}"


def _date(draw: Draw) -> str:
    return f"20{draw.rng.randint(10, 39)}-{draw.rng.randint(1, 12):02d}-{draw.rng.randint(1, 28):02d}"


def _email(draw: Draw) -> str:
    return f"{draw.letters()}@{draw.word()}.{draw.rng.choice(['com', 'org', 'net'])}"


STRINGS: Final[dict[str, Make]] = {
    "thing": lambda draw: word(draw, words.THINGS),
    "word": lambda draw: word(draw, words.NOUNS),
    "words": _words,
    "person": _person,
    "place": Draw.name,
    "company": lambda draw: f"{draw.name()} {draw.rng.choice(['Ltd', 'Inc', 'Group', 'Works', '& Sons'])}",
    "code": _code,
    "date": _date,
    "time": lambda draw: f"{draw.rng.randint(0, 23):02d}:{draw.rng.randint(0, 59):02d}",
    "email": _email,
}
"""What a string may be, and what makes one."""
_SHARES: Final = (0.15, 0.15, 0.18, 0.17, 0.03, 0.03, 0.12, 0.08, 0.03, 0.06)
_KINDS: tuple[Kind, ...] = ("string", "integer", "number", "boolean", "enum")
_DESCRIPTIONS = ("The {}.", "Its {}.", "The {} (of it|to use).", "(A|Some) {}.", "What the {} is.")
