"""`@tool`: what becomes of a function, and what is refused."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest

from cadenza.tools import FunctionTool, FunctionToolset, ToolContext, ToolError, tool

pytestmark = pytest.mark.anyio


@tool
def add(left: int, right: int = 1) -> int:
    """Adds two numbers."""
    return left + right


@tool(name="fetch", description="Gets a page.", timeout=10, idempotent=True, max_calls=3, retries=2, sends_out=True)
async def fetch_page(address: str) -> str:
    """Not told."""
    return address.upper()


def test_a_bare_decorator_takes_name_and_description_from_the_function() -> None:
    assert isinstance(add, FunctionTool)
    assert (add.name, add.description) == ("add", "Adds two numbers.")
    assert (add.timeout, add.idempotent, add.max_calls, add.retries) == (60.0, False, None, None)
    assert (add.reads_private, add.reads_untrusted, add.sends_out) == (False, False, False)


def test_arguments_of_the_decorator_have_the_last_word() -> None:
    assert (fetch_page.name, fetch_page.description) == ("fetch", "Gets a page.")
    assert (fetch_page.timeout, fetch_page.idempotent, fetch_page.max_calls, fetch_page.retries) == (10, True, 3, 2)
    assert (fetch_page.reads_private, fetch_page.reads_untrusted, fetch_page.sends_out) == (False, False, True)


async def test_a_tool_is_called_as_the_function_it_was() -> None:
    assert add(1, right=2) == 3
    assert await fetch_page("x") == "X"
    with pytest.raises(TypeError):
        add("1", 2)  # type: ignore[arg-type]


def test_a_tool_keeps_the_signature_and_docstring_of_its_function() -> None:
    assert list(inspect.signature(add).parameters) == ["left", "right"]
    assert add.__doc__ == "Adds two numbers."
    assert vars(add)["__name__"] == "add"


def test_a_tool_is_frozen() -> None:
    with pytest.raises(AttributeError):
        add.timeout = 1  # type: ignore[misc]


async def test_a_tool_answers_json_text() -> None:
    result = await add.call('{"left": 1, "right": 4}')
    assert (result.text, result.json, result.status) == ("5", 5, "ok")
    assert (await fetch_page.call('{"address": "a"}')).text == "A"


async def test_the_context_is_injected_wherever_it_stands() -> None:
    @tool
    def whoami(suffix: str, context: ToolContext[dict[str, str]]) -> str:
        return f"{context.deps['user']}{suffix} in {context.run}, call {context.call}"

    context = ToolContext(deps={"user": "ann"}, run="r1", call=3)
    assert (await whoami.call('{"suffix": "!"}', context)).text == "ann! in r1, call 3"
    assert whoami("?", context) == "ann? in r1, call 3"


async def test_the_context_may_be_annotated_without_the_type_of_its_deps() -> None:
    @tool
    def one(context: ToolContext) -> int:  # type: ignore[type-arg]
        return context.call

    @tool
    def two(context: Annotated[ToolContext[str], "why"]) -> int:
        return context.call

    for each in (one, two):
        assert each.described.parameters is None
        assert (await each.call("", ToolContext(deps="", call=7))).text == "7"


async def test_the_model_cannot_fill_the_context() -> None:
    @tool
    def whoami(context: ToolContext[str]) -> str:
        return context.deps

    result = await whoami.call('{"context": "mallory"}', ToolContext(deps="ann"))
    assert (result.status, result.text) == ("error", "context: unknown; there are no arguments")


async def test_the_active_context_is_found_by_every_tool_and_only_inside_the_block() -> None:
    @tool
    async def whoami(context: ToolContext[str]) -> str:
        assert ToolContext.current().deps == context.deps
        return context.deps

    async with FunctionToolset([whoami]).open() as session:
        with ToolContext(deps="ann").active():
            with ToolContext(deps="bob").active():
                assert (await session.call("functions.whoami", "")).text == "bob"
            assert (await session.call("functions.whoami", "")).text == "ann"
    assert ToolContext.current().deps is None


def test_a_name_of_another_module_is_not_taken_from_the_callers_locals() -> None:
    def make(function: Callable[..., Any]) -> FunctionTool[..., Any]:
        int = str  # what `left: int` must not become  # noqa: F841
        return tool(function)

    assert make(add.function).parameters["properties"]["left"]["type"] == "integer"


# --- names ------------------------------------------------------------------------------------------------------------


def go() -> None: ...


@pytest.mark.parametrize("name", ["python", "browser", "functions", "_x", "A1", "x" * 64])
def test_names_inside_the_namespace_are_free(name: str) -> None:
    assert tool(go, name=name).name == name


@pytest.mark.parametrize(
    "name", ["<|end|>", "go<|call|>", "a.b", "a b", "a\n", "1a", "a-b", "é", "x" * 65, "<|channel|>final", "go "]
)
def test_a_name_that_could_be_taken_for_something_else_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(ToolError) as caught:
        tool(go, name=name)
    assert str(caught.value).startswith(f"tool {name!r}: a name is 1 to 64 ASCII letters")
    assert "\n" not in str(caught.value)
    with pytest.raises(ToolError, match="a name is"):
        FunctionToolset([], name=name)


def test_a_lambda_needs_a_name() -> None:
    with pytest.raises(ToolError, match="tool '<lambda>': a name is"):
        tool(lambda: 1)
    assert tool(lambda: 1, name="one").name == "one"


# --- refused ----------------------------------------------------------------------------------------------------------


def generator() -> Iterator[int]:
    yield 1


async def async_generator() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: tool(generator), "tool 'generator': is a generator; return one value"),
        (lambda: tool(async_generator), "tool 'async_generator': is a generator"),
        (lambda: tool(add), "tool 'add': is a tool already"),
        (
            lambda: tool("weather"),  # type: ignore[call-overload]
            "@tool decorates functions, not str; options need their names",
        ),
        (lambda: tool(go, timeout=0), "tool 'go': timeout must be more than 0 seconds, not 0"),
        (lambda: tool(go, timeout=float("nan")), "tool 'go': timeout must be more than 0 seconds, not nan"),
        (lambda: tool(go, max_calls=0), "tool 'go': max_calls must be at least 1, not 0"),
        (lambda: tool(go, retries=-1), "tool 'go': retries must be at least 0, not -1"),
        (lambda: FunctionToolset([add, add]), "toolset 'functions': two tools are called 'add'; pass @tool(name=...)"),
        (
            lambda: FunctionToolset([go]),  # type: ignore[list-item]
            "toolset 'functions': go is no function tool; decorate it with @tool",
        ),
        (lambda: FunctionToolset([], result_bytes=0), "toolset 'functions': result_bytes must be at least 1, not 0"),
    ],
)
def test_wrong_usage_is_told_in_one_line(make: Callable[[], Any], told: str) -> None:
    with pytest.raises(ToolError) as caught:
        make()
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


def test_an_option_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match="timeuot"):
        tool(go, timeuot=1)  # type: ignore[call-overload]
