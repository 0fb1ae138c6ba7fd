"""What a schema does not allow, as a schema; and whether two schemas have any value in common.

Grammars have no `not`. Where the complement of a schema can be said in keywords that they have, `not`, `oneOf` and
`if` can be said without it. Both functions are exact or silent: None and False mean that nothing is known.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, TypeAlias

Schema: TypeAlias = Any
"""A mapping, True or False."""


class Document:
    """A whole schema: what its references refer to, and how much may still be thought about it.

    Alternatives within alternatives multiply, and a schema may be hostile: past `_WORK` steps nothing is known.
    """

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._left = _WORK

    def spend(self) -> bool:
        """A step; whether it may be made."""
        self._left -= 1
        return self._left >= 0

    def resolve(self, reference: str) -> Schema:
        """What a pointer into the schema refers to; None for any other reference."""
        if reference != "#" and not reference.startswith("#/"):
            return None
        found: Any = self._root
        for part in reference.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            else:
                return None
        return found


KINDS: Final = ("null", "boolean", "object", "array", "number", "string")
ASSERTIONS: Final = frozenset(
    """
    type const enum required properties minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength minItems
    maxItems minProperties maxProperties allOf anyOf oneOf not $ref items additionalProperties pattern multipleOf if
    uniqueItems contains minContains maxContains propertyNames patternProperties dependentRequired dependentSchemas
    prefixItems unevaluatedProperties unevaluatedItems $dynamicRef
    """.split()
)
"""The keywords that say anything of a value: all others are annotations."""

_OPPOSITE: Final[Mapping[str, tuple[str, str, int]]] = {
    "minimum": ("number", "exclusiveMaximum", 0),
    "exclusiveMinimum": ("number", "maximum", 0),
    "maximum": ("number", "exclusiveMinimum", 0),
    "exclusiveMaximum": ("number", "minimum", 0),
    "minLength": ("string", "maxLength", -1),
    "maxLength": ("string", "minLength", 1),
    "minItems": ("array", "maxItems", -1),
    "maxItems": ("array", "minItems", 1),
    "minProperties": ("object", "maxProperties", -1),
    "maxProperties": ("object", "minProperties", 1),
}
_DEPTH: Final = 16  # of schemas within each other, references included
_WORK: Final = 20_000  # steps for one schema
_SPELLED: Final = 2_000  # characters of strings that a regular expression spells out
_LONGEST: Final = 80  # of one of them: each is a group within the one before, and llguidance 1.9 refuses 83 of those


def complement(schema: Schema, document: Document, depth: int = _DEPTH) -> Schema | None:
    """A schema that allows just what the given one does not; None where it cannot be said."""
    if isinstance(schema, bool):
        return not schema
    if not isinstance(schema, Mapping) or depth == 0 or not document.spend():
        return None
    parts: list[Schema] = []
    for key in schema:
        if key in ASSERTIONS:
            broken = _broken(key, schema, document, depth - 1)
            if broken is None:
                return None
            parts += [part for part in broken if part is not False]
    return any_of(parts)


def any_of(parts: Sequence[Schema]) -> Schema:
    if True in parts:
        return True
    return False if not parts else parts[0] if len(parts) == 1 else {"anyOf": list(parts)}


def _broken(key: str, schema: Mapping[str, Any], document: Document, depth: int) -> list[Schema] | None:
    """The ways to break one keyword of a schema, as alternatives."""
    value = schema[key]
    match key:
        case "type":
            kinds = [value] if isinstance(value, str) else list(value)
            if "integer" in kinds and "number" not in kinds:
                return None  # numbers that are no integers have no keyword
            return [{"type": [kind for kind in KINDS if kind not in kinds]}] if set(KINDS) - set(kinds) else []
        case "const":
            return _others([value])
        case "enum":
            return _others(value)
        case "required":
            return [{"type": "object", "properties": {name: False}} for name in value]
        case "properties":
            return _each(
                (
                    (complement(part, document, depth), {"type": "object", "required": [name]}, name)
                    for name, part in value.items()
                )
            )
        case "allOf":
            return _known(complement(part, document, depth) for part in value)
        case "anyOf" | "oneOf":
            if key == "oneOf" and not _pairwise_disjoint(value, document):
                return None
            parts = _known(complement(part, document, depth) for part in value)
            return None if parts is None else [False] if False in parts else [{"allOf": parts}]
        case "not":
            return [value]
        case "$ref":
            return _known([complement(document.resolve(value), document, depth)])
        case "items" | "additionalProperties" | "unevaluatedProperties" | "unevaluatedItems" | "propertyNames":
            return [] if value is True or value == {} else None
    if key in _OPPOSITE:
        kind, opposite, step = _OPPOSITE[key]
        return [] if value + step < 0 and step < 0 else [{"type": kind, opposite: value + step}]
    return None


def _known(parts: Iterable[Schema | None]) -> list[Schema] | None:
    known = list(parts)
    return None if any(part is None for part in known) else known


def _each(parts: Iterable[tuple[Schema | None, dict[str, Any], str]]) -> list[Schema] | None:
    found = []
    for part, holder, name in parts:
        if part is None:
            return None
        if part is not False:
            found.append({**holder, "properties": {name: part}})
    return found


# --- finite sets of values --------------------------------------------------------------------------------------------


def kind_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list() | tuple():
            return "array"
        case _:
            return "object"


def same(value: Any) -> tuple[str, Hashable]:
    """Equal for equal values of JSON: 1 and 1.0 are, 1 and true are not, inside of others too."""
    kind = kind_of(value)
    if kind == "array":
        return kind, tuple(map(same, value))
    if kind == "object":
        return kind, frozenset((name, same(part)) for name, part in value.items())
    return kind, value


def _others(values: Sequence[Any]) -> list[Schema] | None:
    """All values but these."""
    found: dict[str, list[Any]] = {}
    for value in values:
        found.setdefault(kind_of(value), []).append(value)
    if "array" in found or "object" in found:
        return None
    strings = found.get("string", [])
    if sum(map(len, strings)) > _SPELLED or any(len(string) > _LONGEST for string in strings):
        return None
    if any(set(string) & set('"\\') for string in strings):
        return None  # see schema._ESCAPED_IN_JSON
    parts: list[Schema] = [{"type": [kind for kind in KINDS if kind not in found]}]
    if strings:
        parts.append({"type": "string", "pattern": f"^{_other_strings(set(strings))}$"})
    if numbers := sorted(set(found.get("number", []))):
        parts.append({"type": "number", "exclusiveMaximum": numbers[0]})
        parts += [
            {"type": "number", "exclusiveMinimum": low, "exclusiveMaximum": high} for low, high in pairwise(numbers)
        ]
        parts.append({"type": "number", "exclusiveMinimum": numbers[-1]})
    flags = set(found.get("boolean", []))
    return parts + [{"const": flag} for flag in (True, False) if flags == {not flag}]


def _other_strings(strings: set[str]) -> str:
    """A regular expression of all strings but these: each leaves the tree of them somewhere."""
    rests: dict[str, set[str]] = {}
    for string in strings:
        if string:
            rests.setdefault(string[0], set()).add(string[1:])
    ways = [] if "" in strings else [""]
    ways.append(f"[^{''.join(map(_spelled, sorted(rests)))}](?s:.*)" if rests else "(?s:.+)")
    ways += [_spelled(first) + _other_strings(rest) for first, rest in sorted(rests.items())]
    return f"(?:{'|'.join(ways)})"


def _spelled(char: str) -> str:
    return f"\\U{ord(char):08x}"


# --- disjoint schemas -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Facts:
    """What all values of a schema have in common. values: by `same`; kinds: integers are numbers."""

    kinds: set[str]
    values: dict[tuple[str, Hashable], Any] | None
    required: set[str]
    properties: dict[str, list[Schema]]
    closed: list[set[str]]  # names beside which there are no others


def disjoint(one: Schema, other: Schema, document: Document, depth: int = _DEPTH) -> bool:
    """Whether it is known that no value is allowed by both."""
    if one is False or other is False:
        return True
    if depth == 0 or not isinstance(one, Mapping) or not isinstance(other, Mapping) or not document.spend():
        return False
    first, second = _facts(one, document, depth), _facts(other, document, depth)
    kinds = first.kinds & second.kinds
    if not kinds:
        return True
    for here, there in ((first, second), (second, first)):
        if here.values is not None:
            left = [key for key in here.values if key[0] in kinds and (there.values is None or key in there.values)]
            if not left:
                return True
    if kinds == {"object"} and _objects_disjoint(first, second, document, depth):
        return True
    for left_side, right_side in ((one, other), (other, one)):
        for key in ("anyOf", "oneOf"):
            parts = left_side.get(key)
            if parts and all(disjoint(part, right_side, document, depth - 1) for part in parts):
                return True
    return False


def _objects_disjoint(first: _Facts, second: _Facts, document: Document, depth: int) -> bool:
    for name in first.required | second.required:
        if any(name not in names for names in (*first.closed, *second.closed)):
            return True
        for here in first.properties.get(name, []):
            if here is False or any(
                disjoint(here, there, document, depth - 1) for there in second.properties.get(name, [])
            ):
                return True
        if False in second.properties.get(name, []):
            return True
    return False


def _pairwise_disjoint(parts: Sequence[Schema], document: Document) -> bool:
    return all(disjoint(one, other, document) for at, one in enumerate(parts) for other in parts[:at])


def _facts(schema: Schema, document: Document, depth: int) -> _Facts:
    facts = _Facts(set(KINDS), None, set(), {}, [])
    if depth == 0 or not isinstance(schema, Mapping) or not document.spend():
        return facts
    if "type" in schema:
        kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        facts.kinds &= {"number" if kind == "integer" else kind for kind in kinds}
    for values in ([schema["const"]] if "const" in schema else None, schema.get("enum")):
        if values is not None:
            facts.values = {same(value): value for value in values}
            facts.kinds &= {kind_of(value) for value in values}
    facts.required |= set(schema.get("required", ()))
    for name, part in schema.get("properties", {}).items():
        facts.properties.setdefault(name, []).append(part)
    if schema.get("additionalProperties") is False and not schema.get("patternProperties"):
        facts.closed.append(set(schema.get("properties", ())))
    parts = [*schema.get("allOf", ())]
    if "$ref" in schema:
        parts.append(document.resolve(schema["$ref"]))
    for part in parts:
        _join(facts, _facts(part, document, depth - 1))
    return facts


def _join(facts: _Facts, more: _Facts) -> None:
    facts.kinds &= more.kinds
    if more.values is not None:
        known = more.values if facts.values is None else facts.values
        facts.values = {key: value for key, value in known.items() if key in more.values}
    facts.required |= more.required
    for name, parts in more.properties.items():
        facts.properties.setdefault(name, []).extend(parts)
    facts.closed += more.closed
