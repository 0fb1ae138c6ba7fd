"""JSON Schema -> the TypeScript-like type text of harmony prompts.

Models were trained on the text that openai-harmony 0.0.8 writes, so wherever that reference expresses a schema this
module prints the same text, quirks included: nothing is escaped, enums in arrays get no parentheses, a nested object's
description comes twice. Where the reference gives up and prints `any` (`$ref`, `allOf`, `anyOf`, `const`, an enum
without a type, type "null") a short type is printed instead, unless the reference is asked for. Constraints (`minimum`,
`pattern`, ...) never appear.
Every input renders: fields of the wrong type are ignored, as in the reference, and what is recursive, too deep or too
large becomes `any`.
"""

import json
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote

JsonSchema: TypeAlias = Mapping[str, Any] | bool
Mode: TypeAlias = Literal["native", "reference"]
"""native: as gpt-oss itself writes, with types where the reference has none; reference: as openai-harmony 0.0.8."""

_MAX_DEPTH = 64  # levels
_MAX_VISITS = 10_000  # schemas; references can double the text at each level, so past this none is followed
_ANNOTATIONS = ("title", "description", "examples", "default", "nullable")


def typescript(schema: JsonSchema, indent: str = "", *, mode: Mode = "native") -> str:
    """The type text of `schema`, as in `type f = (_: {text}) => any;`. Never raises.

    `indent` is what the lines inside the text start with. Local references (`#/$defs/X`) are resolved against `schema`.
    mode: "reference" prints `any` where openai-harmony does.
    """
    return _type(_Inliner(schema, mode).inline(schema), indent)


class _Unexpressed(dict[str, Any]):
    """A schema that the reference has no type for, and that is to be printed as the reference prints it."""


class _Inliner:
    """Replaces a schema's local references, and every `allOf` of one, by what they stand for, to a bounded depth."""

    def __init__(self, root: object, mode: Mode) -> None:
        self.root = root
        self.mode = mode
        self.visits = 0

    def inline(self, schema: object, within: frozenset[str] = frozenset("#"), depth: int = 0) -> Mapping[str, Any]:
        """`schema` as a mapping without references; `within` are those being replaced around it."""
        self.visits += 1
        if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
            return {}
        if not _is_expressed(schema) and self.mode == "reference":
            return _Unexpressed(schema)
        if not _is_expressed(schema):
            annotations = {key: schema[key] for key in _ANNOTATIONS if key in schema}
            reference, members = schema.get("$ref"), _list(schema, "allOf")
            if isinstance(reference, str) and (target := self._target(reference)) is not None:
                if reference in within or self.visits > _MAX_VISITS:
                    return annotations
                return self.inline({**target, **annotations}, within | {reference}, depth + 1)
            if len(members) == 1 and isinstance(members[0], Mapping):
                return self.inline({**members[0], **annotations}, within, depth + 1)
        inlined = dict(schema)
        if "items" in schema:
            inlined["items"] = self.inline(schema["items"], within, depth + 1)
        if isinstance(properties := schema.get("properties"), Mapping):
            inlined["properties"] = {key: self.inline(value, within, depth + 1) for key, value in properties.items()}
        for key in ("oneOf", "anyOf"):
            if isinstance(schema.get(key), list):
                inlined[key] = [self.inline(variant, within, depth + 1) for variant in schema[key]]
        return inlined

    def _target(self, reference: str) -> Mapping[str, Any] | None:
        """The schema that a local reference (a JSON pointer, RFC 6901) points to."""
        if reference != "#" and not reference.startswith("#/"):  # another document, or an anchor
            return None
        target = self.root
        for part in reference.split("/")[1:]:
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, Mapping) else None
        return target if isinstance(target, Mapping) else None


def _is_expressed(schema: Mapping[str, Any]) -> bool:
    """Whether the reference has a type for `schema`."""
    kind = schema.get("type")
    known = isinstance(kind, str) and kind in {"object", "array", "string", "number", "integer", "boolean"}
    return known or bool(_strings(schema, "type")) or isinstance(schema.get("oneOf"), list)


def _type(schema: Mapping[str, Any], indent: str) -> str:
    """The reference's `json_schema_to_typescript`; its order of checks decides what a contradictory schema becomes."""
    if isinstance(schema.get("oneOf"), list):
        return "".join(_variant(variant, indent) for variant in schema["oneOf"])
    if names := _strings(schema, "type"):
        return " | ".join("number" if name == "integer" else name for name in names)
    match schema.get("type"):
        case "object":
            return _object(schema, indent)
        case "array":
            return _array(schema, indent)
        case "string":
            return " | ".join(f'"{value}"' for value in _strings(schema, "enum")) or "string"
        case "number" | "integer":
            return "number"
        case "boolean":
            return "boolean"
    return " | ".join(_alternatives(schema, indent)) or "any"


def _alternatives(schema: Mapping[str, Any], indent: str) -> list[str]:
    """The union, in order and without repetition, that a schema is which the reference has no type for."""
    if isinstance(schema, _Unexpressed):
        return []
    if schema.get("type") == "null":
        return ["null"]
    if "const" in schema:
        return [_json(schema["const"])]
    if values := _list(schema, "enum"):
        return list(dict.fromkeys(_json(value) for value in values))
    return list(dict.fromkeys(_nullable(variant, indent) for variant in _list(schema, "anyOf")))


