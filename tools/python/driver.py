"""The program inside the sandbox: one file, standard library only, Python >= 3.8.

Two processes. The *supervisor* owns the socket to the host (JSON lines), the clock, and the pipe that is stdout and
stderr of the cells; it runs no code of the user's and is closed to inspection by its own user. The *worker* is forked
from it and executes cells in one namespace. The supervisor believes nothing that the worker reports beyond its shape,
and the host believes nothing that the supervisor sends: this file protects the session, the sandbox protects the host.
When the worker dies or will not stop, the supervisor says so and ends, and the whole sandbox ends with it.
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import io
import json
import linecache
import os
import resource
import select
import signal
import sys
import time
import traceback
import types
from collections.abc import Callable
from typing import Any

ERROR_LIMIT = 16 * 1024  # characters of a traceback; the host's cap on a frame allows for it
REPORT_LIMIT = 256 * 1024  # bytes of a worker's report
CHUNK = 64 * 1024
DRAIN_LIMIT = 1 << 20  # bytes: the largest pipe that a process without privileges can have
HEADROOM = 48 << 20  # bytes that the worker may use above the limit of the cells, to report a MemoryError
LOOK = 0.1  # seconds between two looks at the memory of all processes
PAGE = resource.getpagesize()


class Clip:
    """The first and the last bytes of a stream: bounded memory for any amount of output."""

    def __init__(self, limit: int) -> None:
        self.half = limit // 2
        self.head = bytearray()
        self.tail = bytearray()
        self.total = 0

    def write(self, data: bytes) -> None:
        self.total += len(data)
        room = self.half - len(self.head)
        self.head += data[:room]
        self.tail += data[room:]
        if len(self.tail) > 2 * self.half + CHUNK:  # not at every write: deleting from the front costs
            del self.tail[: len(self.tail) - self.half]

    def text(self) -> tuple[str, int]:
        """The text kept and the number of bytes dropped."""
        tail = self.tail[max(0, len(self.tail) - self.half) :]
        dropped = self.total - len(self.head) - len(tail)
        if not dropped:
            return (self.head + tail).decode("utf-8", "replace"), 0
        # A cut may go through a character, whose remains are not the user's.
        first, last = self.head.decode("utf-8", "replace").rstrip("\ufffd"), tail.decode("utf-8", "replace")
        return "{}\n[... {} bytes dropped ...]\n{}".format(first, dropped, last.lstrip("\ufffd")), dropped


def write_frame(fd: int, **fields: Any) -> None:
    view = memoryview(json.dumps(fields).encode() + b"\n")
    while view:
        view = view[os.write(fd, view) :]


# ------------------------------------------------------------ the worker


class Worker:
    """Executes cells, one JSON line in and one out, in the namespace of a module named `__main__`."""

    def __init__(self, commands: int, reports: int, output: int, memory: int, processes: int) -> None:
        self.commands, self.reports, self.output, self.memory = commands, reports, output, memory
        self.pid = os.getpid()
        self.cell = 0
        main = sys.modules["__main__"] = types.ModuleType("__main__")  # for pickle, dataclasses and multiprocessing
        self.namespace = main.__dict__
        sys.path.insert(0, os.getcwd())
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if processes:
            resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
        resource.setrlimit(resource.RLIMIT_AS, (memory + HEADROOM, memory + HEADROOM))
        self.open_streams()

    def serve(self) -> None:
        with os.fdopen(self.commands, "rb") as lines:
            for line in lines:
                request = json.loads(line)
                self.cell += 1
                self.restore_streams()
                signal.signal(signal.SIGINT, self.interrupt)
                error = self.run(request["code"], f"<cell {self.cell}>")
                for stream in (sys.stdout, sys.stderr, self.out, self.err):
                    with contextlib.suppress(Exception):  # the cell may have put anything at all there
                        stream.flush()
                if os.getpid() != self.pid:
                    os._exit(0)  # a child that the cell forked has come back here: it is not the worker
                write_frame(self.reports, token=request["token"], error=error)

    def open_streams(self) -> None:
        # One buffer below both keeps the order of what is written; a line at a time keeps it with child processes.
        buffer = io.BufferedWriter(io.FileIO(1, "w", closefd=False), CHUNK)
        self.out, self.err = (
            io.TextIOWrapper(buffer, "utf-8", "backslashreplace", line_buffering=True, write_through=True) for _ in "12"
        )

    def restore_streams(self) -> None:
        """Make file descriptors 0 to 2 and the sys streams good again, whatever the last cell did to them."""
        os.dup2(self.output, 1)
        os.dup2(self.output, 2)
        if self.out.closed or self.err.closed:
            self.open_streams()
        sys.stdin, sys.stdout, sys.stderr = open(os.devnull, encoding="utf-8"), self.out, self.err  # noqa: SIM115

    def interrupt(self, signum: int, frame: types.FrameType | None) -> None:
        """Raise only while a cell's own code is on the stack, so that the loop in `serve` is never interrupted."""
        while frame:
            if frame.f_code.co_filename.startswith("<cell "):
                raise KeyboardInterrupt
            frame = frame.f_back

    def run(self, code: str, name: str) -> str | None:
        """The error text of a cell, or None."""
        # An entry without mtime is never checked against the disk.
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        try:
            body, last = split(code, name)
        except Exception as error:  # SyntaxError, but also ValueError, RecursionError, MemoryError, UnicodeError
            return clipped("".join(traceback.format_exception_only(type(error), error)))
        ceiling = self.memory + HEADROOM
        try:
            resource.setrlimit(resource.RLIMIT_AS, (self.memory, ceiling))
            exec(body, self.namespace)
            value = eval(last, self.namespace) if last else None
            if value is not None:
                print(repr(value))
        except BaseException as error:  # a cell may raise anything; SystemExit must not end the session
            resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
            return describe(error)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
        return None


