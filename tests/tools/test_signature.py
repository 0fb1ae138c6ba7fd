"""What the model is told of a function, and what its arguments have to be."""

from __future__ import annotations

import datetime
import enum
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from pydantic import BaseModel, Field, RootModel, ValidationError
from typing_extensions import TypedDict

from cadenza.harmony import DeveloperContent, ToolNamespace, content_text, typescript
from cadenza.tools import FunctionTool, FunctionToolset, ToolContext, ToolError, fault_lines, tool

pytestmark = pytest.mark.anyio


class Unit(enum.Enum):
    CELSIUS = "c"
    KELVIN = 2


class Place(BaseModel):
    """Somewhere on Earth."""

    city: str
    country: str | None = None


class Tree(BaseModel):
    value: int
    children: list[Tree] = []


@dataclass
class Span:
    start: datetime.date
    days: int = 1


class Filter(TypedDict, total=False):
    field: str


class Point(NamedTuple):
    x: float
    y: float


class Open(BaseModel, extra="allow"):
    known: int


def accepts(annotation: Any) -> FunctionTool[[Any], str]:
    """A tool with one argument `value` of that type, which answers with the `repr` of what it got."""

    def show(value: Any) -> str:
        return repr(value)

    show.__annotations__["value"] = annotation
    return tool(show)


def property_of(annotation: Any) -> dict[str, Any]:
    properties: dict[str, Any] = accepts(annotation).parameters["properties"]
    return dict(properties["value"])


async def seen(annotation: Any, text: str) -> str:
    """What the function got, or what the model is told."""
    return (await accepts(annotation).call(f'{{"value": {text}}}')).text


# --- the schema -------------------------------------------------------------------------------------------------------


def test_a_schema_has_types_defaults_and_descriptions_and_no_titles() -> None:
    @tool
    def weather(city: str, days: int = 1) -> str:
        """Forecast for a city.

        Args:
            city: City name, e.g. "Paris".
        """
        return ""

    assert weather.description == "Forecast for a city."
    assert weather.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": 'City name, e.g. "Paris".'},
            "days": {"type": "integer", "default": 1},
        },
        "required": ["city"],
        "additionalProperties": False,
    }


def test_no_schema_has_a_title_unless_its_author_gave_one() -> None:
    titles = [json.dumps(accepts(kind).parameters) for kind in (Unit, Place, Tree, Span, Filter, Point, list[Place])]
    assert not any('"title"' in text for text in titles)
    assert property_of(Annotated[int, Field(title="Degrees")])["title"] == "Degrees"


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "string"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Place, {"$ref": "#/$defs/Place"}),
        (Annotated[int, Field(gt=0, description="How many.")], None),
        (Any, {}),
    ],
)
def test_each_type_has_its_schema(annotation: Any, schema: dict[str, Any] | None) -> None:
    expected = {"type": "integer", "exclusiveMinimum": 0, "description": "How many."} if schema is None else schema
    assert property_of(annotation) == expected


def test_models_dataclasses_and_enums_stay_references() -> None:
    @tool
    def plan(place: Place, span: Span, unit: Unit = Unit.CELSIUS) -> None:
        """Plans.

        Args:
            place: Where to.
        """

    assert plan.parameters["properties"] == {
        "place": {"$ref": "#/$defs/Place", "description": "Where to."},
        "span": {"$ref": "#/$defs/Span"},
        "unit": {"$ref": "#/$defs/Unit", "default": "c"},
    }
    assert plan.parameters["$defs"]["Place"]["description"] == "Somewhere on Earth."
    assert plan.parameters["$defs"]["Unit"] == {"enum": ["c", 2]}
    assert all(plan.parameters["$defs"][name]["additionalProperties"] is False for name in ("Place", "Span"))


def test_a_default_that_is_no_json_is_left_out() -> None:
    marker = object()

    @tool
    def find(key: Any = marker) -> None: ...

    assert find.parameters["properties"] == {"key": {}}
    assert "required" not in find.parameters


def test_the_context_is_no_argument() -> None:
    @tool
    def find(context: ToolContext[Place], key: str) -> None:
        """Finds.

        Args:
            context: The call.
            key: What to find.
        """

    assert find.parameters["properties"] == {"key": {"type": "string", "description": "What to find."}}


def test_the_model_reads_the_descriptions() -> None:
    @tool
    def weather(city: str, days: int = 1, unit: Literal["c", "f"] = "c") -> str:
        """Forecast for a city.

        Args:
            city: City name,
                as in "Paris".
            days: How many days.
        """
        return ""

    @tool
    def now() -> str:
        """The time."""
        return ""

    session = ToolNamespace(name="functions", tools=(weather.described, now.described))
    text = content_text(DeveloperContent(tools=(session,)))
    assert "// Forecast for a city.\ntype weather = (_: {\n" in text
    assert '// City name, as in "Paris".\ncity: string,\n// How many days.\ndays?: number, // default: 1\n' in text
    assert "// The time.\ntype now = () => any;" in text
    assert 'unit?: "c" | "f", // default: c' in typescript(weather.parameters)


