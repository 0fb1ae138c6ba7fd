"""`typescript` against openai-harmony, and the types it has where openai-harmony prints `any`."""

import enum
import json
from dataclasses import dataclass
from typing import Any, Literal, Optional

import openai_harmony
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from cadenza.harmony.typescript import typescript

Schema = dict[str, Any]


@dataclass(frozen=True)
class RawMessage:
    """A message for the reference as plain JSON: its pydantic models would drop the nulls of a schema."""

    fields: Schema

    def to_json(self) -> str:
        return json.dumps(self.fields)


def reference_text(reference: openai_harmony.HarmonyEncoding, schema: object) -> str:
    """What the reference prints as the type of a function's parameters."""
    tool = {"name": "f", "description": "", "parameters": schema}
    functions = {"name": "functions", "description": None, "tools": [tool]}
    content = {"type": "developer_content", "tools": {"functions": functions}}
    tokens = reference.render(RawMessage({"role": "developer", "content": [content]}))
    text: str = reference.decode_utf8(tokens)
    return text.split("type f = (_: ", 1)[1].removesuffix(") => any;\n\n} // namespace functions<|end|>")


texts = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ["null", "a b", 'say "hi"', "line\nline", "<|end|>", "*/", "é", ""]
)
# serde_json reads some numbers of more than 15 digits one unit off, so those that become floats have fewer.
integers = st.integers(-(2**63), 2**64 - 1)
floats = st.builds(lambda digits, power: float(f"{digits}e{power}"), st.integers(-(10**6), 10**6), st.integers(-15, 14))
scalars = st.none() | st.booleans() | integers | floats | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2), max_leaves=4
)
keys = st.text("abc_é ", min_size=1, max_size=3)


def with_notes(shape: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Schema]:
    """Schemas of `shape` with any of the notes a schema can carry."""
    descriptions = st.sampled_from(["A.", "B."]) | texts  # few, as the repetition of one matters
    notes = {
        "title": texts,
        "description": descriptions,
        "examples": st.lists(texts | values, max_size=3),
        "default": values,
    }
    notes["nullable"] = st.booleans()
    notes["enum"] = st.lists(texts | scalars, max_size=3)
    return st.fixed_dictionaries(shape, optional=notes)


simple = st.sampled_from(["string", "number", "integer", "boolean", "array", "object"])
listed = st.lists(st.sampled_from(["string", "integer", "null", "object", "array"]), min_size=1, max_size=3)
leaves: st.SearchStrategy[Schema] = (
    with_notes({"type": simple | listed}) | st.just({}) | st.builds(lambda text: {"description": text}, texts)
)


