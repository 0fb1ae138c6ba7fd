"""What goes to a server that takes messages and what comes from it: items, which each API says in its own way."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from cadenza.harmony import Effort, JsonObject, Message

from ..engine import Sampling


@dataclass(frozen=True, slots=True)
class Said:
    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """id: joins a call with its result; arguments: JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Returned:
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """cut: whether the server's limit came before the model's end."""

    cut: bool


Item: TypeAlias = Said | Thought | Called | Returned
Delta: TypeAlias = Said | Thought | Called | Ended
"""What a server's stream brings: pieces of text and of reasoning, whole calls, the end."""


@dataclass(frozen=True, slots=True)
class Tool:
    """name: on the server, which allows letters, digits, `_` and `-`; call: an empty message, the header of its calls.

    in_json: whether the text of a call is JSON; else it is the argument `code`.
    """

    name: str
    description: str
    parameters: JsonObject
    call: Message
    in_json: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """output: the schema of the answer, if it has one."""

    model: str
    items: Sequence[Item]
    tools: Sequence[Tool]
    output: JsonObject | None
    effort: Effort
    sampling: Sampling
    limit: int


def closed(schema: object) -> bool:
    """Whether each of its objects has all properties that it knows and no other: what hosted APIs take as `strict`."""
    if isinstance(schema, Mapping):
        if "properties" in schema:
            named = set(schema["properties"])
            if schema.get("additionalProperties") is not False or named - set(schema.get("required", ())):
                return False
        return all(map(closed, schema.values()))
    return not isinstance(schema, list | tuple) or all(map(closed, schema))


class Refused(Exception):  # noqa: N818 - an outcome
    """The server says that there will be no answer, and why."""


def as_text(said: object) -> str:
    """Raises TypeError for anything else than text."""
    if not isinstance(said, str):
        raise TypeError(f"{str(said)[:100]!r} is no text")
    return said


class Wire(Protocol):
    """How an API says it."""

    path: str

    def body(self, asked: Asked) -> dict[str, Any]:
        """The request."""

    def deltas(self, events: AsyncIterator[dict[str, Any]]) -> AsyncGenerator[Delta, None]:
        """What the events of an answer bring. Raises Refused; LookupError or TypeError for another answer."""
