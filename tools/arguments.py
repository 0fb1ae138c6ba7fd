"""The text of a call's arguments: what is mended, and what goes back to the model, a line per field.

Mended is only what models really emit and what has one meaning: the object inside a list of its own, and text after a
complete object. Everything else goes back to the model.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from .faults import fault_lines, first_lines, shown
from .signature import Signature
from .toolset import compact_json


class ArgumentRepair(StrEnum):
    """What was mended in the arguments."""

    ONE_ELEMENT_ARRAY = "one_element_array"
    """The object was the only element of an array."""
    JUNK_AFTER_OBJECT = "junk_after_object"
    """Text followed the object: left out."""


class ArgumentError(Exception):
    """The arguments are not what the function takes. The message has a line per field at fault."""


def find_object(arguments: str) -> tuple[str, tuple[ArgumentRepair, ...]]:
    """The text of the JSON object in `arguments`, "{}" if they are empty. Raises ArgumentError if there is none."""
    text = arguments.encode("utf-8", "replace").decode().strip()
    if not text:
        return "{}", ()
    repairs: list[ArgumentRepair] = []
    try:
        value = read_json(text)
    except ValueError as error:
        try:
            if not (text := _complete_prefix(text)):
                raise error
            value = read_json(text)
        except ValueError as left:
            raise ArgumentError(f"the arguments are not valid JSON: {left}") from None
        repairs.append(ArgumentRepair.JUNK_AFTER_OBJECT)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        text, value = compact_json(value[0]), value[0]
        repairs.append(ArgumentRepair.ONE_ELEMENT_ARRAY)
    if not isinstance(value, dict):
        raise ArgumentError(f"the arguments must be one JSON object, not {shown(value)}")
    return text, tuple(repairs)


def read_json(text: str) -> Any:
    """The value of a JSON text. NaN and infinity are none, in whatever way they are spelt. Raises ValueError."""
    value = from_json(text, allow_inf_nan=False)
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise ValueError("a number is too large") from None
    return value


def validate(signature: Signature, text: str) -> dict[str, Any]:
    """Keyword arguments from the text of a JSON object. Raises ArgumentError."""
    try:
        return signature.validate(text)
    except ValidationError as error:
        known = list(signature.schema.get("properties", ()))
        lines = fault_lines(error, text, known=known, whole="arguments")
    raise ArgumentError("\n".join(first_lines(lines)))


def _complete_prefix(text: str) -> str:
    """The JSON value that `text` begins with; "" if there is none."""
    try:
        return text[: json.JSONDecoder().raw_decode(text)[1]]
    except (ValueError, RecursionError):
        return ""
