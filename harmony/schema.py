"""JSON Schema -> the schema that a grammar masks by.

llguidance compiles a schema into a mask. What it has no keyword for is said in others, exactly: `not`, `if`, `oneOf`
whose alternatives overlap, `dependentRequired`, `uniqueItems` of a few values, `contains` among a few items, and their
like. What would let a model run on for ever, or be refused for nothing, is set right:

- an `x-guidance` of the schema's own is not heard, since tools are untrusted;
- integers without bounds get those of I-JSON (RFC 7493), so that their digits end; other numbers have no such form;
- a `format` that is not enforced is left out: since draft 2019-09 it is an annotation, which no validator checks.

What cannot be said at all is left out and named: there a mask allows more than the schema does, and whoever takes the
value validates it, as tools and outputs do. A mask never allows less, but for three forms of writing: the order of
properties, the bounds of integers and the formats that are enforced.

Sources: JSON Schema 2020-12 core and validation; llguidance 1.9, docs/json_schema.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, permutations
from math import comb, nextafter, perm
from typing import Any, Final, TypeAlias

from .complement import ASSERTIONS, KINDS, Document, Schema, any_of, complement, disjoint, kind_of, same
from .conversation import JsonObject

_MAX_INTEGER: Final = 2**53 - 1  # RFC 7493, section 2.2
_LOWER, _UPPER = ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")

_EXCLUSIVE: Final = {"exclusiveMinimum": ("minimum", 1), "exclusiveMaximum": ("maximum", -1)}

_FORMATS: Final = frozenset("date-time time date duration email hostname ipv4 ipv6 uuid uri".split())
"""What llguidance 1.9 enforces (its docs/json_schema.md)."""

_LOOKS_AROUND: Final = re.compile(r"\(\?<?[=!]|\\[1-9]|\\k<")  # what the regular expressions of masks do not have

_ESCAPED_IN_JSON: Final = re.compile(
    r"""\[(?:\^(?:\\.|[^\]\\])*?(?:"|\\\\|\\x22|\\x5c)|(?:\\.|[^\]\\])*?\\x00-)""", re.I
)
"""Classes that leave out a quote or a backslash, but not the control characters: llguidance 1.9 lets them through."""

_ALTERNATIVES: Final = 400  # that one keyword may be written out in

# Where a schema holds schemas: everything else is data, such as a `const` that looks like a schema.
_ONE: Final = frozenset("items additionalProperties".split())
_LIST: Final = frozenset("allOf anyOf prefixItems".split())
_MAP: Final = frozenset("properties patternProperties $defs definitions".split())


@dataclass(frozen=True, slots=True)
class Mask:
    """schema: what can be masked; beyond: what of the original it does not hold to, "`not` at $.a" each."""

    schema: JsonObject
    beyond: tuple[str, ...]


def mask_of(schema: JsonObject) -> Mask:
    """Raises RecursionError for a schema that is nested too deeply or holds itself."""
    rewriting = _Rewriting(schema)
    rewritten = rewriting.of(schema, "$")
    heard = {key: value for key, value in rewritten.items() if key != "x-guidance"}
    return Mask(heard, tuple(dict.fromkeys(rewriting.beyond)))


class _Rewriting:
    """One schema on its way. beyond: grows by what had to be left out."""

    def __init__(self, root: JsonObject) -> None:
        self._document = Document(root)
        self._fractions = sorted(set(_fractions(root)))
        self.beyond: list[str] = []

    def of(self, schema: Schema, where: str) -> Schema:
        if not isinstance(schema, Mapping):  # `true`, `false`, or not a schema: llguidance says which
            return schema
        schema = {key: _whole(key, value) for key, value in schema.items()}
        schema = dict(self._open_bound(key, value) for key, value in schema.items())
        kept = {key: value for key, value in schema.items() if key not in _REWRITTEN}
        result = _bounded({key: self._inside(key, value, where) for key, value in kept.items()})
        more: list[Schema] = []  # what must hold as well
        for keywords, rewrite in _REWRITES:
            if present := [key for key in keywords if key in schema]:
                may = keywords[0] in _IN_PLACE or self._document.spend()
                said = rewrite(self, schema, result, where) if may else None
                if said is None:
                    named = " and ".join(f"`{key}`" for key in present)
                    self.beyond.append(f"{named} at {where}")
                else:
                    more += [part for part in said if part is not True]
        if more:
            result["allOf"] = [*result.get("allOf", []), *more]
        return {key: result[key] for key in (*schema, *result) if key in result}  # the order decides that of properties

    def _inside(self, key: str, value: Any, where: str) -> Any:
        if key in _MAP and isinstance(value, Mapping):
            inner = where if key == "properties" else f"{where}.{key}"
            return {name: self.of(part, f"{inner}.{name}") for name, part in value.items()}
        if key in _LIST and isinstance(value, list | tuple):
            return [self.of(part, f"{where}.{key}[{at}]") for at, part in enumerate(value)]
        return self.of(value, f"{where}.{key}") if key in _ONE else value

    def _open_bound(self, key: str, bound: Any) -> tuple[str, Any]:
        """llguidance 1.9 lets 1 through where a number is to be above 1 and below 1.5, and -1 between -1.5 and -1.

        There the next number is the bound; for 0 it is 2^-52, since the smallest number of all has 324 digits.
        """
        if key not in _EXCLUSIVE or not (isinstance(bound, int) or (isinstance(bound, float) and bound.is_integer())):
            return key, bound
        inclusive, away = _EXCLUSIVE[key]
        low, high = sorted((bound, bound + away))
        if bound * away < 0 or not any(low < other < high for other in self._fractions):
            return key, bound
        return inclusive, nextafter(bound, bound + away) if bound else away * 2.0**-52

    # --- keywords that masks lack: each returns what says the same, None where nothing does ---------------------------

    def _pattern(self, schema: JsonObject, result: dict[str, Any], where: str) -> list[Schema] | None:
        pattern = schema["pattern"]
        if isinstance(pattern, str) and _LOOKS_AROUND.search(pattern):
            return None
        result["pattern"] = pattern
        return None if _ESCAPED_IN_JSON.search(str(pattern)) else []

    def _format(self, schema: JsonObject, result: dict[str, Any], where: str) -> list[Schema] | None:
        if schema["format"] in _FORMATS:
            result["format"] = schema["format"]
        return []

    def _reference(self, schema: JsonObject, result: dict[str, Any], where: str) -> list[Schema] | None:
        if not str(schema["$ref"]).startswith("#"):
            return None
        result["$ref"] = schema["$ref"]
        return []

    def _not(self, schema: JsonObject, result: dict[str, Any], where: str) -> list[Schema] | None:
        opposite = complement(schema["not"], self._document)
        return None if opposite is None else [self.of(opposite, f"{where}.not")]

    def _one_of(self, schema: JsonObject, result: dict[str, Any], where: str) -> list[Schema] | None:
        """Alternatives that are known to be disjoint are left alone; the others exclude each other."""
        parts = schema["oneOf"]
        ways: list[Schema] = []
        exact = True
        for at, part in enumerate(parts):
            rivals = [
                complement(rival, self._document)
                for other, rival in enumerate(parts)
                if other != at and not disjoint(part, rival, self._document)
            ]
            exact = exact and None not in rivals
            excluded = [rival for rival in rivals if rival is not None]
            ways.append(self.of({"allOf": [part, *excluded]} if excluded else part, f"{where}.oneOf[{at}]"))
        if not exact:
            self.beyond.append(f"`oneOf` at {where}")
        return [{"anyOf": ways}]

    def _if(self, schema: JsonObject, result: dict[str, Any], where: str) -> list[Schema] | None:
        if "if" not in schema or ("then" not in schema and "else" not in schema):
            return []
        opposite = complement(schema["if"], self._document)
        if opposite is None:
            return None
        then = {"allOf": [schema["if"], schema.get("then", True)]}
        otherwise = {"allOf": [opposite, schema.get("else", True)]}
        return [self.of(any_of([then, otherwise]), f"{where}.if")]

    def _depends(self, schema: JsonObject, result: dict[str, Any], where: str) -> list[Schema] | None:
        more = [(name, {"required": [name, *names]}) for name, names in schema.get("dependentRequired", {}).items()]
        more += [
            (name, {"allOf": [{"required": [name]}, part]}) for name, part in schema.get("dependentSchemas", {}).items()
        ]
        absent = [({"properties": {name: False}}, then) for name, then in more]
        return [self.of({"anyOf": list(ways)}, where) for ways in absent]

    def _unique(self, schema: JsonObject, result: dict[str, Any], where: str) -> list[Schema] | None:
        """Of a few possible items: all the arrays that there are."""
        most = schema.get("maxItems")
        if schema["uniqueItems"] is not True or (most is not None and most <= 1):
            return []
        items = self._values(schema.get("items"))
        if items is None or "prefixItems" in schema:
            return None
        most = min(len(items), len(items) if most is None else most)
        lengths = range(schema.get("minItems", 0), most + 1)
        if sum(perm(len(items), length) for length in lengths) > _ALTERNATIVES:
            return None
        arrays = [list(array) for length in lengths for array in permutations(items, length)]
        return [_unless("array", {"enum": arrays}, schema)]

    def _values(self, schema: Schema) -> list[Any] | None:
        """All values of a schema, if they are few and said."""
        if not isinstance(schema, Mapping):
            return None
        if "$ref" in schema:
            return self._values(self._document.resolve(schema["$ref"]))
        if "enum" in schema or "const" in schema:
            values = schema["enum"] if "enum" in schema else [schema["const"]]
            if set(schema) - {"enum", "const", "type", "title", "description", "default"}:
                return None
            kinds = schema.get("type", [kind_of(value) for value in values])
            kinds = [kinds] if isinstance(kinds, str) else kinds
            of_kind = [value for value in values if kind_of(value) in kinds or "integer" in kinds]
            return list({same(value): value for value in of_kind}.values())
        return _FEW.get(str(schema.get("type")))

    def _contains(self, schema: JsonObject, result: dict[str, Any], where: str) -> list[Schema] | None:
        """One of a few items is: each of them in turn may be it."""
        least, most = schema.get("minContains", 1), schema.get("maxItems")
        if "maxContains" in schema and not (most is not None and schema["maxContains"] >= most):
            return None
        if "contains" not in schema or least == 0:
            return []
        if least != 1 or most is None or most > 12:
            return None
        ways: list[Schema] = [
            {"type": "array", "prefixItems": [True] * at + [schema["contains"]], "minItems": at + 1}
            for at in range(most)
        ]
        return [self.of(_unless("array", any_of(ways), schema), f"{where}.contains")]

    def _names(self, schema: JsonObject, result: dict[str, Any], where: str) -> list[Schema] | None:
        """Names by a pattern, a length or a list become patternProperties, and nothing else may be there."""
        names = schema["propertyNames"]
        if names is True or names == {}:
            return []
        listed, pattern = _listed_names(names), _name_pattern(names)
        if "patternProperties" in schema or (listed is None and pattern is None):
            return None
        other = result.get("additionalProperties", True)
        known = dict(result.get("properties", {}))
        if listed is not None:
            result["properties"] = {
                **{name: part if name in listed else False for name, part in known.items()},
                **{name: other for name in listed if name not in known},
            }
        elif known and other not in (True, {}, False):
            return None  # what is meant for the others would hold for the known ones too
        elif pattern is not None:
            if known:
                try:
                    matches = re.compile(pattern).search
                except (re.error, OverflowError):
                    return None  # no pattern of Python's, such as `\p{L}`: which known names it allows is not known
                result["properties"] = {name: part if matches(name) else False for name, part in known.items()}
            if other is not False:
                result["patternProperties"] = {pattern: other}
        result["additionalProperties"] = False
        return []

    def _how_many(self, schema: JsonObject, result: dict[str, Any], where: str) -> list[Schema] | None:
        """Which of the known properties are there, or are not.

        llguidance counts those of a mere map, and only where no other schema has a say: it would leave out the count.
        """
        known = [name for name, part in result.get("properties", {}).items() if part is not False]
        required = set(schema.get("required", ()))
        optional = [name for name in known if name not in required]
        least, most = schema.get("minProperties", 0) - len(required), schema.get("maxProperties")
        if result.get("additionalProperties") is not False or result.get("patternProperties"):
            if set(schema) & _IN_PLACE_APPLICATORS or _APPLIED_IN_PLACE.search(where):
                return None
            if not optional:
                result |= {key: schema[key] for key in ("minProperties", "maxProperties") if key in schema}
                return []
            if most is not None or least > 1:
                return None
            none = {"properties": dict.fromkeys(optional, False), "minProperties": len(required) + 1}
            some = [{"required": [name]} for name in optional]
            return [_unless("object", any_of([*some, none]), schema)] if least == 1 else []
        too_many = 0 if most is None else len(known) - most
        if max(comb(len(optional), max(least, 0)), comb(len(optional), max(too_many, 0))) > _ALTERNATIVES:
            return None
        more: list[Schema] = []
        if least > 0:
            more.append(any_of([{"required": list(some)} for some in combinations(optional, least)]))
        if too_many > 0:
            absent = combinations(optional, too_many)
            more.append(any_of([{"properties": dict.fromkeys(some, False)} for some in absent]))
        return [_unless("object", part, schema) for part in more]

    def _unevaluated_properties(self, schema: JsonObject, result: dict[str, Any], where: str) -> list[Schema] | None:
        """What no part of the schema names: where the parts do nothing but name properties, that can be told."""
        rest = schema["unevaluatedProperties"]
        if rest is True or rest == {} or "additionalProperties" in schema:
            return []
        if set(schema) & {"anyOf", "oneOf", "if", "dependentSchemas", "$dynamicRef"}:
            return None
        named: dict[str, Schema] = {}
        patterns: dict[str, Schema] = {}
        parts: list[Schema] = [schema]
        for part in parts:
            if not isinstance(part, Mapping):
                return None
            if part is not schema and set(part) & {
                "anyOf",
                "oneOf",
                "if",
                "dependentSchemas",
                "$dynamicRef",
                "additionalProperties",
                "unevaluatedProperties",
            }:
                return None
            if len(parts) > _ALTERNATIVES:
                return None  # it refers to itself
            named |= dict.fromkeys(part.get("properties", ()), True)
            patterns |= dict.fromkeys(part.get("patternProperties", ()), True)
            parts += [*part.get("allOf", ()), *([self._document.resolve(part["$ref"])] if "$ref" in part else [])]
        closing: JsonObject = {"properties": named, "patternProperties": patterns, "additionalProperties": rest}
        return [self.of({key: value for key, value in closing.items() if value != {}}, where)]

    def _unevaluated_items(self, schema: JsonObject, result: dict[str, Any], where: str) -> list[Schema] | None:
        rest = schema["unevaluatedItems"]
        if rest is True or rest == {} or "items" in schema:
            return []
        if set(schema) & {"allOf", "anyOf", "oneOf", "if", "$ref", "$dynamicRef", "contains", "dependentSchemas"}:
            return None
        result["items"] = self.of(rest, f"{where}.unevaluatedItems")
        return []

    def _dynamic(self, schema: JsonObject, result: dict[str, Any], where: str) -> list[Schema] | None:
        return None


_Rewrite: TypeAlias = Callable[[_Rewriting, JsonObject, dict[str, Any], str], list[Schema] | None]

_REWRITES: Final[tuple[tuple[tuple[str, ...], _Rewrite], ...]] = (
    (("pattern",), _Rewriting._pattern),
    (("format",), _Rewriting._format),
    (("$ref",), _Rewriting._reference),
    (("$dynamicRef",), _Rewriting._dynamic),
    (("propertyNames",), _Rewriting._names),
    (("minProperties", "maxProperties"), _Rewriting._how_many),
    (("unevaluatedProperties",), _Rewriting._unevaluated_properties),
    (("unevaluatedItems",), _Rewriting._unevaluated_items),
    (("not",), _Rewriting._not),
    (("oneOf",), _Rewriting._one_of),
    (("if", "then", "else"), _Rewriting._if),
    (("dependentRequired", "dependentSchemas"), _Rewriting._depends),
    (("uniqueItems",), _Rewriting._unique),
    (("contains", "minContains", "maxContains"), _Rewriting._contains),
)
"""Keywords that are said together, and how."""

_IN_PLACE: Final = frozenset({"pattern", "format", "$ref"})
"""Keywords that are kept or left out, and never written out in others."""

_IN_PLACE_APPLICATORS: Final = frozenset(
    "allOf anyOf oneOf not if $ref dependentRequired dependentSchemas unevaluatedProperties".split()
)
_APPLIED_IN_PLACE: Final = re.compile(r"\.((allOf|anyOf|oneOf)\[\d+\]|if|not|contains|(\$defs|definitions)\..*)$")
"""Where a schema speaks of the same value as another one, by its path."""

_REWRITTEN: Final = frozenset(key for keywords, _ in _REWRITES for key in keywords)


_FEW: Final[Mapping[str, list[Any]]] = {"boolean": [True, False], "null": [None]}


def _bounded(schema: dict[str, Any]) -> dict[str, Any]:
    """With bounds for integers that have none."""
    kinds = schema.get("type")
    if kinds == "integer" or (isinstance(kinds, list) and "integer" in kinds and "number" not in kinds):
        bounds = [schema[key] for key in (*_LOWER, *_UPPER) if key in schema]
        if all(isinstance(bound, int | float) and abs(bound) <= _MAX_INTEGER for bound in bounds):
            if not any(key in schema for key in _LOWER):
                schema["minimum"] = -_MAX_INTEGER
            if not any(key in schema for key in _UPPER):
                schema["maximum"] = _MAX_INTEGER
    return schema


def _whole(key: str, value: Any) -> Any:
    """Counts may be written 2.0."""
    counts = key.startswith(("min", "max")) and key not in ("minimum", "maximum")
    return int(value) if counts and isinstance(value, float) and value.is_integer() else value


def _fractions(document: Any) -> Iterator[float]:
    """All numbers of a document that are not whole."""
    if isinstance(document, Mapping | list | tuple):
        for part in document.values() if isinstance(document, Mapping) else document:
            yield from _fractions(part)
    elif isinstance(document, float) and not document.is_integer():
        yield document


def _unless(kind: str, part: Schema, schema: JsonObject) -> Schema:
    """What a keyword asks of values of one kind: it says nothing of any other."""
    if schema.get("type") == kind:
        return part
    return {"anyOf": [{"type": [other for other in KINDS if other != kind]}, {"type": kind, "allOf": [part]}]}


def _listed_names(names: Schema) -> list[str] | None:
    if isinstance(names, Mapping) and set(names) <= {"enum", "type", "title", "description"} and "enum" in names:
        return [name for name in names["enum"] if isinstance(name, str)]
    return None


def _name_pattern(names: Schema) -> str | None:
    """A regular expression of all names that a schema allows."""
    if not isinstance(names, Mapping) or names.get("type", "string") != "string":
        return None
    said = set(names) & ASSERTIONS - {"type"}
    if said == {"pattern"} and not _LOOKS_AROUND.search(names["pattern"]):
        return str(names["pattern"])
    if said and said <= {"minLength", "maxLength"}:
        return f"^(?s:.{{{names.get('minLength', 0)},{names.get('maxLength', '')}}})$"
    return None
