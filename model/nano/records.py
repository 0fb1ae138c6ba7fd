"""Functions and forms with the words in which people ask for them: the texts of the folder `requests/`.

A section's head, `name(field: kind, ...): A sentence.`, is a function, or what a form is for; each of its texts states
every field: `{field}` stands where the value does, `(x|y)` draws one wording. A kind is one of `fields.STRINGS`,
integer, number, or the values to choose from: `(small|large)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import starmap
from typing import Final

from .fields import Field
from .sections import sections

_FIELD: Final = re.compile(r"(\w+): (?:(\w+)|\((.+?)\))(?:, |$)")


@dataclass(frozen=True, slots=True)
class Record:
    """description: may be empty; texts: as the file has them."""

    name: str
    description: str
    fields: tuple[Field, ...]
    texts: tuple[str, ...]


def _read(*names: str) -> Iterator[Record]:
    return starmap(_record, sections("requests", *names))


def _record(head: str, texts: tuple[str, ...]) -> Record:
    """Raises ValueError for a head that is not like the one above."""
    if not (found := re.fullmatch(r"(\w+)\((.+)\)(?:: ([^()]+))?", head)):
        raise ValueError(f"no record: {head}")
    fields = tuple(_field(key, kind, choices) for key, kind, choices in _FIELD.findall(found[2]))
    return Record(found[1], found[3] or "", fields, texts)


def _field(key: str, kind: str, choices: str) -> Field:
    if choices:
        return Field(key=key, kind="enum", choices=tuple(choices.split("|")))
    match kind:
        case "integer" | "number":
            return Field(key=key, kind=kind)
    return Field(key=key, kind="string", of=kind)


FUNCTIONS: Final = tuple(_read("daily", "office", "various"))
FORMS: Final = tuple(_read("forms"))
"""Of both, every fifth is held out."""
OF_PEOPLE: Final = 0.1
"""How often nano learns from these, and not from what is made up."""
