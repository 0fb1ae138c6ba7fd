"""A call of a function tool: whatever the model sends and whatever the function does, there is one result."""

import asyncio
import contextvars
import json
import logging
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cadenza.tools import (
    ArgumentRepair,
    Artefact,
    FunctionToolset,
    ToolContext,
    ToolError,
    ToolFatal,
    ToolResult,
    ToolRetry,
    tool,
)

from .conftest import Forecast, weather

pytestmark = pytest.mark.anyio


# --- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", ["", "  \n", "{}", " {} "])
async def test_no_arguments_are_an_empty_object(arguments: str) -> None:
    @tool
    def ping() -> str:
        return "pong"

    result = await ping.call(arguments)
    assert (result.text, result.repairs) == ("pong", ())


@pytest.mark.parametrize(
    ("arguments", "repairs"),
    [
        ('{"city": "Paris"}', ()),
        ('[{"city": "Paris"}]', (ArgumentRepair.ONE_ELEMENT_ARRAY,)),
        ('{"city": "Paris"}}', (ArgumentRepair.JUNK_AFTER_OBJECT,)),
        ('{"city": "Paris"}\n```', (ArgumentRepair.JUNK_AFTER_OBJECT,)),
        ('{"city": "Paris"} {"city": "Rome"}', (ArgumentRepair.JUNK_AFTER_OBJECT,)),
        ('[{"city": "Paris"}] done', (ArgumentRepair.JUNK_AFTER_OBJECT, ArgumentRepair.ONE_ELEMENT_ARRAY)),
    ],
)
async def test_what_models_really_emit_is_mended_and_named(arguments: str, repairs: tuple[str, ...]) -> None:
    result = await weather.call(arguments)
    assert (result.text, result.status) == ('{"city":"Paris","days":1}', "ok")
    assert result.repairs == repairs


async def test_a_repair_is_named_also_when_the_call_fails() -> None:
    result = await weather.call('[{"city": 1}]')
    assert result.text == "city: input should be a valid string, not 1"
    assert result.repairs == ("one_element_array",)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"city": "Par', "the arguments are not valid JSON: EOF while parsing a string at line 1 column 13"),
        ("city=Paris", "the arguments are not valid JSON: expected value at line 1 column 1"),
        ('{"city": "Paris", "days": NaN}', "the arguments are not valid JSON: expected value at line 1 column 27"),
        ('{"city": "Paris", "days": -1e999}', "the arguments are not valid JSON: a number is too large"),
        ('[{"city": [1e999]}] x', "the arguments are not valid JSON: a number is too large"),
        ("3", "the arguments must be one JSON object, not 3"),
        ("null", "the arguments must be one JSON object, not null"),
        ('"Paris" x', 'the arguments must be one JSON object, not "Paris"'),
        ('[{"city": "Paris"}, {}]', 'the arguments must be one JSON object, not [{"city": "Paris"}, {}]'),
        ("[" * 5000, "the arguments are not valid JSON: recursion limit exceeded at line 1 column 202"),
        ("[[[]]]", "the arguments must be one JSON object, not [[[]]]"),
        ('{"city": "\ud800"}', None),
    ],
)
async def test_what_is_no_object_is_told_in_one_line(arguments: str, told: str | None) -> None:
    result = await weather.call(arguments)
    if told is None:
        assert result.text == '{"city":"?","days":1}'
    else:
        assert (result.text, result.status) == (told, "error")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@tool
def anything(first: Any = None, second: list[int | Forecast] | None = None, third: dict[str, Any] | None = None) -> Any:
    return [first, second, third]


@settings(deadline=None)  # an event loop for each example
@given(json_values | st.fixed_dictionaries({}, optional=dict.fromkeys(("first", "second", "third"), json_values)))
@example({"first": float("nan")})
@example({"first": 10**5000})
async def test_any_json_value_has_a_result(value: object) -> None:
    result = await anything.call(json.dumps(value) if not _is_huge(value) else '{"first": ' + "9" * 5000 + "}")
    assert result.status in ("ok", "error")
    assert result.text.encode()


def _is_huge(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("first"), int) and value["first"] > 10**400


@settings(deadline=None)  # an event loop for each example
@given(st.text() | st.text(alphabet='{}[]":,1e.x\\u'))
async def test_any_text_has_a_result(text: str) -> None:
    result = await weather.call(text)
    assert result.text.encode()


