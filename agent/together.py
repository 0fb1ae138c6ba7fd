"""Several pieces of work that tell of themselves, side by side, as one stream of events.

A piece waits until its event was taken, and so committed, before it does what the event announces; progress alone is
told without waiting. The tasks are asyncio's own, since a task group must not be open where a generator yields.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import anyio

from .events import Ephemeral, Event

MOST_WAITING: Final = 100
"""Ephemeral events that wait to be taken: a tool may report faster than anybody reads."""


class Teller:
    """What a piece of work tells its events to."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[tuple[Event, asyncio.Event | None] | asyncio.Task[None]] = asyncio.Queue()

    async def tell(self, event: Event) -> None:
        """Returns when the event was taken."""
        taken = asyncio.Event()
        self.told.put_nowait((event, taken))
        await taken.wait()

    def mention(self, event: Ephemeral) -> None:
        """Returns at once; of too many in a short time the later ones are left out."""
        if self.told.qsize() < MOST_WAITING:
            self.told.put_nowait((event, None))


Work: TypeAlias = Callable[[Teller], Awaitable[None]]


async def together(works: Sequence[Work], *, most: int) -> AsyncGenerator[Event, None]:
    """The events of all, as they come; `most` run at a time, begun in order. Raises what the first that fails raises.

    The others are cancelled then, and when the stream is closed.
    """
    teller, free = Teller(), asyncio.Semaphore(most)

    async def run(work: Work) -> None:
        async with free:
            await work(teller)

    tasks = [asyncio.ensure_future(run(work)) for work in works]
    for task in tasks:
        task.add_done_callback(teller.told.put_nowait)
    left = len(tasks)
    try:
        while left:
            told = await teller.told.get()
            if isinstance(told, asyncio.Task):
                left -= 1
                told.result()
                continue
            event, taken = told
            yield event
            if taken is not None:
                taken.set()
    finally:
        for task in tasks:
            task.cancel()
        with anyio.CancelScope(shield=True):  # nothing of them goes on behind the run's back
            await asyncio.gather(*tasks, return_exceptions=True)
