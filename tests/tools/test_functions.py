"""A toolset of functions: who answers to which name, how often, and what its functions share."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cadenza.tools import (
    FunctionSession,
    FunctionTool,
    FunctionToolset,
    ToolRetry,
    Toolset,
    tool,
)

from .conftest import weather

pytestmark = pytest.mark.anyio


@tool
def anything() -> None:
    """Takes nothing."""


# --- how often --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def opened(*tools: FunctionTool[..., Any]) -> AsyncIterator[Callable[[str, str], Any]]:
    async with FunctionToolset(tools).open() as session:
        yield session.call


async def test_max_calls_counts_calls_that_reach_the_function_in_one_run() -> None:
    @tool(max_calls=2)
    def count(value: int) -> int:
        return value

    for _ in range(2):
        async with opened(count) as call:
            assert (await call("count", '{"value": "x"}')).status == "error"
            assert (await call("count", '{"value": 1}')).text == "1"
            assert (await call("count", '{"value": 2}')).text == "2"
            refused = await call("count", '{"value": 3}')
            assert refused.text == "count may be called 2 times in a run, and has been; go on without it"
            assert refused.status == "error"


async def test_after_its_retries_a_tool_is_withdrawn_and_a_success_starts_afresh() -> None:
    @tool(retries=1)
    def half(value: int) -> int:
        if value % 2:
            raise ToolRetry("even numbers only")
        return value // 2

    async with opened(half) as call:
        told = [(await call("half", f'{{"value": {value}}}')).text for value in (1, 4, 1, 3, 4)]
    assert told == ["even numbers only", "2", "even numbers only", "even numbers only", WITHDRAWN]


WITHDRAWN = "half failed 2 times in a row; go on without it"


# --- the toolset ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipient", ["functions.weather", "weather"])
async def test_a_function_answers_to_its_full_and_its_bare_name(recipient: str) -> None:
    async with FunctionToolset([weather]).open() as session:
        assert (await session.call(recipient, '{"city": "x"}')).text == '{"city":"x","days":1}'
        assert session.find(recipient) is weather


@pytest.mark.parametrize(
    ("recipient", "told"),
    [
        ("functions.wether", "no function 'functions.wether'; did you mean functions.weather?"),
        ("weathr", "no function 'weathr'; did you mean functions.weather?"),
        ("functions", "no function 'functions'; there is functions.weather, functions.anything"),
        ("functions.", "no function 'functions.'; there is functions.weather, functions.anything"),
        ("functions.a\nb", "no function 'functions.a\\nb'; there is functions.weather, functions.anything"),
    ],
)
async def test_an_unknown_function_is_told_the_nearest_ones(recipient: str, told: str) -> None:
    async with FunctionToolset([weather, anything]).open() as session:
        result = await session.call(recipient, "{}")
        assert (result.text, result.status) == (told, "error")
        assert session.find(recipient) is None


async def test_a_function_may_be_called_as_a_namespace_is() -> None:
    @tool
    def functions() -> str:
        return "ok"

    async with FunctionToolset([functions]).open() as session:
        assert (await session.call("functions.functions", "")).text == "ok"


async def test_an_idempotent_tool_may_be_repeated() -> None:
    @tool(idempotent=True)
    def read() -> None: ...

    async with FunctionToolset([weather, read]).open() as session:
        assert session.traits("functions.read").repeatable
        assert not session.traits("functions.weather").repeatable
        assert not session.traits("functions.read").stateful


class Notes:
    """A toolset as a user writes one: two functions share what `open` starts and ends."""

    name = "notes"

    def __init__(self) -> None:
        self.log: list[str] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FunctionSession]:
        notes: dict[str, str] = {}
        self.log.append("opened")

        @tool
        async def keep(title: str, text: str) -> None:
            """Keeps a note.

            Args:
                title: What it is found by.
            """
            notes[title] = text

        @tool(idempotent=True)
        def read(title: str) -> str:
            """Reads a note."""
            if title not in notes:
                raise ToolRetry(f"no note {title!r}; there is {', '.join(notes) or 'none'}")
            return notes[title]

        try:
            async with FunctionToolset([keep, read], name=self.name, stateful=True).open() as session:
                yield session
        finally:
            self.log.append(f"closed with {len(notes)}")


async def test_a_users_toolset_shares_a_resource_between_its_functions() -> None:
    notes = Notes()
    toolset: Toolset = notes
    async with toolset.open() as session:
        assert session.traits("store.read").stateful
        assert [described.name for described in session.namespace.tools] == ["keep", "read"]
        assert (await session.call("notes.keep", '{"title": "a", "text": "b"}')).text == "done"
        assert (await session.call("notes.read", '{"title": "a"}')).text == "b"
        assert (await session.call("notes.read", '{"title": "c"}')).text == "no note 'c'; there is a"
    assert notes.log == ["opened", "closed with 1"]
