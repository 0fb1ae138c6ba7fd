"""The worker: executes cells, one JSON line in and one out, in the namespace of a module named `__main__`."""

from __future__ import annotations

import contextlib
import io
import json
import linecache
import os
import resource
import select
import signal
import sys
import traceback
import types
from typing import Any

from .cell import AWAITING, clipped, describe, figures, split
from .clip import CHUNK
from .processes import DUMPABLE, prctl

HEADROOM = 48 << 20  # bytes that the worker may use above the limit of the cells, to report a MemoryError
DESCRIPTORS = 1024  # open files of a process
TOKEN = 32  # characters
YIELDING = 10  # what niceness gives the supervisor nine times the CPU of any one process of the cells
FIRST_TO_DIE = 1000  # where memory is short: an interpreter that runs cells, and what they start

# What the loop below cannot do without; a cell may replace it in the modules that it shares with us.
fork, waitpid, write, read, leave, getpid = os.fork, os.waitpid, os.write, os.read, os._exit, os.getpid
dumps, loads, ready = json.dumps, json.loads, select.select


def write_frame(fd: int, **fields: Any) -> None:
    view = memoryview(dumps(fields).encode() + b"\n")
    while view:
        view = view[write(fd, view) :]


def rank_for_death(score: int) -> int:
    """How soon the kernel is to end this process where memory is short, up to 1000; what it was before."""
    before = 0
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "r+b", 0) as adjustment:
        before = int(adjustment.read())
        adjustment.write(str(score).encode())
    return before


