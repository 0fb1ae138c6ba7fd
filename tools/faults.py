"""What is wrong with a JSON value, for a model to read: one line per field, `days: input should be a valid integer`.

By pydantic, or by a JSON Schema.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from difflib import get_close_matches
from typing import Any, Final

from jsonschema.exceptions import ValidationError as JsonSchemaError
from jsonschema.exceptions import best_match
from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from .plain import one_line

MAX_LINES: Final = 10
"""Faults that a model is told of at once."""
_MAX_SHOWN: Final = 80  # characters of a wrong value, and of where it is


def fault_lines(
    error: ValidationError, text: str, *, known: Collection[str] | None = None, whole: str = "value"
) -> list[str]:
    """A line per field of the JSON `text`. The alternatives of a union, which pydantic reports apart, are joined.

    known: the keys that there are at the top, for a hint on an unknown one; whole: what to call all of it.
    """
    try:
        given = from_json(text)
    except (ValueError, TypeError):  # TypeError: half of a surrogate pair
        given = None
    reasons: dict[str, list[str]] = {}
    values: dict[str, str] = {}
    for fault in error.errors(include_url=False, include_context=False):
        field = _path(fault, given) or whole
        at_field = reasons.setdefault(field, [])
        reason = _reason(fault, known)
        if reason not in at_field:
            at_field.append(reason)
        if fault["type"] not in _WITHOUT_VALUE:
            values[field] = f", not {shown(fault['input'])}"
    return [f"{field}: {_either(told)}{values.get(field, '')}" for field, told in reasons.items()]


def schema_fault_line(fault: JsonSchemaError, *, whole: str) -> str:
    """One line; of the alternatives of an anyOf, the one that came nearest. whole: what to call all of the value."""
    nearest = (best_match(fault.context) if fault.context else None) or fault
    where = nearest.json_path.removeprefix("$").removeprefix(".") or whole
    return one_line(f"{where}: {nearest.message}")[:200]


def first_lines(lines: list[str]) -> list[str]:
    """As many as a model is told of at once, and how many more there are."""
    return lines if len(lines) <= MAX_LINES else [*lines[:MAX_LINES], f"... and {len(lines) - MAX_LINES} more"]


def _either(reasons: list[str]) -> str:
    """As in "input should be a valid integer or a valid string"."""
    first, *more = reasons
    return " or ".join([first, *(reason.removeprefix("input should be ") for reason in more)])


_UNKNOWN: Final = {"extra_forbidden", "unexpected_keyword_argument"}
_MISSING: Final = {"missing", "missing_argument", "missing_keyword_only_argument", "missing_positional_only_argument"}
_WITHOUT_VALUE: Final = _UNKNOWN | _MISSING | {"json_invalid"}


def _path(fault: ErrorDetails, given: Any) -> str:
    """Where, such as `places[0].city`, without pydantic's names for the alternatives of a union."""
    path = ""
    last = len(fault["loc"]) - 1
    for at, key in enumerate(fault["loc"]):
        is_inside = (isinstance(given, dict) and key in given) or (
            isinstance(given, list) and isinstance(key, int) and key < len(given)
        )
        if not is_inside and not (at == last and fault["type"] in _MISSING):
            continue
        given = given[key] if is_inside else None
        path += f"[{key}]" if isinstance(key, int) else f".{key}" if path else key
    return _cut(one_line(path))


def _reason(fault: ErrorDetails, known: Collection[str] | None) -> str:
    if fault["type"] in _UNKNOWN:
        is_hinted = known is not None and len(fault["loc"]) == 1
        return f"unknown; {_nearest(str(fault['loc'][-1]), known or ())}" if is_hinted else "unknown"
    text = one_line(fault["msg"])
    for prefix in ("Value error, ", "Assertion failed, "):
        text = text.removeprefix(prefix)
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _nearest(name: str, known: Collection[str]) -> str:
    if near := get_close_matches(name, known):
        return f"did you mean {' or '.join(near)}?"
    return f"there is {', '.join(known)}" if known else "there are no arguments"


def shown(value: Any) -> str:
    """A value as short JSON."""
    return _cut(json.dumps(value, ensure_ascii=False, default=repr))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
