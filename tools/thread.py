"""A synchronous function beside the event loop, in a thread that nobody has to wait for.

Like `anyio.to_thread.run_sync(..., abandon_on_cancel=True)`, but on a daemon thread: anyio's are joined when the
interpreter exits, so one tool that hangs would keep a finished run from ending.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import anyio
from anyio import from_thread
from anyio.lowlevel import current_token

T = TypeVar("T")


async def run_in_thread(function: Callable[[], T]) -> T:
    """What `function` returns or raises, with this task's context variables.

    Cancelling ends the wait, not the thread: it goes on, and nobody hears of its end.
    """
    token, done = current_token(), anyio.Event()
    returned: list[T] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            returned.append(function())
        except BaseException as error:
            raised.append(error)
        with suppress(RuntimeError):  # the loop has ended: nobody waits
            from_thread.run_sync(done.set, token=token)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work,), name="cadenza tool", daemon=True).start()
    await done.wait()
    if raised:
        raise raised.pop()
    return returned.pop()