@settings(deadline=None)  # an event loop for each example
@given(st.fixed_dictionaries({"city": st.text(st.characters(exclude_categories=["Cs"])), "days": st.integers()}))
async def test_valid_arguments_arrive_as_they_are(arguments: dict[str, Any]) -> None:
    result = await weather.call(json.dumps(arguments))
    assert result.json == arguments
    assert result.repairs == ()


# --- results ----------------------------------------------------------------------------------------------------------


@dataclass
class Pair:
    left: int
    right: float


CHART = Artefact("chart.png", "image/png", b"\x89PNG")
REPORT = Artefact("report.pdf", "application/pdf", b"%PDF-")


@pytest.mark.parametrize(
    ("value", "text", "plain"),
    [
        ("a\nb", "a\nb", None),
        ("", "", None),
        (3, "3", 3),
        (None, "null", None),
        (True, "true", True),
        ({"a": [1, 2], "b": "é"}, '{"a":[1,2],"b":"é"}', {"a": [1, 2], "b": "é"}),
        (Forecast(city="x", days=1), '{"city":"x","days":1}', {"city": "x", "days": 1}),
        ([Pair(1, 0.5)], '[{"left":1,"right":0.5}]', [{"left": 1, "right": 0.5}]),
        ((1, 2), "[1,2]", [1, 2]),
        (float("inf"), '"Infinity"', "Infinity"),
    ],
)
async def test_a_value_is_read_as_text_or_compact_json(value: Any, text: str, plain: Any) -> None:
    @tool
    def give() -> Any:
        return value

    result = await give.call()
    assert (result.text, result.json, result.status) == (text, plain, "ok")


async def test_a_function_that_returns_nothing_is_done() -> None:
    @tool
    def act() -> None: ...

    assert (await act.call()).text == "done"


async def test_a_tool_may_return_a_whole_result() -> None:
    @tool
    def draw() -> ToolResult:
        return ToolResult(json={"points": 3}, images=(CHART,), artefacts=(REPORT,), status="error")

    result = await draw.call()
    assert result.text == '{"points":3}\n[chart.png: image/png, 4 bytes]\n[report.pdf: application/pdf, 5 bytes]'
    assert (result.images, result.artefacts, result.status) == ((CHART,), (REPORT,), "error")


@pytest.mark.parametrize("file", [CHART, REPORT])
async def test_a_tool_may_return_a_file(file: Artefact) -> None:
    @tool
    def draw() -> Artefact:
        return file

    result = await draw.call()
    assert (*result.images, *result.artefacts) == (file,)
    assert result.text.startswith(f"[{file.name}: ")


def test_a_text_of_its_own_is_what_the_model_reads() -> None:
    assert ToolResult(text="see the chart", json=[1], images=(CHART,)).text == "see the chart"
    assert ToolResult(text="").text == ""


@pytest.mark.parametrize("value", [object(), b"\xff", {1: object()}])
async def test_a_value_that_is_no_json_is_an_error(value: Any) -> None:
    @tool
    def give() -> Any:
        return value

    result = await give.call()
    assert result.status == "error"
    assert result.text.startswith(f"TypeError: the tool returned {type(value).__name__}, which is no JSON value: ")


async def test_half_of_a_surrogate_pair_is_spelled_out() -> None:
    @tool
    def give() -> list[str]:
        return ["\udcff"]

    assert (await give.call()).text == '["\\udcff"]'


# --- what a tool raises -----------------------------------------------------------------------------------------------


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no such\n  city"), "ValueError: no such city"),
        (KeyError("x"), "KeyError: 'x'"),
        (ValueError(), "ValueError"),
        (MuteError(), "MuteError"),
        (TimeoutError("their own"), "TimeoutError: their own"),
        (StopIteration(), "RuntimeError: coroutine raised StopIteration"),
        (SystemExit(3), "SystemExit: 3"),
        (ToolError("not here"), "ToolError: not here"),
        (ToolRetry("Try a city.\nNot a country."), "Try a city.\nNot a country."),
        (ToolRetry(), "ToolRetry"),
        (
            ExceptionGroup("several", [ValueError("a"), ExceptionGroup("x", [KeyError("b")])]),
            "ValueError: a; KeyError: 'b'",
        ),
        (asyncio.CancelledError(), "CancelledError"),
    ],
)
@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_an_exception_is_one_line_for_the_model(error: BaseException, told: str, kind: str) -> None:
    def fail() -> None:
        raise error

    async def fail_async() -> None:
        raise error

    result = await tool(fail if kind == "sync" else fail_async).call()
    assert (result.text, result.status) == (told, "error")
    assert "Traceback" not in result.text