# --- validation -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (int, "3", 3),
        (float, "3", 3.0),
        (tuple[int, str], '[1, "a"]', (1, "a")),
        (tuple[int, ...], "[1, 2]", (1, 2)),
        (set[int], "[1, 1]", {1}),
        (frozenset[int], "[1]", frozenset({1})),
        (Unit, '"c"', Unit.CELSIUS),
        (Unit, "2", Unit.KELVIN),
        (Literal["a", 1], "1", 1),
        (datetime.date, '"2026-05-01"', datetime.date(2026, 5, 1)),
        (datetime.datetime, '"2026-05-01T10:00:00"', datetime.datetime(2026, 5, 1, 10)),
        (datetime.timedelta, '"PT1H"', datetime.timedelta(hours=1)),
        (uuid.UUID, '"12345678-1234-5678-1234-567812345678"', uuid.UUID("12345678123456781234567812345678")),
        (Decimal, '"1.5"', Decimal("1.5")),
        (Place, '{"city": "Paris"}', Place(city="Paris")),
        (list[Place], '[{"city": "Paris", "country": null}]', [Place(city="Paris")]),
        (Tree, '{"value": 1, "children": [{"value": 2}]}', Tree(value=1, children=[Tree(value=2)])),
        (Span, '{"start": "2026-05-01"}', Span(datetime.date(2026, 5, 1))),
        (Filter, '{"field": "x"}', {"field": "x"}),
        (Point, "[1, 2]", Point(1.0, 2.0)),
        (int | None, "null", None),
        (int | str, '"3"', "3"),
        (dict[str, list[int]], '{"a": [1]}', {"a": [1]}),
        (RootModel[list[int]], "[1]", RootModel[list[int]]([1])),
        (Open, '{"known": 1, "more": 2}', Open(known=1, more=2)),  # type: ignore[call-arg]
    ],
)
async def test_json_becomes_the_annotated_type(annotation: Any, text: str, value: object) -> None:
    assert await seen(annotation, text) == repr(value)


@pytest.mark.parametrize(
    ("annotation", "text", "told"),
    [
        (int, '"three"', 'value: input should be a valid integer, not "three"'),
        (int, '"3"', 'value: input should be a valid integer, not "3"'),
        (int, "true", "value: input should be a valid integer, not true"),
        (bool, '"yes"', 'value: input should be a valid boolean, not "yes"'),
        (str, "3", "value: input should be a valid string, not 3"),
        (list[int], '[1, "2"]', 'value[1]: input should be a valid integer, not "2"'),
        (Unit, '"x"', "value: input should be 'c' or 2, not \"x\""),
        (Literal["a", "b"], "null", "value: input should be 'a' or 'b', not null"),
        (Place, '{"city": 3}', "value.city: input should be a valid string, not 3"),
        (Place, "{}", "value.city: field required"),
        (Place, '{"city": "x", "nation": 1}', "value.nation: unknown"),
        (Span, '{"start": "2026-05-01", "weeks": 1}', "value.weeks: unknown"),
        (Filter, '{"other": 1}', "value.other: unknown"),
        (int | str, "[1]", "value: input should be a valid integer or a valid string, not [1]"),
        (Place | int, '{"city": 3}', None),
        (dict[str, int], '{"a": "x"}', 'value.a: input should be a valid integer, not "x"'),
        (tuple[int, int], "[1]", "value[1]: field required"),
        (Annotated[int, Field(gt=0)], "0", "value: input should be greater than 0, not 0"),
        (Annotated[str, Field(min_length=2)], '"a"', 'value: string should have at least 2 characters, not "a"'),
    ],
)
async def test_what_is_wrong_is_told_in_a_line_per_field(annotation: Any, text: str, told: str | None) -> None:
    both = "value.city: input should be a valid string, not 3\nvalue: input should be a valid integer, not "
    assert await seen(annotation, text) == (both + '{"city": 3}' if told is None else told)


