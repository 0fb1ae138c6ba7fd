"""What a server offers, as what a model sees: names that a header can carry, text of bounded length, tame schemas.

All of it is the server's word. A schema that is none, or is too large, becomes "any object", and the server looks at
the arguments itself. So it does with patterns: a matcher that backtracks could be made to hang by one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from referencing.exceptions import Unresolvable
from referencing.jsonschema import EMPTY_REGISTRY

from cadenza.harmony import JsonObject, ToolDescription

from ..errors import ToolError
from ..faults import first_lines, schema_fault_line
from ..plain import clean, clean_line

if TYPE_CHECKING:
    from mcp_types import Tool

MOST_OFFERED: Final = 128
"""Tools of one server that a model is shown: each costs it a hundred tokens or so in every run."""
DESCRIPTION_CHARACTERS: Final = 4_000
_ARGUMENT_CHARACTERS: Final = 1_000  # of the description of one argument
_SCHEMA_CHARACTERS: Final = 64_000
_SCHEMA_DEPTH: Final = 32
_MOST_REFERENCES: Final = 16  # a chain of schemas that each refer to two others takes time without end
_NAME_CHARACTERS: Final = 60  # leaves room for a number behind it
_ANY_OBJECT: Final[JsonObject] = {"type": "object"}


@dataclass(frozen=True, slots=True)
class Offer:
    """One tool. name: the server's; described: ours; validator: of arguments, None where the server sees to it."""

    name: str
    described: ToolDescription
    validator: Validator | None

    def faults(self, values: Mapping[str, Any]) -> list[str]:
        """What is wrong with the arguments, a line for each field."""
        if self.validator is None:
            return []
        try:
            found = sorted(self.validator.iter_errors(values), key=lambda fault: list(map(str, fault.absolute_path)))
        except (Unresolvable, RecursionError, ArithmeticError):  # of numbers too large to be divided
            return []
        return first_lines(list(dict.fromkeys(schema_fault_line(fault, whole="arguments") for fault in found)))


def offers(tools: Sequence[Tool], allow: Sequence[str]) -> dict[str, Offer]:
    """By the name that the model calls. Raises ToolError for none, and for more than can be shown."""
    chosen = allowed(tools, allow)
    if not tools:
        raise ToolError("it offers no tools")
    if not chosen:
        known = ", ".join(clean_line(tool.name, 64) for tool in tools[:20])
        raise ToolError(f"none of its {len(tools)} tools fits allow: {list(allow)}; there is {known}")
    if len(chosen) > MOST_OFFERED:
        raise ToolError(
            f"it offers {len(chosen)} tools, of which a run takes {MOST_OFFERED}; choose with allow: [glob]"
        )
    made: dict[str, Offer] = {}
    for tool in chosen:
        name = _free(_carried(tool.name), made)
        schema = _tame(tool.input_schema)
        description = clean(tool.description or tool.title or "")[:DESCRIPTION_CHARACTERS]
        described = ToolDescription(
            name=name, description=description, parameters=schema if schema.get("properties") != {} else None
        )
        made[name] = Offer(tool.name, described, None if schema is _ANY_OBJECT else _validator(schema))
    return made


def allowed(tools: Sequence[Tool], allow: Sequence[str]) -> list[Tool]:
    """Those whose name fits one of the globs."""
    return [tool for tool in tools if any(fnmatchcase(tool.name, glob) for glob in allow)]


def _carried(name: str) -> str:
    """The nearest name of ASCII letters, digits and underscores."""
    name = re.sub(r"\W", "_", name, flags=re.ASCII)[:_NAME_CHARACTERS] or "_"
    return f"_{name}" if name[0].isdigit() else name


def _free(name: str, taken: Mapping[str, object]) -> str:
    """`name`, with a number behind it if another tool has it."""
    made, number = name, 2
    while made in taken:
        made, number = f"{name}_{number}", number + 1
    return made


def _tame(schema: Any) -> JsonObject:
    """The schema with short descriptions, _ANY_OBJECT where it cannot be used."""
    try:
        if len(json.dumps(schema)) > _SCHEMA_CHARACTERS:
            return _ANY_OBJECT
        if schema.get("type") != "object":
            return _ANY_OBJECT
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
        tamed: JsonObject = _shortened(schema, 0)
    except (SchemaError, RecursionError, TypeError, ValueError, AttributeError, re.error):
        return _ANY_OBJECT
    return tamed


_VALUES: Final = frozenset({"const", "default", "enum", "examples"})  # what is no schema


def _shortened(schema: Any, depth: int) -> Any:
    """With short descriptions, and without titles, which repeat names. Raises ValueError if nested too deeply."""
    if depth > _SCHEMA_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(schema, list):
        return [_shortened(part, depth + 1) for part in schema]
    if not isinstance(schema, dict):
        return schema
    short = {
        key: part if key in _VALUES and not isinstance(part, dict) else _shortened(part, depth + 1)
        for key, part in schema.items()
        if not (key == "title" and isinstance(part, str))
    }
    if isinstance(short.get("description"), str):
        short["description"] = clean_line(short["description"], _ARGUMENT_CHARACTERS)
    return short


def _validator(schema: JsonObject) -> Validator | None:
    """Of what is checked here; None for a schema that could keep us busy for long."""
    text = json.dumps(schema)
    if text.count('Ref"') + text.count('$ref"') > _MOST_REFERENCES or '"patternProperties"' in text:
        return None
    known = validator_for(schema, default=Draft202012Validator)
    kind = extend(known, {"pattern": _left_to_the_server})  # type: ignore[no-untyped-call]
    validator: Validator = kind(schema, registry=EMPTY_REGISTRY)  # the default one asks the network
    return validator


def _left_to_the_server(*_: object) -> Iterator[ValidationError]:
    yield from ()
