"""`model:` of a task file: a name, an engine, or several of them, of which the later ones are fallbacks."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from cadenza.harmony import HarmonyError, Message
from cadenza.model import DEFAULT, Dense, LocalModel, ScriptedEngine, TokenEngine
from cadenza.tools.address import is_address

from .errors import UserError
from .fields import Count, Fields

_ON_A_SERVER: Final = frozenset({"base_url", "name", "context", "api_key"})
_TAKES: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "torch": (frozenset(), frozenset({"name", "device", "dense", "memory"})),
    "completions": (frozenset({"base_url", "name"}), _ON_A_SERVER | {"speaks"}),
    "chat": (frozenset({"base_url", "name"}), _ON_A_SERVER),
    "responses": (frozenset({"base_url", "name"}), _ON_A_SERVER),
    "scripted": (frozenset({"turns"}), frozenset({"turns"})),
}
"""What an engine needs, and all that it takes."""


class EngineFields(Fields):
    """`model:` as a mapping.

    torch: a model in this process, as a name alone means it; device: as torch calls it; dense: "int8" rounds the layers
    that are no experts, for speed; memory: bytes for keys and values, all runs together.
    completions: a server that takes token ids; speaks: whose protocol it has.
    chat, responses: a server that takes messages, by the API of that name.
    api_key: the environment variable that holds a server's key; context: tokens in all.
    scripted: plays turns written down beforehand, each a list of harmony messages.
    """

    engine: Literal["torch", "completions", "chat", "responses", "scripted"]
    base_url: str | None = None
    name: str | None = None
    speaks: Literal["vllm", "sglang", "llama.cpp"] = "vllm"
    context: Count = 131_072
    device: str = "cpu"
    dense: Dense = "stored"
    memory: Count | None = None
    api_key: str | None = None
    turns: list[list[dict[str, Any]]] | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> EngineFields:
        needed, taken = _TAKES[self.engine]
        if missing := sorted(name for name in needed if getattr(self, name) is None):
            raise ValueError(f"engine {self.engine} needs {' and '.join(missing)}")
        if unknown := sorted(self.model_fields_set - taken - {"engine"}):
            raise ValueError(f"engine {self.engine} takes no {' or '.join(unknown)}")
        return self

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, address: str | None) -> str | None:
        if address is not None and not is_address(address):
            raise ValueError(f"{address!r} is no address; write http://127.0.0.1:8000/v1")
        return address

    @field_validator("api_key")
    @classmethod
    def _is_variable(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise ValueError("write the name of an environment variable, never a key itself")
        return name

    @field_validator("turns")
    @classmethod
    def _are_messages(cls, turns: list[list[dict[str, Any]]] | None) -> list[list[dict[str, Any]]] | None:
        for at, turn in enumerate(turns or ()):
            for message in turn:
                try:
                    Message.from_json({"role": "assistant", **message})
                except HarmonyError as error:
                    raise ValueError(f"turn {at + 1}: {error}") from None
        return turns

    def start(self, after: int = 0) -> LocalModel | TokenEngine:
        """The engine. after: turns that an earlier process has played. Raises UserError for a key that is not there."""
        if self.engine == "torch":
            return LocalModel(self.name or DEFAULT, device=self.device, dense=self.dense, memory=self.memory)
        if self.engine == "scripted":
            turns = self.turns or ()
            played = [[Message.from_json({"role": "assistant", **message}) for message in turn] for turn in turns]
            return ScriptedEngine(played[after:])
        from cadenza.model.engines.chat import Chat
        from cadenza.model.engines.completions import CompletionsEngine
        from cadenza.model.engines.http import Server
        from cadenza.model.engines.messages import MessagesEngine
        from cadenza.model.engines.responses import Responses

        key = None if self.api_key is None else os.environ.get(self.api_key)
        if self.api_key is not None and not key:
            raise UserError(f"model: the environment variable {self.api_key} is not set")
        server, name = Server(base_url=(self.base_url or "").rstrip("/"), api_key=key), self.name or ""
        if self.engine == "completions":
            return CompletionsEngine(server=server, name=name, speaks=self.speaks, context=self.context)
        wire = Chat() if self.engine == "chat" else Responses()
        return MessagesEngine(server=server, name=name, wire=wire, context=self.context)


ALTERNATIVES: Final = ("a name", "an engine", "one model", "several")
"""How validation calls the forms of `model:`; no keys of a task file."""

_One: TypeAlias = Annotated[
    Annotated[str, Tag(ALTERNATIVES[0])] | Annotated[EngineFields, Tag(ALTERNATIVES[1])],
    Discriminator(lambda value: ALTERNATIVES[isinstance(value, dict | EngineFields)]),
]
ModelField: TypeAlias = Annotated[
    Annotated[_One, Tag(ALTERNATIVES[2])] | Annotated[list[_One], Field(min_length=1), Tag(ALTERNATIVES[3])],
    Discriminator(lambda value: ALTERNATIVES[2 + isinstance(value, list)]),
]


def started(
    field: str | EngineFields | list[str | EngineFields], after: int
) -> Sequence[str | LocalModel | TokenEngine]:
    """The models, in their order. Raises UserError."""
    models = field if isinstance(field, list) else [field]
    return [each if isinstance(each, str) else each.start(after) for each in models]