async def test_an_unknown_argument_is_told_the_nearest_one() -> None:
    @tool
    def weather(city: str, days: int = 1) -> None: ...

    assert (await weather.call('{"city": "Paris", "dais": 2}')).text == "dais: unknown; did you mean days?"
    assert (await weather.call('{"city": "Paris", "x": 2}')).text == "x: unknown; there is city, days"
    assert (await weather.call("{}")).text == "city: field required"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"city": 1}', ["city: input should be a valid string, not 1"]),
        ("[]", ["answer: input should be an object, not []"]),
        ("{", ["answer: invalid JSON: EOF while parsing an object at line 1 column 1"]),
    ],
)
def test_the_same_lines_are_had_for_any_model(text: str, told: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        Place.model_validate_json(text, strict=True)
    assert fault_lines(caught.value, text, whole="answer") == told


async def test_a_long_value_is_shown_by_its_beginning_and_many_faults_by_the_first() -> None:
    told = await seen(list[int], json.dumps(["x" * 1000] * 50))
    assert len(told.splitlines()) == 11
    assert told.splitlines()[-1] == "... and 40 more"
    assert max(map(len, told.splitlines())) < 200


async def test_a_validator_of_the_users_speaks_in_one_line() -> None:
    class Even(BaseModel):
        number: Annotated[int, Field(multiple_of=2)]

    assert await seen(Even, '{"number": 3}') == "value.number: input should be a multiple of 2, not 3"


async def test_what_the_model_leaves_out_is_the_functions_own_default() -> None:
    marker = object()

    @tool
    def find(key: Any = marker, names: list[str] = ["a"]) -> bool:  # noqa: B006
        return key is marker and names == ["a"]

    assert (await find.call("{}")).text == "true"


async def test_parameters_may_have_names_that_pydantic_keeps_for_itself() -> None:
    @tool
    def find(json: int, copy: str, model_config: bool, _hidden: float, schema: str = "s", self_: int = 1) -> list[Any]:
        return [json, copy, model_config, _hidden, schema]

    assert list(find.parameters["properties"]) == ["json", "copy", "model_config", "_hidden", "schema", "self_"]
    result = await find.call('{"json": 1, "copy": "c", "model_config": true, "_hidden": 0.5}')
    assert result.json == [1, "c", True, 0.5, "s"]
    assert (await find.call('{"json": "x"}')).text.splitlines()[0] == 'json: input should be a valid integer, not "x"'


async def test_fields_may_be_defaults_and_carry_an_alias() -> None:
    @tool
    def find(key: str = Field("k", description="What."), of: Annotated[int, Field(alias="from")] = 3) -> list[Any]:
        return [key, of]

    assert find.parameters["properties"]["key"] == {"type": "string", "default": "k", "description": "What."}
    assert (await find.call("{}")).json == ["k", 3]
    assert (await find.call('{"from": 4}')).json == ["k", 4]


async def test_annotations_may_name_what_is_local_to_the_caller() -> None:
    class Local(BaseModel):
        number: int

    @tool
    def double(local: Local, more: list[Local] | None = None) -> int:
        return local.number * 2

    assert (await double.call('{"local": {"number": 4}}')).text == "8"


async def test_bound_methods_and_partials_are_functions() -> None:
    class Counter:
        def __init__(self) -> None:
            self.count = 0

        def add(self, amount: int) -> int:
            """Adds."""
            self.count += amount
            return self.count

    counter = Counter()
    add = tool(counter.add)
    assert list(add.parameters["properties"]) == ["amount"]
    assert (await add.call('{"amount": 2}')).text == "2"
    assert (await add.call('{"amount": 3}')).text == "5"


# --- refused when decorated -------------------------------------------------------------------------------------------


def positional(city: str, /) -> None: ...
def listed(*cities: str) -> None: ...
def keyed(**cities: str) -> None: ...
def untyped(city) -> None: ...  # type: ignore[no-untyped-def]
def unresolved(city: Nowhere) -> None: ...  # type: ignore[name-defined] # noqa: F821
def odd(key: str, call: Callable[[int], int]) -> None: ...
def hidden(context: ToolContext[int] | None = None) -> None: ...


class Method:
    def go(self, city: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (positional, "tool 'positional': parameter 'city' is positional-only; remove the /"),
        (listed, "tool 'listed': parameter 'cities' takes any number of values; make it a list"),
        (keyed, "tool 'keyed': parameter 'cities' takes any names; make it a dict"),
        (untyped, "tool 'untyped': parameter 'city' has no type annotation"),
        (Method.go, "tool 'go': parameter 'self' has no type annotation: for a method, wrap the bound one"),
        (
            unresolved,
            "tool 'unresolved': parameter 'city': its annotation cannot be read: name 'Nowhere' is not defined",
        ),
        (odd, "tool 'odd': parameter 'call': "),
        (hidden, "tool 'hidden': parameter 'context': ToolContext cannot be part of another type"),
    ],
)
def test_what_cannot_be_expressed_is_refused_in_one_line(function: Callable[..., Any], told: str) -> None:
    with pytest.raises(ToolError) as caught:
        tool(function)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


async def test_a_toolset_describes_its_functions_in_order() -> None:
    @tool
    def second(value: int) -> None:
        """Second."""

    @tool
    def first() -> None:
        """First."""

    async with FunctionToolset([second, first], description="Both.").open() as session:
        assert session.namespace == ToolNamespace(
            name="functions", description="Both.", tools=(second.described, first.described)
        )
        assert first.described.parameters is None