@pytest.mark.parametrize("error", [ToolFatal("stop"), ExceptionGroup("x", [ValueError("a"), ToolFatal("stop")])])
async def test_a_fatal_error_ends_the_run(error: Exception) -> None:
    def fail() -> None:
        raise error

    async def fail_async() -> None:
        raise error

    for function in (fail, fail_async):
        async with FunctionToolset([tool(function)]).open() as session:
            with pytest.raises(ToolFatal, match="stop"):
                await session.call(f"functions.{function.__name__}", "{}")


async def test_the_traceback_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    @tool
    def fail() -> None:
        raise ValueError("x")

    with caplog.at_level(logging.DEBUG, "cadenza.tools"):
        await fail.call()
    assert any(record.exc_info for record in caplog.records)


async def test_cancelling_the_run_cancels_the_tool() -> None:
    ended = anyio.Event()

    @tool
    async def wait() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    with anyio.move_on_after(0.05) as scope:
        await wait.call()
    assert scope.cancelled_caught
    assert ended.is_set()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wait.call(), 0.05)


async def test_a_cancelled_task_of_the_tools_own_is_an_error_not_the_end() -> None:
    @tool
    async def wait() -> None:
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()
        await task

    result = await wait.call()
    assert (result.text, result.status) == ("CancelledError", "error")


# --- threads, time, progress ------------------------------------------------------------------------------------------


async def test_a_synchronous_function_runs_in_a_thread_with_the_tasks_context() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("here")

    @tool
    def where() -> list[Any]:
        return [threading.get_ident(), variable.get()]

    @tool
    async def where_async() -> list[Any]:
        return [threading.get_ident(), variable.get()]

    ident, value = (await where.call()).json
    assert ident != threading.get_ident()
    assert value == "here"
    assert (await where_async.call()).json == [threading.get_ident(), "here"]


async def test_a_synchronous_function_that_returns_a_coroutine_is_awaited() -> None:
    async def later() -> str:
        return "later"

    assert (await tool(lambda: later(), name="go").call()).text == "later"


class Server:
    async def __call__(self, value: int) -> int:
        return value + 1


async def test_an_object_with_an_async_call_is_a_function() -> None:
    assert (await tool(Server(), name="serve").call('{"value": 1}')).text == "2"


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_time_is_limited(kind: str) -> None:
    release = threading.Event()

    @tool(timeout=0.1)
    def hang() -> None:
        release.wait(30)

    @tool(timeout=0.1)
    async def hang_async() -> None:
        await anyio.sleep(30)

    begin = time.monotonic()
    result = await (hang if kind == "sync" else hang_async).call()
    release.set()
    assert time.monotonic() - begin < 5
    assert (result.status, result.text) == ("timeout", "timed out after 0.1 seconds; whether it took effect is unknown")
    assert 0.1 <= result.seconds < 5


def test_a_thread_that_hangs_does_not_keep_the_process_from_ending() -> None:
    code = """
import anyio, time
from cadenza.tools import tool

@tool(timeout=0.1)
def hang() -> None:
    time.sleep(120)

print(anyio.run(hang.call).status)
"""
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "timeout\n"
    assert done.stderr == ""
    assert time.monotonic() - begin < 60


async def test_progress_is_heard_in_the_loops_thread_until_the_call_is_over() -> None:
    heard: list[tuple[str, int]] = []
    release, finished = threading.Event(), threading.Event()

    @tool(timeout=0.3)
    def work(context: ToolContext[None]) -> None:
        context.progress("half")
        release.wait(30)
        context.progress("too late")
        finished.set()

    @tool
    async def work_async(context: ToolContext[None]) -> None:
        context.progress("soon")

    context = ToolContext(deps=None, on_progress=lambda text: heard.append((text, threading.get_ident())))
    await work_async.call("", context)
    await work.call("", context)
    release.set()
    assert finished.wait(10)
    await anyio.lowlevel.checkpoint()
    assert heard == [("soon", threading.get_ident()), ("half", threading.get_ident())]
