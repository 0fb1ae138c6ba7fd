"""What a final answer has to be: the schema that the model is shown and held to, and how its text becomes a value.

A type goes through pydantic, a JSON Schema through jsonschema. What an engine cannot mask is still validated here, and
an answer that does not fit is told to the model, a line for each fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, get_origin

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from jsonschema.protocols import Validator
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY
from typing_extensions import TypeVar

from cadenza.harmony import JsonObject, Message, ResponseFormat
from cadenza.tools import fault_lines, read_json, schema_fault_line

from .errors import OutputError, UserError
from .events import OutputInvalid
from .state import RunState

O = TypeVar("O", default=str)  # noqa: E741 - the output's type

REPAIRS = 2  # turns that an answer has to be put right
_MOST_FAULTS = 10


class Unfit(Exception):  # noqa: N818 - an outcome
    """The text is not what the answer has to be. faults: a line for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults[:_MOST_FAULTS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output(Generic[O]):
    """format: as the developer message shows it; read: from the answer's text to its value, raises Unfit."""

    format: ResponseFormat
    read: Callable[[str], O]

    def faults(self, text: str) -> list[str]:
        """What is wrong with the text of an answer, a line each."""
        try:
            self.read(text)
        except Unfit as unfit:
            return unfit.faults
        return []


def output_of(kind: type[O] | JsonObject, name: str | None = None) -> Output[O]:
    """What an answer of that type, or of that JSON Schema, has to be. Raises UserError where none can be made of it."""
    if isinstance(kind, Mapping):
        return _of_schema(kind, name or str(kind.get("title") or "answer"))
    try:
        adapter: TypeAdapter[O] = TypeAdapter(kind)
        schema = _closed(adapter.json_schema())
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise UserError(f"output: no JSON Schema can be made of {kind!r}: {str(error).splitlines()[0]}") from None
    description = schema.pop("description", None)

    def read(text: str) -> O:
        try:
            value = adapter.validate_json(text, strict=True)
        except ValidationError as error:
            raise Unfit(fault_lines(error, text)) from None
        _read_json(text)  # for pydantic 1e999 is a number
        return value

    known = name or getattr(get_origin(kind) or kind, "__name__", None) or "answer"
    return Output(format=ResponseFormat(name=str(known), schema=schema, description=description), read=read)


def ask_again(run: str, state: RunState, answer: str, faults: list[str]) -> OutputInvalid:
    """Tells the model what is wrong with its answer. Raises OutputError when it has been told often enough."""
    state.unfit += 1
    if state.unfit > REPAIRS:
        raise OutputError(answer, faults)
    surviving = state.transcript.renew("keep_all")  # the answer's <|return|> becomes <|end|>
    told = "\n".join(["Your answer does not fit its format. Answer again.", *faults])
    state.transcript.append(Message.user(told))
    ids, spans = state.transcript.since(0)
    return OutputInvalid(run=run, faults=tuple(faults), surviving=surviving, ids=ids, spans=spans)


def _of_schema(schema: JsonObject, name: str) -> Output[Any]:
    try:
        Draft202012Validator.check_schema(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    except SchemaError as error:
        where = "/".join(map(str, error.absolute_path)) or "its top"
        raise UserError(f"output: not a JSON Schema: at {where}: {error.message}") from None
    _resolve(schema)
    validator: Validator = Draft202012Validator(schema, registry=EMPTY_REGISTRY)  # the default one asks the network

    def read(text: str) -> Any:
        value = _read_json(text)
        faults = sorted(validator.iter_errors(value), key=lambda fault: list(map(str, fault.absolute_path)))
        if faults:
            raise Unfit([schema_fault_line(fault, whole="answer") for fault in faults])
        return value

    return Output(format=ResponseFormat(name=name, schema=schema, description=None), read=read)


def _read_json(text: str) -> Any:
    try:
        return read_json(text)
    except ValueError as error:
        raise Unfit([f"the answer is not JSON: {error}"]) from None


def _resolve(schema: JsonObject) -> None:
    """Follows every reference. Raises UserError where one leads to what is not in the schema."""
    whole = DRAFT202012.create_resource(schema)
    left, seen = [(whole, EMPTY_REGISTRY.resolver_with_root(whole))], set[int]()
    while left:
        part, resolver = left.pop()
        if id(part.contents) in seen:
            continue
        seen.add(id(part.contents))
        left += [(inner, resolver.in_subresource(inner)) for inner in part.subresources()]
        for keyword in ("$ref", "$dynamicRef"):
            if not isinstance(part.contents, Mapping) or keyword not in part.contents:
                continue
            reference = part.contents[keyword]
            try:
                found = resolver.lookup(reference)
            except Unresolvable:
                raise UserError(f"output: the JSON Schema refers to {reference!r}, which is not in it") from None
            left.append((DRAFT202012.create_resource(found.contents), found.resolver))


def _closed(schema: Any) -> Any:
    """With `additionalProperties: false` wherever an object of a type says nothing: other keys would be dropped."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))}
    if "properties" in closed and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