def composite(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    properties = st.dictionaries(keys, inner, max_size=4)
    required = st.lists(keys, max_size=2)
    return (
        with_notes({"type": st.just("object"), "properties": properties, "required": required})
        | with_notes({"type": st.just("array"), "items": inner})
        | with_notes({"oneOf": st.lists(inner, max_size=3)})
        | with_notes({"type": simple, "oneOf": st.lists(inner, max_size=2), "properties": properties})
    )


expressed = st.recursive(leaves, composite, max_leaves=12)

# What random schemas meet too seldom: notes of a property and of its variants that repeat each other.
few_notes = {
    "title": st.just("T"),
    "description": st.sampled_from(["A.", "B."]),
    "default": st.sampled_from(["a", 1, 2**64 - 1, None]),
    "examples": st.lists(st.sampled_from(["a", 1]), max_size=2),
    "enum": st.sampled_from([[], ["a"]]),
    "nullable": st.booleans(),
}
variants = st.fixed_dictionaries({"type": simple}, optional=few_notes)
noted = st.fixed_dictionaries(
    {"type": simple}, optional=few_notes | {"oneOf": st.none() | st.lists(variants, max_size=2), "items": variants}
)
annotated = st.builds(lambda schema: {"type": "object", "properties": {"x": schema}}, noted)

malformed = st.fixed_dictionaries(
    {"type": st.just("object")},
    optional=dict.fromkeys(("properties", "required", "description", "title", "examples", "items", "enum"), values),
) | st.fixed_dictionaries(
    {"type": st.sampled_from(["object", "array", "string"])},
    optional={
        "oneOf": scalars,
        "properties": st.dictionaries(keys, values, max_size=2) | values,
        "items": values,
        "nullable": values,
    },
)


@given(schema=expressed)
def test_a_schema_the_reference_expresses_has_the_reference_s_text(
    reference: openai_harmony.HarmonyEncoding, schema: Schema
) -> None:
    assert typescript(schema) == reference_text(reference, schema)


anything = st.recursive(
    expressed
    | malformed
    | st.fixed_dictionaries(
        {},
        optional={
            "$ref": st.sampled_from(["#/$defs/A", "#"]),
            "const": values,
            "enum": st.lists(values, max_size=2),
            "type": st.sampled_from(["null", "thing", 3]),
            "default": values,
            "description": texts,
            "nullable": st.booleans(),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", ["string", "null"]]),
            "anyOf": st.lists(inner, max_size=2),
            "allOf": st.lists(inner, max_size=2),
            "oneOf": st.lists(inner, max_size=2),
            "items": inner,
            "properties": st.dictionaries(keys, inner, max_size=2),
        },
    ),
    max_leaves=6,
)


@given(schema=anything)
def test_reference_mode_prints_what_the_reference_prints(
    reference: openai_harmony.HarmonyEncoding, schema: Schema
) -> None:
    assert typescript(schema, mode="reference") == reference_text(reference, schema)


@given(schema=annotated)
def test_notes_stand_where_the_reference_puts_them(reference: openai_harmony.HarmonyEncoding, schema: Schema) -> None:
    assert typescript(schema) == reference_text(reference, schema)


@given(schema=malformed)
def test_fields_of_the_wrong_type_are_ignored_as_in_the_reference(
    reference: openai_harmony.HarmonyEncoding, schema: Schema
) -> None:
    assert typescript(schema) == reference_text(reference, schema)


@pytest.mark.parametrize(
    "default",
    [1.0, -0.0, 1e10, 1e15, 1e16, 1e-4, 1e-5, 1.5e-5, 1e-6, 1e-7, 1e300, 5e-324, 2**53 + 1, 2**64 - 1, 2**64, 10**29],
)
def test_a_number_is_written_as_the_reference_writes_it(
    reference: openai_harmony.HarmonyEncoding, default: float
) -> None:
    schema = {"type": "object", "properties": {"x": {"type": "number", "default": {"n": [default, -default]}}}}
    assert typescript(schema) == reference_text(reference, schema)


def test_the_indent_starts_each_line_of_an_object() -> None:
    schema = {"type": "object", "description": "A point.", "properties": {"x": {"type": "number"}}}
    assert typescript(schema, "  ") == "  // A point.\n{\n  x?: number,\n  }"


def property_type(schema: object, **definitions: object) -> str:
    """The text of `schema` as the property `x` of an object."""
    text = typescript({"type": "object", "properties": {"x": schema}, "required": ["x"], "$defs": definitions})
    return text.removeprefix("{\nx: ").removesuffix(",\n}")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"const": 'say "hi"'}, r'"say \"hi\""'),
        ({"const": None}, "null"),
        ({"const": 1.0}, "1.0"),
        ({"type": "null"}, "null"),
        ({"enum": ["a", 1, None, True, "a"]}, '"a" | 1 | null | true'),
        ({"enum": []}, "any"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "number | null"),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, "number"),
        ({"anyOf": [{"type": "integer"}], "nullable": True}, "number | null"),
        ({"anyOf": [{"type": "integer", "nullable": True}, {"type": "string"}]}, "number | null | string"),
        ({"anyOf": []}, "any"),
        ({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, "(string | null)[]"),
        ({"type": "array", "items": {"anyOf": [{"type": "string"}]}}, "string[]"),
        ({"type": "array", "items": {"enum": [1, 2]}}, "(1 | 2)[]"),
        ({"type": "array", "items": {"const": 1}}, "1[]"),
        ({"allOf": [{"type": "string"}]}, "string"),
        ({"allOf": [{"type": "string"}, {"type": "number"}]}, "any"),
        (True, "any"),
        (False, "any"),
    ],
    ids=str,
)
def test_what_the_reference_calls_any_has_a_type(schema: object, expected: str) -> None:
    assert property_type(schema) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "null"], "enum": ["a", None]}, "string | null"),
        ({"type": "string", "const": "a"}, "string"),
        ({"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}, '"a" | "b"[]'),
        ({"type": "string", "$ref": "#/$defs/N"}, "string"),
    ],
    ids=str,
)
def test_what_the_reference_expresses_stays_as_it_is(
    reference: openai_harmony.HarmonyEncoding, schema: object, expected: str
) -> None:
    assert property_type(schema, N={"type": "number"}) == expected
    assert reference_text(reference, schema) == expected


@pytest.mark.parametrize("key", ["$defs", "definitions"])
def test_a_reference_renders_as_its_target_written_in_place(key: str) -> None:
    target = {"type": "object", "description": "A point.", "properties": {"x": {"type": "number", "default": 0}}}
    referring = {"type": "object", "properties": {"at": {"$ref": f"#/{key}/Point"}}, key: {"Point": target}}
    assert typescript(referring) == typescript({"type": "object", "properties": {"at": target}})


