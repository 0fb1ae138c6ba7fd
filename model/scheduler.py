"""Requests that run together: in each step one forward pass over what each of them reads next.

- What a request has to read is what its sequence lacks of its rows: a prompt at first, then what was sampled or forced.
  There is no other difference between prefilling and decoding.
- Everyone who decodes takes part in every step. What is left of a step's rows goes to prompts, half of it to the one
  that came first, half of the rest to the next, and so on.
- Memory goes to those who came first: a later request gives its pages up, waits, and reads again what was forgotten.
- One thread runs the steps while there are requests. Masks are computed beside the forward pass.
- A request's tokens depend on nothing but the request where a row's logits do not depend on the batch (see `batch`).
"""

from __future__ import annotations

import atexit
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import torch

from .batch import read
from .cache import KVCache, Sequence
from .errors import ModelError
from .request import Choice, Request
from .transformer import Transformer

CHUNK: Final = 512  # rows of a step
_BESIDE: Final = 64  # rows of prompts in a step that others decode in, who wait for it
_BRIEF: Final = 32  # rows to read, at most, of who decodes: what a grammar forces comes in runs
_LEAST: Final = 16  # rows of a prompt that are worth a place in a step


@dataclass(frozen=True, slots=True)
class _Part:
    """What a request reads in a step. drafted: how many of the rows are guesses; whole: whether it samples then."""

    request: Request
    rows: list[int]
    drafted: int
    whole: bool
    choice: Future[Choice] | None


class Scheduler:
    def __init__(self, network: Transformer, cache: KVCache, *, chunk: int = CHUNK) -> None:
        self._network, self._cache, self._chunk = network, cache, chunk
        self._lock = threading.Lock()  # of what other threads touch: arrivals, the worker, closed
        self._arrived: list[tuple[Request, Sequence]] = []
        self._worker: threading.Thread | None = None
        self._closed = False
        self._running: dict[Request, Sequence] = {}  # in the order of arrival

    def submit(self, request: Request) -> None:
        """Raises ModelError once closed."""
        with self._lock:
            if self._closed:
                raise ModelError("the engine is closed")
            self._arrived.append((request, Sequence(self._cache)))
            if self._worker is None or not self._worker.is_alive():  # a forked process has none
                self._worker = threading.Thread(target=self._work, name="cadenza-engine", daemon=True)
                self._worker.start()

    def close(self) -> None:
        """Ends all requests, and the thread after its step."""
        with self._lock:
            self._closed = True
            worker = self._worker
        if worker is not None:
            worker.join()

    # --- the worker's thread ------------------------------------------------------------------------------------------

    def _work(self) -> None:
        worker = threading.current_thread()

        def end() -> None:  # of this thread: while it goes away, the next one may be at work already
            self.close()
            worker.join()

        atexit.register(end)  # a daemon that is computing while the interpreter goes away may crash it
        try:
            with torch.inference_mode(), ThreadPoolExecutor(1, "cadenza-masks") as beside:
                while self._admit():
                    self._step(beside)
        finally:
            atexit.unregister(end)

    def _admit(self) -> bool:
        """Lets requests in and out; whether there are any."""
        with self._lock:
            arrived, self._arrived = self._arrived, []
        for request, sequence in arrived:
            self._running[request] = sequence
            request.begin()
        with self._lock:
            if self._closed:
                for request in self._running:
                    request.fail(ModelError("the engine was closed"))
            for request in [request for request in self._running if request.over]:
                self._running.pop(request).free()
            going_on = bool(self._running or self._arrived)  # one may have arrived since the others were let in
            if not going_on:
                self._worker = None
            return going_on

    def _step(self, beside: ThreadPoolExecutor) -> None:
        parts: list[_Part] = []
        try:
            for request, count in self._shares().items():
                if part := self._part(request, count, beside):
                    parts.append(part)
            self._read(parts)
        except Exception as error:  # whatever it is, nobody must wait for ever
            for request in [part.request for part in parts] or list(self._running):
                request.fail(error)

    def _read(self, parts: list[_Part]) -> None:
        wanted, start = list[int](), 0
        for part in parts:
            start += len(part.rows)
            if part.whole:
                wanted += range(start - part.drafted - 1, start)
        if not parts:
            return
        passed = [(self._running[part.request], part.rows) for part in parts]
        logits = read(self._network, self._cache, passed, wanted)
        given = iter(torch.split(logits, [part.drafted + 1 for part in parts if part.whole]))
        for part in parts:
            known = len(part.rows) - part.drafted
            if part.whole:
                known += part.request.go_on(next(given), part.rows[known:], part.choice)
            self._running[part.request].append(part.rows[:known])

    # --- who reads what -----------------------------------------------------------------------------------------------

    def _shares(self) -> dict[Request, int]:
        """How many rows each request may read, in the order of arrival."""
        left = {request: self._left(request) for request in self._running}
        brief = sum(count for count in left.values() if count <= _BRIEF)
        free = min(self._chunk, _BESIDE) if brief else self._chunk
        prompts = [request for request, count in left.items() if count > _BRIEF]
        for request in prompts:
            behind = request is not prompts[-1] and free > 2 * _LEAST
            share = 0 if self._follows(request, prompts) else min(left[request], free // 2 if behind else free)
            left[request], free = share, free - share
        return {request: count for request, count in left.items() if count}

    def _left(self, request: Request) -> int:
        """Rows that a request has to read. What others have read meanwhile is taken over first."""
        sequence = self._running[request]
        if len(request.rows) - len(sequence.rows) > 1:
            sequence.take_up(request.rows)
        return len(request.rows) - len(sequence.rows)

    def _follows(self, request: Request, prompts: list[Request]) -> bool:
        """Whether an earlier request is about to read the very page that this one needs next."""
        end = (len(self._running[request].rows) // self._cache.page + 1) * self._cache.page
        if end >= len(request.rows):
            return False
        earlier = prompts[: prompts.index(request)]
        return any(other.rows[:end] == request.rows[:end] and len(self._running[other].rows) < end for other in earlier)

    def _part(self, request: Request, count: int, beside: ThreadPoolExecutor) -> _Part | None:
        sequence = self._running[request]
        rows = request.rows[len(sequence.rows) :]
        draft = request.draft() if len(rows) == count <= _BRIEF else []
        room = self._room(request, count + len(draft))
        rows = [*rows[:count], *draft][:room]
        if not rows:
            return None
        whole = room >= len(request.rows) - len(sequence.rows)
        choice = beside.submit(request.choose) if whole and request.turn is not None else None
        return _Part(request, rows, len(rows) - count if whole else 0, whole, choice)

    def _room(self, request: Request, count: int) -> int:
        """Rows that there is memory for. Those who came later have to give theirs up, the last one first."""
        sequence, order = self._running[request], list(self._running)
        later = order[order.index(request) + 1 :]
        while (room := sequence.make_room(count)) == 0:
            holding = [other for other in later if self._running[other].pages]
            if holding:
                self._running[holding[-1]].free()
            elif any(self._running[other].pages for other in order if other is not request):
                return 0  # it waits for those who came earlier
            else:
                request.fail(ModelError(self._too_long))
                return 0
        return room

    @property
    def _too_long(self) -> str:
        return f"the request needs more than the {self._cache.longest} tokens that the engine's cache has memory for"