class Worker:
    """commands, reports, wake, output: pipes to and from the supervisor. memory: bytes; processes: 0 for any number.

    file: bytes in one, 0 for any number; images, image_bytes: figures of one cell.
    """

    def __init__(
        self,
        *,
        commands: int,
        reports: int,
        wake: int,
        output: int,
        memory: int,
        processes: int,
        file: int,
        images: int,
        image_bytes: int,
    ) -> None:
        self.commands, self.reports, self.wake, self.output = commands, reports, wake, output
        self.memory, self.images, self.image_bytes = memory, images, image_bytes
        self.null = os.open(os.devnull, os.O_RDONLY)
        self.pid = getpid()
        self.cell = 0
        self.loop: Any = None  # of top-level await, made when it is first needed
        self.task: Any = None
        main = sys.modules["__main__"] = types.ModuleType("__main__")  # for pickle, dataclasses and multiprocessing
        self.namespace = main.__dict__
        packages = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        sys.path[:0] = [os.getcwd(), *packages]  # the interpreter itself was told to mind no variable
        self.calm = rank_for_death(FIRST_TO_DIE)
        os.nice(YIELDING)  # or the supervisor would be one of many when a cell forks without end
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        limit = min(DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1] % (1 << 63))
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        if processes:
            resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
        if file:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file, file))
        resource.setrlimit(resource.RLIMIT_AS, (memory + HEADROOM, memory + HEADROOM))
        self.open_streams()

    def serve(self) -> None:
        with os.fdopen(self.commands, "rb") as lines:
            for line in lines:
                request = loads(line)
                if "copy" in request:
                    self.leave_copy(request["copy"])
                    continue
                self.cell += 1
                self.restore_streams()
                signal.pthread_sigmask(signal.SIG_SETMASK, ())
                signal.signal(signal.SIGINT, self.interrupt)
                error, shown, hidden = self.run(request["code"], f"<cell {self.cell}>")
                for stream in (sys.stdout, sys.stderr, self.out, self.err):
                    with contextlib.suppress(Exception):  # the cell may have put anything at all there
                        stream.flush()
                if getpid() != self.pid:
                    leave(0)  # a child that the cell forked has come back here: it is not the worker
                write_frame(self.reports, token=request["token"], error=error, figures=shown, hidden=hidden)

    def leave_copy(self, token: str) -> None:
        """Leave a sleeping copy of this process behind, and tell its number; 0 where that cannot be.

        It is a grandchild, which the supervisor inherits, so that a cell that waits for its children never meets it.
        A copy that wakes up finds itself here, leaves a copy of its own, and goes on.
        """
        while True:
            chance: Any = sys.modules.get("random")  # it seeds itself anew in every child
            state = chance.getstate() if hasattr(chance, "getstate") else None
            try:
                between = fork()
            except OSError:  # as many processes as there may be
                between = -1
            if between < 0:
                write_frame(self.reports, token=token, copy=0)
                return
            if between:
                with contextlib.suppress(ChildProcessError):  # the cell may have said that it wants none to wait for
                    waitpid(between, 0)
                return
            rank_for_death(self.calm)  # the copy is the way back, and would not free what it shares with the worker
            prctl(DUMPABLE, 0)  # the next cell may not look into the copy, or speak through its descriptors
            try:
                copy = fork()
            except OSError:
                copy = -1
            if copy:
                write_frame(self.reports, token=token, copy=max(copy, 0))
                leave(0)
            token = read(self.wake, TOKEN).decode()
            if not token:
                leave(0)  # the supervisor has ended
            while ready([self.commands], [], [], 0)[0]:  # what the one that died has left unread
                read(self.commands, CHUNK)
            prctl(DUMPABLE, 1)
            rank_for_death(FIRST_TO_DIE)
            self.pid, self.loop = getpid(), None  # a loop's descriptors are shared with the one that died
            if state is not None:
                chance.setstate(state)

    def open_streams(self) -> None:
        # One buffer below both keeps the order of what is written; a line at a time keeps it with child processes.
        buffer = io.BufferedWriter(io.FileIO(1, "w", closefd=False), CHUNK)
        self.out, self.err = (
            io.TextIOWrapper(buffer, "utf-8", "backslashreplace", line_buffering=True, write_through=True) for _ in "12"
        )

    def restore_streams(self) -> None:
        """Make file descriptors 0 to 2 and the sys streams good again, whatever the last cell did to them.

        It may have left not a single descriptor free.
        """
        for fd, good in ((0, self.null), (1, self.output), (2, self.output)):
            os.dup2(good, fd)
        if self.out.closed or self.err.closed:
            self.open_streams()
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8")
        sys.stdout, sys.stderr = self.out, self.err

    def interrupt(self, signum: int, frame: types.FrameType | None) -> None:
        """Raise only while a cell's own code is on the stack, so that the loop in `serve` is never interrupted."""
        while frame:
            if frame.f_code.co_filename.startswith("<cell ") or frame.f_code is figures.__code__:
                raise KeyboardInterrupt
            frame = frame.f_back
        if self.task is not None:  # the event loop waits for something
            self.loop.call_soon_threadsafe(self.task.cancel)

    def run(self, code: str, name: str) -> tuple[str | None, list[str], int]:
        """A cell: the error text or None, its figures, and how many more there were."""
        # An entry without mtime is never checked against the disk.
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        try:
            body, last = split(code, name)
        except Exception as error:  # SyntaxError, but also ValueError, RecursionError, MemoryError, UnicodeError
            return clipped("".join(traceback.format_exception_only(type(error), error))), [], 0
        ceiling = self.memory + HEADROOM
        told: str | None = None
        shown: list[str] = []
        hidden = 0
        try:
            resource.setrlimit(resource.RLIMIT_AS, (self.memory, ceiling))
            self.evaluate(body)
            value = self.evaluate(last) if last else None
            if value is not None:
                print(repr(value))
        except BaseException as error:  # a cell may raise anything; SystemExit must not end the session
            resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
            told = describe(error)
        try:
            shown, hidden = figures(self.images, self.image_bytes)
        except BaseException as error:
            told = told or describe(error)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
        return told, shown, hidden

    def evaluate(self, code: types.CodeType) -> Any:
        value = eval(code, self.namespace)
        if not code.co_flags & AWAITING:
            return value
        import asyncio

        if self.loop is None or self.loop.is_closed():
            self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.task = self.loop.create_task(value)
        try:
            return self.loop.run_until_complete(self.task)
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            self.task = None