def test_what_stands_beside_a_reference_goes_before_what_the_target_says() -> None:
    definitions = {"$defs": {"N": {"type": "number", "title": "N", "description": "Any number."}}}
    for referring in ({"$ref": "#/$defs/N"}, {"allOf": [{"$ref": "#/$defs/N"}]}):
        schema = referring | {"description": "Of the mouse.", "default": None}
        text = typescript({"type": "object", "properties": {"x": schema}} | definitions)
        assert text == "{\n// N\n//\n// Of the mouse.\nx?: number, // default: null\n}"


@pytest.mark.parametrize("path", ["#/$defs/a~1b", "#/$defs/c~0d", "#/$defs/e%20f"])
def test_a_reference_may_be_escaped(path: str) -> None:
    names = {"a/b": {"type": "number"}, "c~d": {"type": "number"}, "e f": {"type": "number"}}
    assert property_type({"$ref": path}, **names) == "number"


@pytest.mark.parametrize(
    "path", ["#/$defs/missing", "#/$defs", "other.json#/N", "", "#", "#anchor", "#/type/x", "#/$defs/N/enum/0"]
)
def test_a_reference_that_leads_nowhere_is_any(path: str) -> None:
    assert property_type({"$ref": path}, N={"enum": [1]}) == "any"


def test_a_recursive_reference_is_any() -> None:
    children = {"type": "array", "items": {"$ref": "#/$defs/Tree"}}
    tree = {"type": "object", "properties": {"children": children}}
    assert typescript({"$ref": "#/$defs/Tree", "$defs": {"Tree": tree}}) == "{\nchildren?: any[],\n}"
    assert typescript({"type": "object", "properties": {"self": {"$ref": "#"}}}) == "{\nself?: any,\n}"


def test_a_schema_nested_too_deep_ends_in_any() -> None:
    schema: Schema = {"type": "string"}
    for _ in range(10_000):
        schema = {"type": "array", "items": schema}
    text = typescript(schema)
    assert text.startswith("any[][]")
    assert len(text) < 300
    default: list[Any] = []
    for _ in range(10_000):
        default = [default]
    assert len(typescript({"type": "object", "properties": {"x": {"type": "array", "default": default}}})) < 300


def test_references_that_double_at_each_level_stay_small() -> None:
    definitions: Schema = {"D0": {"type": "string"}}
    for level in range(1, 60):
        below = {"$ref": f"#/$defs/D{level - 1}"}
        definitions[f"D{level}"] = {"type": "object", "properties": {"a": below, "b": below}}
    assert len(typescript({"$ref": "#/$defs/D59", "$defs": definitions})) < 5_000_000


schema_keys = st.sampled_from(
    [
        "type",
        "properties",
        "x",
        "items",
        "oneOf",
        "anyOf",
        "allOf",
        "$ref",
        "const",
        "enum",
        "default",
        "$defs",
        "a",
        "required",
    ]
)
anything = st.recursive(
    scalars
    | st.floats()
    | st.just(10**400)
    | st.sampled_from(["#", "#/properties/x", "#/$defs/a", "object", "array", "null"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(schema_keys | texts, inner, max_size=5),
    max_leaves=15,
)


@given(schema=st.dictionaries(schema_keys, anything, max_size=6))
def test_every_schema_renders(schema: Schema) -> None:
    assert isinstance(typescript(schema), str)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    """A point."""

    x: float = Field(description="From the left.")
    y: float = 0


POINT = """\
    // A point.
{
    // X
    //
    // From the left.
    x: number,
    // Y
    //
    y?: number, // default: 0
    }"""


class Search(BaseModel):
    limit: Optional[int] = None  # noqa: UP045 - the older spelling gives the same schema
    mode: Literal["fast", "exact"]
    page: Literal["first", 1] = 1
    colour: Colour = Field(Colour.RED, description="Of the marker.")
    area: list[Point | None]
    centre: Point


def test_a_pydantic_model_keeps_all_its_types() -> None:
    assert typescript(Search.model_json_schema()) == (
        "{\n"
        "// Limit\n//\nlimit?: number | null, // default: null\n"
        '// Mode\n//\nmode: "fast" | "exact",\n'
        '// Page\n//\npage?: "first" | 1, // default: 1\n'
        '// Colour\n//\n// Of the marker.\ncolour?: "red" | "blue", // default: red\n'
        f"// Area\n//\narea: ({POINT} | null)[],\n"
        f"// Point\n//\n// A point.\ncentre: {POINT},\n"
        "}"
    )
