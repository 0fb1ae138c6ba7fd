"""What a function returned, as what the model reads: text as it is, other values as JSON, nothing as "done"."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

from pydantic_core import to_jsonable_python

from .toolset import Artefact, ToolResult, compact_json

RESULT_BYTES: Final = 32 * 1024
"""How much of a result the model reads, unless a toolset says otherwise."""
_NOTE_BYTES: Final = 80  # more than the note on what was left out has, but for the name


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


def encodable(result: ToolResult) -> ToolResult:
    """`result` with a text that is one: half a surrogate pair cannot be encoded, and is spelled out."""
    text = result.text.encode("utf-8", "backslashreplace").decode()
    return result if text == result.text else replace(result, text=text)


def fit(result: ToolResult, limit: int, *, name: str = "result.txt") -> ToolResult:
    """`result` with a text that, above `limit` bytes of UTF-8, keeps its head and its tail only.

    Then the whole is one more artefact, and the line between head and tail gives the model its name.
    """
    result = encodable(result)
    data = result.text.encode()
    if len(data) <= limit:
        return result
    room = max(2, limit - len(name) - _NOTE_BYTES)  # with the note, a second time it fits
    head, tail = data[: room // 2].decode(errors="ignore"), data[len(data) - room // 2 :].decode(errors="ignore")
    dropped = len(result.text) - len(head) - len(tail)
    text = f"{head}\n[{dropped} characters left out; the whole is kept as {name}]\n{tail}"
    return replace(result, text=text, artefacts=(*result.artefacts, Artefact(name, "text/plain", data)))