def _nullable(schema: Mapping[str, Any], indent: str) -> str:
    text = _type(schema, indent)
    return f"{text} | null" if schema.get("nullable") is True and "null" not in text else text


def _variant(schema: Mapping[str, Any], indent: str) -> str:
    """A line of a `oneOf` that is not a property's own; unlike there, the default of an enum is quoted."""
    notes = [note for note in (_description(schema), _default(schema, bare=False)) if note is not None]
    return f"\n{indent} | {_nullable(schema, indent + '   ')}" + (f" // {' '.join(notes)}" if notes else "")


def _array(schema: Mapping[str, Any], indent: str) -> str:
    if "items" not in schema:
        return "Array<any>"
    items = schema["items"]
    text = _type(items, indent)
    return f"({text})[]" if not _is_expressed(items) and len(_alternatives(items, indent)) > 1 else f"{text}[]"


def _object(schema: Mapping[str, Any], indent: str) -> str:
    description, properties, required = _description(schema), schema.get("properties"), _strings(schema, "required")
    text = "{\n" if description is None else f"{indent}// {description}\n{{\n"
    for key, value in properties.items() if isinstance(properties, Mapping) else ():
        name = f"{indent}{key}" if key in required else f"{indent}{key}?"
        text += "".join(_above(value, indent))
        text += (
            _union_property(name, value, indent)
            if isinstance(value.get("oneOf"), list)
            else _property(name, value, indent)
        )
    return f"{text}{indent}}}"


def _above(schema: Mapping[str, Any], indent: str) -> Iterator[str]:
    """The comment lines above a property."""
    if isinstance(title := schema.get("title"), str):
        yield f"{indent}// {title}\n{indent}//\n"
    if "oneOf" not in schema and (description := _description(schema)) is not None:
        yield f"{indent}// {description}\n"
    if _list(schema, "examples"):
        yield f"{indent}// Examples:\n"
        yield from (f'{indent}// - "{example}"\n' for example in _strings(schema, "examples"))


def _property(name: str, schema: Mapping[str, Any], indent: str) -> str:
    default = None if "oneOf" in schema else _default(schema, bare=True)
    return f"{name}: {_nullable(schema, indent + '    ')}," + (f" // {default}\n" if default else "\n")


def _union_property(name: str, schema: Mapping[str, Any], indent: str) -> str:
    """A property whose value is a `oneOf`: a line per variant, none of the descriptions twice."""
    variants, description, default = schema["oneOf"], _description(schema), _default(schema, bare=True)
    is_described = description is not None and not (variants and _description(variants[0]) == description)
    text = f"{indent}// {description}\n" if is_described else ""
    text += f"{indent}// {default}\n" if default else ""
    text += f"{name}:\n"
    for index, variant in enumerate(variants):
        own = _description(variant)
        is_repeated = own == description or (index == 0 and is_described)
        notes = [note for note in (None if is_repeated else own, _default(variant, bare=True)) if note is not None]
        text += f"{indent} | {_nullable(variant, indent + '   ')}" + (f" // {' '.join(notes)}" if notes else "") + "\n"
    return f"{text}{indent},\n"


def _default(schema: Mapping[str, Any], *, bare: bool) -> str | None:
    """The note on a default; `bare` leaves the quotes off when it is one of an enum's strings."""
    if "default" not in schema:
        return None
    value = schema["default"]
    if isinstance(value, str) and not _list(schema, "enum"):
        return f'default: "{value}"'
    return f"default: {value if bare and isinstance(value, str) else _json(value)}"


def _description(schema: Mapping[str, Any]) -> str | None:
    value = schema.get("description")
    return value if isinstance(value, str) else None


def _list(schema: Mapping[str, Any], key: str) -> list[Any]:
    value = schema.get(key)
    return value if isinstance(value, list) else []


def _strings(schema: Mapping[str, Any], key: str) -> list[str]:
    return [value for value in _list(schema, key) if isinstance(value, str)]


def _json(value: object, depth: int = 0) -> str:
    """Compact JSON as Rust's serde_json writes it: raw UTF-8, insertion order, integers past 64 bits as floats."""
    if isinstance(value, Mapping | list) and depth > _MAX_DEPTH:
        return "null"
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(str(key), ensure_ascii=False)}:{_json(item, depth + 1)}" for key, item in value.items())
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(_json(item, depth + 1) for item in value)}]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return str(int(value))
    if isinstance(value, int | float):
        return _float(float(value) if abs(value) < 2**1023 else math.inf)
    return json.dumps(str(value), ensure_ascii=False)


def _float(value: float) -> str:
    """The shortest text of a double as the Rust crate ryu lays it out: from 1e-5 up to 1e16 without an exponent."""
    if not math.isfinite(value):
        return "null"
    if 1e-5 <= abs(value) < 1e-4:
        return f"{Decimal(repr(value)):f}"
    mantissa, exponent, power = repr(value).partition("e")
    return f"{mantissa}e{int(power)}" if exponent else mantissa
