"""From a function's signature to what its arguments must be: a pydantic model, and the JSON Schema that the model sees.

Types come from the annotations, descriptions from the docstring unless a `Field` has one. Parameters annotated
`ToolContext` are injected and appear in neither. What cannot be expressed is refused when the function is decorated,
never when it is called.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from cadenza.harmony import JsonObject

from .context import ToolContext
from .docstring import read_docstring
from .errors import ToolError
from .plain import one_line


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter that the model fills. field: its name in the pydantic model; is_optional: it has a default."""

    name: str
    field: str
    is_optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a function takes.

    description: the prose of its docstring; schema: JSON Schema of an object; arguments: in order; contexts: parameters
    that get the ToolContext; returns_nothing: there is no return annotation, or it is None.
    """

    description: str
    schema: JsonObject
    model: type[BaseModel]
    arguments: tuple[Argument, ...]
    contexts: tuple[str, ...]
    returns_nothing: bool

    def validate(self, text: str) -> dict[str, Any]:
        """Keyword arguments from the text of a JSON object. Raises pydantic's ValidationError."""
        extra: Literal["forbid"] | None = None if _has_open_objects(self.schema) else "forbid"
        filled = self.model.model_validate_json(text, strict=True, extra=extra)
        # What the model left out is left to the function's own default, the very object.
        return {
            argument.name: getattr(filled, argument.field)
            for argument in self.arguments
            if not argument.is_optional or argument.field in filled.model_fields_set
        }


def read_signature(function: Callable[..., Any], name: str, local_names: Mapping[str, Any] | None = None) -> Signature:
    """The signature of `function`, called `name` in errors.

    local_names: names around the function, for annotations that are text (`from __future__ import annotations`).
    Raises ToolError that names the function and the parameter at fault.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise ToolError(f"tool {name!r}: its signature cannot be read: {error}") from None
    docs = read_docstring(getattr(function, "__doc__", None))
    arguments: list[Argument] = []
    contexts: list[str] = []
    fields: dict[str, tuple[Any, Any]] = {}
    for parameter in signature.parameters.values():
        where = f"tool {name!r}: parameter {parameter.name!r}"
        _refuse_kind(parameter, where)
        hint = _hint(function, parameter, local_names, where)
        if _is_context(hint):
            contexts.append(parameter.name)
            continue
        if _mentions_context(hint):
            raise ToolError(f"{where}: ToolContext cannot be part of another type; annotate it ToolContext[...]")
        # Pydantic keeps these names for itself: the parameter keeps its own as an alias.
        is_taken = parameter.name.startswith("_") or hasattr(BaseModel, parameter.name)
        field = f"argument {len(arguments)}" if is_taken else parameter.name
        has_default = parameter.default is not parameter.empty
        is_optional = has_default and not isinstance(parameter.default, FieldInfo)
        arguments.append(Argument(parameter.name, field, is_optional))
        alias = parameter.name if is_taken else None
        known = _annotated(hint, alias, docs.parameters.get(parameter.name) or None)
        fields[field] = (known, parameter.default if has_default else ...)
    model, schema = _compile(name, fields, {argument.field: argument.name for argument in arguments})
    return Signature(
        description=docs.text,
        schema=schema,
        model=model,
        arguments=tuple(arguments),
        contexts=tuple(contexts),
        returns_nothing=signature.return_annotation in (signature.empty, None, "None"),
    )


_UNNAMED: Final = {
    inspect.Parameter.POSITIONAL_ONLY: "is positional-only; remove the /",
    inspect.Parameter.VAR_POSITIONAL: "takes any number of values; make it a list",
    inspect.Parameter.VAR_KEYWORD: "takes any names; make it a dict",
}


def _refuse_kind(parameter: inspect.Parameter, where: str) -> None:
    if parameter.kind in _UNNAMED:
        raise ToolError(f"{where} {_UNNAMED[parameter.kind]}")
    if parameter.annotation is parameter.empty:
        method = ": for a method, wrap the bound one, tool(object.method)" if parameter.name in ("self", "cls") else ""
        raise ToolError(f"{where} has no type annotation{method}")


def _hint(
    function: Callable[..., Any], parameter: inspect.Parameter, local_names: Mapping[str, Any] | None, where: str
) -> Any:
    """The annotation, its names looked up."""
    holder = SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
    local_names = None if local_names is None else dict(local_names)
    try:
        return get_type_hints(holder, _globals(function), local_names, include_extras=True)[parameter.name]
    except (NameError, TypeError, SyntaxError, AttributeError) as error:
        raise ToolError(f"{where}: its annotation cannot be read: {one_line(str(error))}") from None


def _globals(function: Any) -> dict[str, Any]:
    """The names of the module that a function, method, partial or callable object was written in."""
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    function = getattr(function, "__func__", function)
    found = getattr(function, "__globals__", None) or getattr(type(function).__call__, "__globals__", {})
    return dict(found)


def _is_context(hint: Any) -> bool:
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return bare is ToolContext or get_origin(bare) is ToolContext


def _mentions_context(hint: Any) -> bool:
    return _is_context(hint) or any(_mentions_context(part) for part in get_args(hint))


def _annotated(hint: Any, alias: str | None, description: str | None) -> Any:
    """`hint` with what we know of it; what its author says in a `Field` of their own comes later and wins."""
    if alias is None and description is None:
        return hint
    bare, *metadata = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    return Annotated[bare, Field(alias=alias, description=description), *metadata]


def _compile(
    name: str, fields: dict[str, tuple[Any, Any]], parameters: Mapping[str, str]
) -> tuple[type[BaseModel], JsonObject]:
    """The pydantic model and its plain schema. parameters: by the field that stands for each."""
    try:
        return _build(name, fields)
    except _REFUSALS as error:
        at_fault, reason = next(_faults(name, fields), (None, error))
        where = f"tool {name!r}" if at_fault is None else f"tool {name!r}: parameter {parameters[at_fault]!r}"
        text = reason.message if isinstance(reason, PydanticUserError | PydanticUndefinedAnnotation) else str(reason)
        raise ToolError(f"{where}: {one_line(text)}") from None


_REFUSALS: Final = (PydanticUserError, PydanticUndefinedAnnotation, TypeError, ValueError, NameError, RecursionError)


def _faults(name: str, fields: dict[str, tuple[Any, Any]]) -> Iterator[tuple[str, Exception]]:
    for field, definition in fields.items():
        try:
            _build(name, {field: definition})
        except _REFUSALS as error:
            yield field, error


def _build(name: str, fields: dict[str, Any]) -> tuple[type[BaseModel], JsonObject]:
    config = ConfigDict(extra="forbid", protected_namespaces=())
    model: type[BaseModel] = create_model(name, __config__=config, **fields)
    schema = model.model_json_schema(schema_generator=_PlainSchema)
    for described in (schema, *schema.get("$defs", {}).values()):
        described.pop("title", None)
    return model, schema


class _PlainSchema(GenerateJsonSchema):
    """Pydantic's schema without titles made from names, and with unknown keys forbidden at every depth.

    A model inside that says `extra="allow"` keeps its word.
    """

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 - as in the base class

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        if "properties" in described:
            described.setdefault("additionalProperties", False)
        return described


def _has_open_objects(schema: JsonObject) -> bool:
    """Whether a type of the schema takes keys that it does not list."""
    inner = schema.get("$defs", {}).values()
    return any(kind.get("additionalProperties") is True and "properties" in kind for kind in inner)
