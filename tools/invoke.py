"""A call of a function tool: the one place that validates, limits time and number, and catches.

Whatever a tool's code raises becomes an error result of one line, so that a tool never ends a run. Exceptions to that:
ToolFatal, which is meant to, and cancellation.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from anyio import from_thread
from anyio.lowlevel import current_token

from .arguments import ArgumentError, ArgumentRepair, find_object, validate
from .context import ToolContext
from .errors import ToolFatal, ToolRetry
from .plain import one_line
from .result import encodable, result_of, timed_out
from .thread import run_in_thread
from .toolset import ToolResult

if TYPE_CHECKING:
    from .decorator import FunctionTool

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """One tool's calls in one run. ran: those that reached the function; failures: in a row, up to now."""

    ran: int = 0
    failures: int = 0

    def count(self, status: str, *, reached: bool) -> None:
        """One more call, as its result tells of it."""
        self.ran += reached
        self.failures = 0 if status == "ok" else self.failures + 1


async def invoke(
    tool: FunctionTool[..., Any],
    arguments: str,
    context: ToolContext[Any],
    tally: Tally,
) -> ToolResult:
    """Answers one call. arguments: JSON text. Raises ToolFatal."""
    begin = time.perf_counter()
    repairs: tuple[ArgumentRepair, ...] = ()
    reached = False
    try:
        _refuse(tool, tally)
        text, repairs = find_object(arguments)
        values = validate(tool.signature, text)
        reached = True
        tally.ran += 1
        result = await _run(tool, values, context)
    except ToolFatal:
        raise
    except BaseExceptionGroup as group:
        result = _failed(tool, *_leaves(group))
    except (Exception, SystemExit) as error:
        result = _failed(tool, error)
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        result = _failed(tool, error)  # of something that the tool waited for
    tally.failures = 0 if result.status == "ok" else tally.failures + 1
    seconds = result.seconds or time.perf_counter() - begin
    return encodable(replace(result, repairs=(*repairs, *result.repairs), seconds=seconds, reached=reached))


class _Refused(Exception):  # noqa: N818 - never seen outside
    """The tool may not be called any more in this run."""


def _refuse(tool: FunctionTool[..., Any], tally: Tally) -> None:
    if tool.max_calls is not None and tally.ran >= tool.max_calls:
        raise _Refused(f"{tool.name} may be called {_times(tool.max_calls)} in a run, and has been; go on without it")
    if tool.retries is not None and tally.failures > tool.retries:
        raise _Refused(f"{tool.name} failed {_times(tool.retries + 1)} in a row; go on without it")


async def _run(tool: FunctionTool[..., Any], values: dict[str, Any], context: ToolContext[Any]) -> ToolResult:
    """Runs the function, in a worker thread if it is a synchronous one, for at most the tool's time."""
    with _reporting(context) as injected, anyio.move_on_after(tool.timeout):
        values |= dict.fromkeys(tool.signature.contexts, injected)
        if is_async(tool.function):
            value = await tool.function(**values)
        else:
            value = await run_in_thread(partial(tool.function, **values))
            value = await value if inspect.isawaitable(value) else value
        return result_of(value, returns_nothing=tool.signature.returns_nothing)
    return timed_out(tool.timeout or 0.0)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine: an async function, or an object with an async `__call__`."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


@contextmanager
def _reporting(context: ToolContext[Any]) -> Iterator[ToolContext[Any]]:
    """`context` with a progress that takes the way to this thread's event loop, and ends with the block."""
    token, thread = current_token(), threading.get_ident()
    is_over = False

    def report(text: str) -> None:
        if not is_over:
            context.on_progress(text)

    def report_from_anywhere(text: str) -> None:
        if threading.get_ident() == thread:
            report(text)
        elif not is_over:
            from_thread.run_sync(report, text, token=token)

    try:
        yield replace(context, on_progress=report_from_anywhere)
    finally:
        is_over = True


def _failed(tool: FunctionTool[..., Any], *errors: BaseException) -> ToolResult:
    """The error result that stands for `errors`. Raises those that no tool may be stopped from raising."""
    for error in errors:
        if isinstance(error, ToolFatal) or not isinstance(error, Exception | SystemExit | asyncio.CancelledError):
            raise error
        if not isinstance(error, ArgumentError | ToolRetry | _Refused):
            _log.debug("tool %r raised", tool.name, exc_info=error)
    return ToolResult(text="; ".join(map(_told, errors)), status="error")


def _is_cancelled() -> bool:
    """Whether somebody wants this task to end, the run for one."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _leaves(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _told(error: BaseException) -> str:
    """What the model reads: a message that was written for it, or one line `ValueError: ...`."""
    try:
        text = str(error)
    except Exception:  # somebody's __str__
        text = ""
    if isinstance(error, ArgumentError | ToolRetry | _Refused) and text.strip():
        return text
    kind = type(error).__name__
    return f"{kind}: {one_line(text)}" if text.strip() else kind


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