def split(code: str, name: str) -> tuple[types.CodeType, types.CodeType | None]:
    """Compile a cell into its statements and, as in a notebook, the value of its last expression (`;` hides it)."""
    tree = ast.parse(code, name)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not code.rstrip().endswith(";"):
        last = compile(ast.Expression(tree.body[-1].value), name, "eval", dont_inherit=True)
        del tree.body[-1]
    return compile(tree, name, "exec", dont_inherit=True), last


def describe(error: BaseException) -> str:
    """The traceback, with only those frames that belong to cells or to files of the working directory."""
    try:
        report = traceback.TracebackException(type(error), error, error.__traceback__)
        trim(report, ("<cell ", os.getcwd() + os.sep))
        return clipped("".join(report.format()))
    except BaseException:  # out of memory, an exception with a hostile __str__, a working directory that is gone
        return type(error).__name__


def trim(report: traceback.TracebackException, own: tuple[str, str]) -> None:
    report.stack[:] = [frame for frame in report.stack if frame.filename.startswith(own)]
    for other in (report.__cause__, report.__context__, *(getattr(report, "exceptions", None) or ())):
        if other is not None:
            trim(other, own)


def clipped(text: str) -> str:
    text = text.rstrip("\n").encode("utf-8", "backslashreplace").decode()
    if len(text) <= ERROR_LIMIT:
        return text
    half = ERROR_LIMIT // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters dropped ...]\n{text[-half:]}"


# ------------------------------------------------------------ the supervisor


class WorkerLost(Exception):  # noqa: N818 - an outcome
    """The worker is dead, or has sent what a worker never sends."""


