"""What a function returned, as what the model reads: text as it is, other values as JSON, nothing as "done"."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

from pydantic_core import to_jsonable_python

from .toolset import Artefact, ToolResult, compact_json

RESULT_BYTES: Final = 32 * 1024
"""How much of a result the model reads, unless a toolset says otherwise."""


def result_of(value: Any, *, returns_nothing: bool) -> ToolResult:
    """The result that stands for `value`. returns_nothing: the function is declared to, so None means it went well.

    Raises TypeError if it is no JSON value, nor can be made one.
    """
    match value:
        case ToolResult():
            return value
        case str():
            return ToolResult(text=str(value))
        case None:
            return ToolResult(text="done" if returns_nothing else "null")
        case Artefact(media_type=kind):
            return ToolResult(images=(value,)) if kind.startswith("image/") else ToolResult(artefacts=(value,))
    try:
        # Infinities and NaN are no JSON: they become strings.
        plain = json.loads(json.dumps(to_jsonable_python(value)), parse_constant=str)
    except (ValueError, TypeError, RecursionError) as error:
        raise TypeError(f"the tool returned {type(value).__name__}, which is no JSON value: {error}") from None
    return ToolResult(text=compact_json(plain), json=plain)


def timed_out(seconds: float) -> ToolResult:
    """The result of a call that was given up."""
    return ToolResult(text=f"timed out after {seconds:g} seconds; whether it took effect is unknown", status="timeout")


def fit(result: ToolResult, limit: int) -> ToolResult:
    """`result` with a text that can be encoded and, above `limit` bytes of UTF-8, keeps its head and its tail only."""
    data = result.text.encode("utf-8", "backslashreplace")  # half a surrogate pair cannot be encoded
    text = data.decode()
    if len(data) > limit:
        head = data[: limit // 2].decode(errors="ignore")
        tail = data[len(data) - (limit - limit // 2) :].decode(errors="ignore")
        text = f"{head}\n[{len(text) - len(head) - len(tail)} characters dropped]\n{tail}"
    return result if text == result.text else replace(result, text=text)
