"""What masks hold to: every rewriting of a schema says what the schema says, or is named as left to validation."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from llguidance import LLMatcher

from cadenza.harmony import TurnSpec, o200k_harmony, restricted, turn_grammar
from cadenza.harmony.complement import Document, complement, disjoint
from cadenza.harmony.schema import mask_of
from cadenza.model import checkpoint
from cadenza.model.constrain import _tokenizer
from cadenza.model.resolve import find

NANO = restricted(checkpoint.load(find("nano")).ids or ())
TABLES = _tokenizer(NANO)  # type: ignore[arg-type] # vocabularies hash by identity

VALUES: list[Any] = [
    *(None, True, False, 0, 1, 5, -3, 1.5, 2.25, -0.25, "", "a", "b", "ab", "ba", "x", "xx", "a\n", 'say "a"'),
    *([], [1], ["a"], ["a", "b"], ["b", "a"], ["a", "a"], [1, 2, "x"], [True, False], [None, None, None], [[], {}]),
    *({}, {"a": 1}, {"b": 1}, {"a": 1, "b": 1}, {"a": "x"}, {"a": "y", "b": 1}, {"a": 1, "b": 2, "c": 3}, {"c": None}),
    *(
        {"x_1": 1},
        {"kind": "cat", "meow": 1},
        {"kind": "dog", "meow": 1},
        {"kind": "dog"},
        {"a": {"b": 5}},
        {"long": 0},
    ),
]
"""Properties are in the order in which the schemas below name them: a mask wants that."""

OBJECT: dict[str, Any] = {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}}
CLOSED = {**OBJECT, "additionalProperties": False}
CAT = {"type": "object", "properties": {"kind": {"const": "cat"}, "meow": {}}, "required": ["kind"]}
DOG = {"type": "object", "properties": {"kind": {"const": "dog"}, "meow": {}}, "required": ["kind"]}
MANY = [chr(97 + at) for at in range(8)]

EXACT: list[dict[str, Any]] = [
    {"not": {"type": "string"}},
    {"not": {"type": ["number", "null"]}},
    {"not": {"const": "a"}},
    {"not": {"enum": ["a", "ab", "", 1, 5, True, None]}},
    {"type": "string", "not": {"enum": ["a", "ab", "ä\n"]}},
    {"not": {"enum": ["a" * 80, "b" * 80]}},
    {"type": "integer", "not": {"enum": [1, 5]}},
    {"not": {"not": {"type": "array", "maxItems": 1}}},
    {**OBJECT, "not": {"required": ["a"]}},
    {**OBJECT, "not": {"required": ["a", "b"]}},
    {**OBJECT, "not": {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}},
    {**OBJECT, "not": {"properties": {"a": {"const": 1}}}},
    {"not": {"oneOf": [CAT, DOG]}},
    {"type": ["number"], "not": {"minimum": 1}},
    {"type": ["number"], "not": {"exclusiveMaximum": 1, "minimum": -5}},
    {"type": "number", "exclusiveMinimum": 1, "maximum": 1.5},
    {"type": "number", "allOf": [{"exclusiveMinimum": -0.5}, {"exclusiveMaximum": 0.0}]},
    {"not": {"enum": [1, 1.5, -0.25]}},
    {"anyOf": [{"type": "integer", "exclusiveMinimum": 1}, {"const": 1.5}]},
    {"type": ["string", "null"], "not": {"maxLength": 1}},
    {"not": {"$ref": "#/$defs/some"}, "$defs": {"some": {"type": ["object", "array"]}}},
    {"oneOf": [{"type": "number"}, {"minimum": 1, "type": "number"}]},
    {"oneOf": [{"type": "string"}, {"enum": ["a", "b", 1]}, {"type": "null"}]},
    {"oneOf": [CAT, DOG]},
    {"oneOf": [{"$ref": "#/$defs/cat"}, {"$ref": "#/$defs/dog"}], "$defs": {"cat": CAT, "dog": DOG}},
    {**OBJECT, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {**OBJECT, "oneOf": [{"required": ["a"]}, {"required": ["b"]}, {"required": ["c"]}]},
    {**OBJECT, "if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}},
    {**OBJECT, "if": {"required": ["a"]}, "else": {"required": ["b"]}},
    {**CAT, "properties": {"kind": {}, "meow": {}}, "if": {"properties": {"kind": {"const": "cat"}}}, "else": False},
    {"if": {"type": "object"}, "then": CLOSED},
    {"if": True},
    {**OBJECT, "dependentRequired": {"a": ["b"], "c": ["a"]}},
    {**OBJECT, "dependentSchemas": {"a": {"properties": {"b": {"type": "integer"}}, "required": ["c"]}}},
    {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True},
    {"items": {"type": "boolean"}, "uniqueItems": True},
    {"type": "array", "items": {"enum": MANY}, "uniqueItems": True, "maxItems": 2},
    {"type": "array", "uniqueItems": True, "maxItems": 1},
    {"uniqueItems": False},
    {"type": "array", "maxItems": 3, "contains": {"type": "string"}},
    {"maxItems": 3, "contains": {"const": 1}, "maxContains": 3},
    {"contains": {"const": 1}, "minContains": 0},
    {"type": "object", "propertyNames": {"pattern": "^x_"}},
    {**OBJECT, "propertyNames": {"pattern": "^[ab]$"}},
    {**OBJECT, "propertyNames": {"enum": ["a", "b"]}},
    {"type": "object", "propertyNames": {"enum": ["a", "b"]}, "additionalProperties": {"type": "integer"}},
    {"type": "object", "propertyNames": {"maxLength": 1}},
    {**CLOSED, "minProperties": 2},
    {**CLOSED, "minProperties": 2, "required": ["b"]},
    {**CLOSED, "maxProperties": 1},
    {**CLOSED, "minProperties": 1.0, "maxProperties": 2.0},
    {"maxProperties": 0, "propertyNames": {"enum": ["a", "kind"]}},
    {"type": "object", "minProperties": 1, "propertyNames": {"pattern": "^[ab]"}},
    {**OBJECT, "minProperties": 1},
    {**OBJECT, "minProperties": 2, "required": ["a"]},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 2},
    {**OBJECT, "unevaluatedProperties": False},
    {"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}], "type": "object", "unevaluatedProperties": False},
    {
        "type": "object",
        "$ref": "#/$defs/a",
        "properties": {"b": {}},
        "unevaluatedProperties": {"type": "null"},
        "$defs": {"a": {"properties": {"a": {}}}},
    },
    {"type": "array", "prefixItems": [{"type": "string"}], "unevaluatedItems": False},
    {"type": "string", "format": "made-up"},
]

IN_PART: list[tuple[dict[str, Any], str]] = [
    ({"not": {"type": "integer"}}, "`not` at $"),
    ({"not": {"pattern": "a"}}, "`not` at $"),
    ({"not": {"$ref": "#/not"}}, "`not` at $"),
    ({"not": {"const": 'say "a"'}}, "`not` at $"),
    ({"not": {"const": "a" * 81}}, "`not` at $"),
    ({"not": {"const": "a" * 1500}}, "`not` at $"),
    ({"type": "string", "pattern": '^[^"]*$'}, "`pattern` at $"),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "`oneOf` at $"),
    ({"oneOf": [{"const": [1]}, {"const": [1.0]}]}, "`oneOf` at $"),
    ({"properties": {"a": {"type": "string", "pattern": "^(?!x)"}}}, "`pattern` at $.a"),
    ({"if": {"pattern": "a"}, "then": {"type": "string"}}, "`if` and `then` at $"),
    ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, "`uniqueItems` at $"),
    ({"type": "array", "items": {"enum": MANY}, "uniqueItems": True}, "`uniqueItems` at $"),
    ({"type": "array", "contains": {"type": "string"}}, "`contains` at $"),
    (
        {"type": "array", "contains": {"type": "string"}, "minContains": 2, "maxItems": 3},
        "`contains` and `minContains` at $",
    ),
    ({"type": "object", "propertyNames": {"pattern": "^(?!x)"}}, "`propertyNames` at $"),
    ({**OBJECT, "propertyNames": {"pattern": r"^\p{L}+$"}}, "`propertyNames` at $"),
    ({**OBJECT, "maxProperties": 1}, "`maxProperties` at $"),
    ({**OBJECT, "allOf": [{"maxProperties": 1}]}, "`maxProperties` at $.allOf[0]"),
    ({"type": "object", "minProperties": 2, "anyOf": [OBJECT]}, "`minProperties` at $"),
    ({"anyOf": [OBJECT], "unevaluatedProperties": False}, "`unevaluatedProperties` at $"),
    ({"items": {"$ref": "https://example.org/x"}}, "`$ref` at $.items"),
    ({"$dynamicRef": "#x"}, "`$dynamicRef` at $"),
]


def takes(schema: dict[str, Any]) -> dict[str, bool]:
    """Of each of VALUES, as its JSON, whether the mask lets it through."""
    options = {"whitespace_flexible": False, "lenient": True}
    text = json.dumps({**mask_of(schema).schema, "x-guidance": options})
    started = LLMatcher(TABLES, f"start: %json {text}", log_level=0)
    if started.is_error():
        return {}
    taken = {}
    for value in VALUES:
        text = json.dumps(value, separators=(",", ":"))
        matcher, ids = started.deep_copy(), NANO.encode(text)
        taken[text] = matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting()
    return taken


@pytest.mark.parametrize("schema", EXACT, ids=lambda schema: json.dumps(schema)[:90])
def test_a_mask_takes_what_the_schema_allows_and_nothing_else(schema: dict[str, Any]) -> None:
    assert mask_of(schema).beyond == ()
    validator = Draft202012Validator(schema)
    assert takes(schema) == {json.dumps(value, separators=(",", ":")): validator.is_valid(value) for value in VALUES}


@pytest.mark.parametrize(("schema", "left"), IN_PART, ids=lambda given: json.dumps(given)[:90])
def test_what_a_mask_cannot_hold_to_is_named_and_nothing_valid_is_lost(schema: dict[str, Any], left: str) -> None:
    assert mask_of(schema).beyond == (left,)
    if not re.search(r"ef|\\p", json.dumps(schema)):  # a reference to nowhere has no valid values; Python has no \\p
        validator, taken = Draft202012Validator(schema), takes(schema)
        assert all(taken[json.dumps(value, separators=(",", ":"))] for value in VALUES if validator.is_valid(value))


# --- any schema -------------------------------------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "c", "kind"])
atoms = st.sampled_from([None, True, 0, 1, 5, 1.5, "", "a", "ab", "cat"])
kinds = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
small = st.integers(0, 3)


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    keywords: dict[str, st.SearchStrategy[Any]] = {
        "type": kinds | st.lists(kinds, min_size=1, max_size=3, unique=True),
        "const": atoms,
        "enum": st.lists(atoms, min_size=1, max_size=4),
        "minimum": small,
        "exclusiveMinimum": small | st.sampled_from([-0.25, 0.5, 1.5]),
        "maximum": small | st.just(1.5),
        "exclusiveMaximum": small,
        "minLength": small,
        "maxLength": small,
        "pattern": st.sampled_from(["^a", "b$", "^(?=a)"]),
        "items": inner,
        "prefixItems": some,
        "minItems": small,
        "maxItems": small,
        "uniqueItems": st.booleans(),
        "contains": inner,
        "required": st.lists(names, max_size=2, unique=True),
        "minProperties": small,
        "maxProperties": small,
        "additionalProperties": st.booleans() | inner,
        "propertyNames": st.sampled_from([{"pattern": "^[ak]"}, {"enum": ["a", "kind"]}, {"maxLength": 1}]),
        "dependentRequired": st.dictionaries(names, st.lists(names, max_size=2, unique=True), max_size=2),
        "dependentSchemas": st.dictionaries(names, inner, max_size=2),
        "unevaluatedProperties": st.booleans(),
        "unevaluatedItems": st.booleans(),
        "allOf": some,
        "anyOf": some,
        "oneOf": some,
        "not": inner,
        "if": inner,
        "then": inner,
        "else": inner,
        "properties": st.dictionaries(names, inner, max_size=3).map(lambda given: dict(sorted(given.items()))),
    }
    chosen = st.lists(st.sampled_from(sorted(keywords)), max_size=4, unique=True)
    return chosen.flatmap(lambda keys: st.fixed_dictionaries({key: keywords[key] for key in keys}))


schemas = st.recursive(st.booleans() | _schemas(st.booleans()), _schemas, max_leaves=6)


@given(schemas.filter(lambda schema: isinstance(schema, dict)))
def test_a_mask_takes_nothing_invalid_unless_it_says_so(schema: dict[str, Any]) -> None:
    validator, taken = Draft202012Validator(schema), takes(schema)
    if not taken or mask_of(schema).beyond:
        return
    for value in VALUES:
        if taken[json.dumps(value, separators=(",", ":"))]:
            assert validator.is_valid(value), value


@given(schemas, schemas)
def test_a_complement_is_exact_and_disjoint_schemas_share_nothing(one: Any, other: Any) -> None:
    first, second = Draft202012Validator(one), Draft202012Validator(other)
    if (opposite := complement(one, Document(one))) is not None:
        opposed = Draft202012Validator(opposite)
        assert all(opposed.is_valid(value) != first.is_valid(value) for value in VALUES if value != "a\n")
    if disjoint(one, other, Document(True)):
        assert not any(first.is_valid(value) and second.is_valid(value) for value in VALUES)


@pytest.mark.parametrize("keyword", ["oneOf", "not", "if"])
def test_a_hostile_schema_is_given_up_soon(keyword: str) -> None:
    """Each level refers eight times to the next."""
    levels = {str(at): {"anyOf": [{"$ref": f"#/$defs/{at + 1}"}] * 8} for at in range(14)}
    part: dict[str, Any] = {"$ref": "#/$defs/0"}
    ways: dict[str, dict[str, Any]] = {"oneOf": {"oneOf": [part] * 8}, "not": {"not": part}, "if": {"if": part}}
    mask = mask_of({**ways[keyword], "then": part, "$defs": {**levels, "14": {"type": "string"}}})
    assert mask.beyond[0].startswith(f"`{keyword}`")  # without a bound this would take hours


# --- what is set right ------------------------------------------------------------------------------------------------


def test_integers_are_bounded_and_data_in_a_schema_is_left_alone() -> None:
    data = {"type": "integer", "format": "path"}
    schema = {
        "type": "object",
        "properties": {
            "type": {"type": "integer", "minimum": 3},
            "format": {"type": ["integer", "null"], "exclusiveMaximum": 4},
            "at": {"anyOf": [{"type": "string", "format": "path"}, {"type": "string", "format": "date"}]},
            "data": {"const": data},
            "huge": {"type": "integer", "minimum": 10**17},
            "any": True,
            "looks": {"type": "string", "pattern": "^(?!x)"},
        },
        "x-guidance": {"whitespace_flexible": True},
    }
    mask = mask_of(schema)
    assert mask.schema["properties"] == {
        "type": {"type": "integer", "minimum": 3, "maximum": 2**53 - 1},
        "format": {"type": ["integer", "null"], "exclusiveMaximum": 4, "minimum": 1 - 2**53},
        "at": {"anyOf": [{"type": "string"}, {"type": "string", "format": "date"}]},
        "data": {"const": data},
        "huge": {"type": "integer", "minimum": 10**17},
        "any": True,
        "looks": {"type": "string"},
    }
    assert "x-guidance" not in mask.schema
    assert mask.beyond == ("`pattern` at $.looks",)


def test_numbers_of_any_size_are_bounds_and_values() -> None:
    huge, one, other = 10**400, 2**53, 2**53 + 1  # as floats, the last two are one number
    alternatives = {"oneOf": [{"const": huge}, {"const": 1.5}], "exclusiveMinimum": -huge, "exclusiveMaximum": huge}
    assert mask_of(alternatives).beyond == ()
    some = mask_of({"type": "array", "items": {"enum": [one, other]}, "uniqueItems": True, "minItems": 2})
    assert some.schema["allOf"] == [{"enum": [[one, other], [other, one]]}]


def test_a_grammar_names_what_it_does_not_hold_to() -> None:
    schema = {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}
    (end,) = turn_grammar(TurnSpec(output=schema), o200k_harmony()).ends
    assert (end.label, end.beyond) == ("the final answer", ("`uniqueItems` at $",))
    (end,) = turn_grammar(TurnSpec(output=schema, unmasked=frozenset({end.label})), o200k_harmony()).ends
    assert (end.label, end.schema, end.beyond) == ("the final answer", {}, ())