class Supervisor:
    """Answers each request of the host with one frame; drains the output of the cells at all times.

    memory: bytes that all processes may hold together, 0 for any number.
    """

    def __init__(
        self, host: int, pid: int, commands: int, reports: int, output: int, output_bytes: int, memory: int
    ) -> None:
        self.host, self.pid, self.commands, self.reports, self.output = host, pid, commands, reports, output
        self.output_bytes, self.memory = output_bytes, memory
        self.next_look = 0.0
        self.clip = Clip(output_bytes)
        self.received = {host: bytearray(), reports: bytearray()}

    def serve(self) -> None:
        write_frame(self.host, ready=True)
        kept = True
        while kept:
            request = json.loads(self.line(self.host, sys.maxsize) or b"")
            status, kept, error = self.run(request["code"], request["timeout"], request["grace"])
            self.drain()
            (text, dropped), self.clip = self.clip.text(), Clip(self.output_bytes)
            answer = {"status": status, "kept": kept, "output": text, "dropped": dropped, "error": error}
            write_frame(self.host, id=request["id"], **answer)

    def run(self, code: str, timeout: float, grace: float) -> tuple[str, bool, str | None]:
        """One cell: its status, whether the namespace is still there, the error text or None."""
        token = os.urandom(16).hex()
        late = False
        try:
            write_frame(self.commands, code=code, token=token)
            deadline = time.monotonic() + timeout
            report = self.line(self.reports, REPORT_LIMIT, deadline)
            if report is None:
                late = True
                os.kill(self.pid, signal.SIGINT)
                report = self.line(self.reports, REPORT_LIMIT, deadline + grace)
            if report is None:
                return "timeout", False, f"the cell ran longer than {timeout:g} s and would not stop"
            error = checked(report, token)
        except (WorkerLost, BrokenPipeError) as lost:
            return "killed", False, str(lost) if isinstance(lost, WorkerLost) and lost.args else self.obituary()
        if late:
            error = error or "KeyboardInterrupt"
            return "timeout", True, f"{error}\n[the cell ran longer than {timeout:g} s and was interrupted]"
        return "error" if error else "ok", True, error

    def line(self, fd: int, limit: int, deadline: float | None = None) -> bytes | None:
        """The next line from `fd`, or None at the deadline. Raises WorkerLost when there can be none."""
        received = self.received[fd]
        while b"\n" not in received:
            if not self.wait(fd, deadline):
                return None
            chunk = os.read(fd, CHUNK)
            received += chunk
            if not chunk:
                raise WorkerLost
            if len(received) > limit:
                raise WorkerLost("the interpreter broke the protocol")
        line, _, self.received[fd] = received.partition(b"\n")
        return bytes(line)

    def wait(self, fd: int, deadline: float | None) -> bool:
        """Drain output until `fd` has something to read; False when the deadline comes first."""
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            ready = select.select([fd, self.host, self.output], [], [], LOOK if left is None else min(left, LOOK))[0]
            self.look()
            if self.output in ready:
                self.clip.write(os.read(self.output, CHUNK))
            if fd in ready:
                return True
            if self.host in ready:
                raise SystemExit  # nothing is due from the host while a cell runs: it has gone

    def look(self) -> None:
        """Raises WorkerLost when the processes together, children of cells included, hold more than they may."""
        if not self.memory or time.monotonic() < self.next_look:
            return
        if held(resident) > self.memory and held(proportional) > self.memory:  # the second is exact, and slower
            raise WorkerLost(f"the session held more than {self.memory >> 20} MiB of memory")
        self.next_look = time.monotonic() + LOOK

    def drain(self) -> None:
        """Read what was written before the report; what background threads go on writing waits for the next cell."""
        for _ in range(DRAIN_LIMIT // CHUNK):
            if not select.select([self.output], [], [], 0)[0]:
                return
            self.clip.write(os.read(self.output, CHUNK))

    def obituary(self) -> str:
        for _ in range(50):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid and os.WIFSIGNALED(status):
                return f"the interpreter was killed by signal {os.WTERMSIG(status)}"
            if pid:
                return f"the interpreter exited with code {os.WEXITSTATUS(status)}"
            time.sleep(0.01)
        return "the interpreter closed its channel"


def held(measure: Callable[[str], int]) -> int:
    """Bytes of memory that all processes in sight hold together."""
    total = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError):  # it has ended meanwhile
            total += measure(pid)
    return total


def resident(pid: str) -> int:
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * PAGE


def proportional(pid: str) -> int:
    """Pages that processes share are counted once; `resident` for a process that does not let itself be inspected."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) * 1024
    except (OSError, StopIteration):
        return resident(pid)


def checked(line: bytes, token: str) -> str | None:
    """The error text of a genuine report. The token stops forgeries that are not made with some care."""
    try:
        report = json.loads(line)
    except (ValueError, RecursionError):
        report = None
    if isinstance(report, dict) and report.get("token") == token:
        error = report.get("error")
        if error is None or (isinstance(error, str) and len(error) <= 2 * ERROR_LIMIT):
            return error
    raise WorkerLost("the interpreter broke the protocol")


def dumpable(yes: bool) -> None:
    """Whether processes of the same user may look into this one through /proc."""
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(4, ctypes.c_ulong(yes), 0, 0, 0):  # PR_SET_DUMPABLE
        raise OSError("prctl(PR_SET_DUMPABLE) failed")


def main(host: int, memory: int, processes: int, output_bytes: int) -> None:
    """`host` is a socket: unlike a pipe, it cannot be opened a second time through /proc."""
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # the group is killed in the end
    os.set_inheritable(host, False)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.closerange(3, host)
    os.closerange(host + 1, 256)
    dumpable(False)
    command_out, commands = os.pipe()
    reports, report_in = os.pipe()
    output, output_in = os.pipe()  # the supervisor, too, keeps the end for writing: no end of file, ever
    pid = os.fork()
    try:
        if pid == 0:
            for fd in (host, commands, reports, output):
                os.close(fd)
            dumpable(True)
            Worker(command_out, report_in, output_in, memory, processes).serve()
        else:
            os.close(command_out)
            os.close(report_in)
            # Without a PID namespace of its own, `processes` is 0, and those in sight are not all the session's.
            together = memory + HEADROOM if processes else 0
            Supervisor(host, pid, commands, reports, output, output_bytes, together).serve()
    except (WorkerLost, OSError):
        pass  # the other side has gone
    finally:
        if pid:
            os.killpg(0, signal.SIGKILL)  # without a sandbox around, this is what ends the children of the cells
        os._exit(1)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
