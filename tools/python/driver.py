"""The program inside the sandbox: one file, standard library only, Python >= 3.8.

Two processes. The *supervisor* owns the channel to the host (JSON lines), the clock and the pipe that is stdout and
stderr of the cells; it runs no code of the user's and is closed to inspection by its own user. The *worker* is forked
from it and executes cells in one namespace. The supervisor believes nothing that the worker reports beyond its shape,
and the host believes nothing that the supervisor sends: this file protects the session, the sandbox protects the host.
When the worker dies or will not stop, the supervisor says so and ends, and the whole sandbox ends with it.
"""

import ast
import ctypes
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

ERROR_LIMIT = 16 * 1024  # characters of a traceback; the host's cap on a frame allows for it
REPORT_LIMIT = 256 * 1024  # bytes of a worker's report
DRAIN_LIMIT = 1 << 20  # bytes: the largest pipe an unprivileged process can have
HEADROOM = 48 << 20  # bytes that the worker may use above the limit of the cells, to report a MemoryError


class Clip:
    """The first and the last bytes of a stream: bounded memory for any amount of output."""

    def __init__(self, limit):
        self.half = limit // 2
        self.head = bytearray()
        self.tail = bytearray()
        self.total = 0

    def write(self, data):
        self.total += len(data)
        room = self.half - len(self.head)
        self.head += data[:room]
        self.tail += data[room:]
        if len(self.tail) > 4 * self.half + 65536:  # not at every write: deleting from the front costs
            del self.tail[: len(self.tail) - self.half]

    def text(self):
        """The text kept and the number of bytes dropped."""
        tail = self.tail[max(0, len(self.tail) - self.half) :]
        dropped = self.total - len(self.head) - len(tail)
        if not dropped:
            return (self.head + tail).decode("utf-8", "replace"), 0
        # A cut may go through a character: its remains are not the user's.
        head = self.head.decode("utf-8", "replace").rstrip("\ufffd")
        return "%s\n[... %d bytes dropped ...]\n%s" % (
            head, dropped, tail.decode("utf-8", "replace").lstrip("\ufffd"),
        ), dropped  # fmt: skip


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def write_frame(fd, **fields):
    write_all(fd, json.dumps(fields).encode() + b"\n")


# ------------------------------------------------------------ the worker


class Worker:
    """Executes cells, one JSON line in and one out, in the namespace of a module named `__main__`."""

    def __init__(self, commands, reports, output, memory, processes):
        self.commands, self.reports, self.output, self.memory = commands, reports, output, memory
        self.pid = os.getpid()
        self.cell = 0
        main = types.ModuleType("__main__")
        sys.modules["__main__"] = main  # for pickle, dataclasses and multiprocessing
        self.namespace = main.__dict__
        sys.path.insert(0, os.getcwd())
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if processes:
            resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
        resource.setrlimit(resource.RLIMIT_AS, (memory + HEADROOM, memory + HEADROOM))
        self.streams()

    def serve(self):
        with os.fdopen(self.commands, "rb") as lines:
            for line in lines:
                request = json.loads(line)
                self.cell += 1
                self.streams()
                signal.signal(signal.SIGINT, self.interrupt)
                error = self.run(request["code"], "<cell %d>" % self.cell)
                self.flush()
                if os.getpid() != self.pid:
                    os._exit(0)  # a child that the cell forked has come back here: it is not the worker
                write_frame(self.reports, token=request["token"], error=error)

    def streams(self):
        """Make file descriptors 0 to 2 and the sys streams good again, whatever the last cell did to them."""
        os.dup2(self.output, 1)
        os.dup2(self.output, 2)
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
        if not hasattr(self, "out") or self.out.closed or self.err.closed:
            # One buffer below both keeps the order of what is written; a line at a time keeps it with child processes.
            self.out = open(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
            self.out.reconfigure(line_buffering=True, write_through=True)
            self.err = type(self.out)(
                self.out.buffer, encoding="utf-8", errors="backslashreplace", line_buffering=True, write_through=True
            )
        sys.stdout, sys.stderr = self.out, self.err

    def flush(self):
        for stream in (sys.stdout, sys.stderr, self.out, self.err):
            try:
                stream.flush()
            except Exception:  # noqa: S110 - the cell may have put anything at all there, closed or broken
                pass

    def interrupt(self, signum, frame):
        """Raise only while a cell's own code is on the stack, so that the loop above is never interrupted."""
        while frame:
            if frame.f_code.co_filename.startswith("<cell "):
                raise KeyboardInterrupt
            frame = frame.f_back

    def run(self, code, name):
        """The error text of a cell, or None."""
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)  # without mtime: never checked on disk
        try:
            body, last = split(code, name)
        except Exception as error:  # SyntaxError, but also ValueError, RecursionError, MemoryError, UnicodeError
            return clip_error("".join(traceback.format_exception_only(type(error), error)))
        hard = self.memory + HEADROOM
        try:
            resource.setrlimit(resource.RLIMIT_AS, (self.memory, hard))
            exec(body, self.namespace)
            value = eval(last, self.namespace) if last else None
            if value is not None:
                print(repr(value))
        except BaseException as error:  # a cell may raise anything; SystemExit must not end the session
            resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
            return describe(error)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        return None


def split(code, name):
    """Compile a cell into its statements and, as in a notebook, the value of its last expression (`;` hides it)."""
    tree = compile(code, name, "exec", ast.PyCF_ONLY_AST, True)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not code.rstrip().endswith(";"):
        last = compile(ast.Expression(tree.body.pop().value), name, "eval", 0, True)
    return compile(tree, name, "exec", 0, True), last


def describe(error):
    """The traceback, with only those frames that belong to cells or to files of the working directory."""
    try:
        report = traceback.TracebackException(type(error), error, error.__traceback__)
        trim(report, os.getcwd(), set())
        return clip_error("".join(report.format()))
    except BaseException:  # out of memory, an exception with a hostile __str__, a working directory that is gone
        return type(error).__name__


def trim(report, home, seen):
    if report is None or id(report) in seen:
        return
    seen.add(id(report))
    report.stack[:] = [frame for frame in report.stack if frame.filename.startswith(("<cell ", home + os.sep))]
    for other in (report.__cause__, report.__context__, *(getattr(report, "exceptions", None) or ())):
        trim(other, home, seen)


def clip_error(text):
    text = text.rstrip("\n").encode("utf-8", "backslashreplace").decode()
    if len(text) <= ERROR_LIMIT:
        return text
    half = ERROR_LIMIT // 2
    return "%s\n[... %d characters dropped ...]\n%s" % (text[:half], len(text) - 2 * half, text[-half:])


# ------------------------------------------------------------ the supervisor


class Broken(Exception):
    """The worker is dead or has sent what a worker never sends."""


class Supervisor:
    """Answers each request of the host with one frame; drains the output of the cells at all times."""

    def __init__(self, host, pid, commands, reports, output, output_bytes):
        self.host, self.pid, self.commands, self.reports, self.output = host, pid, commands, reports, output
        self.output_bytes = output_bytes
        self.clip = Clip(output_bytes)
        self.received = {host: bytearray(), reports: bytearray()}

    def serve(self):
        write_frame(self.host, ready=True)
        kept = True
        while kept:
            request = json.loads(self.line(self.host, sys.maxsize))
            status, kept, error = self.run(request["code"], request["timeout"], request["grace"])
            self.drain()
            (output, dropped), self.clip = self.clip.text(), Clip(self.output_bytes)
            write_frame(
                self.host, id=request["id"], status=status, kept=kept, output=output, dropped=dropped, error=error
            )

    def run(self, code, timeout, grace):
        """One cell: its status, whether the namespace is still there, the error text or None."""
        token = os.urandom(16).hex()
        try:
            write_frame(self.commands, code=code, token=token)
            deadline = time.monotonic() + timeout
            late = False
            line = self.line(self.reports, REPORT_LIMIT, deadline)
            if line is None:
                late = True
                os.kill(self.pid, signal.SIGINT)
                line = self.line(self.reports, REPORT_LIMIT, deadline + grace)
            if line is None:
                return "timeout", False, "the cell ran longer than %g s and would not stop" % timeout
            error = checked(line, token)
        except (Broken, BrokenPipeError) as broken:
            return "killed", False, str(broken) if broken.args else self.obituary()
        if late:
            return "timeout", True, "%s\n[the cell ran longer than %g s]" % (error or "KeyboardInterrupt", timeout)
        return "error" if error else "ok", True, error

    def line(self, fd, limit, deadline=None):
        """The next line from `fd`, or None at the deadline. Raises Broken when there can be none."""
        received = self.received[fd]
        while b"\n" not in received:
            if not self.wait(fd, deadline):
                return None
            chunk = os.read(fd, 65536)
            received += chunk
            if not chunk:
                raise Broken
            if len(received) > limit:
                raise Broken("the interpreter broke the protocol")
        end = received.index(b"\n") + 1
        line = bytes(received[:end])
        del received[:end]
        return line

    def wait(self, fd, deadline):
        """Drain output until `fd` has something to read; False when the deadline comes first."""
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            ready = select.select([fd, self.host, self.output], [], [], left)[0]
            if self.output in ready:
                self.clip.write(os.read(self.output, 65536))
            if fd in ready:
                return True
            if self.host in ready:
                raise SystemExit  # nothing is due from the host while a cell runs: it has gone

    def drain(self):
        """Read what was written before the report; what background threads go on writing waits for the next cell."""
        for _ in range(DRAIN_LIMIT // 65536):
            if not select.select([self.output], [], [], 0)[0]:
                return
            self.clip.write(os.read(self.output, 65536))

    def obituary(self):
        for _ in range(50):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid and os.WIFSIGNALED(status):
                return "the interpreter was killed by signal %d" % os.WTERMSIG(status)
            if pid:
                return "the interpreter exited with code %d" % os.WEXITSTATUS(status)
            time.sleep(0.01)
        return "the interpreter closed its channel"


def checked(line, token):
    """The error text of a genuine report. The token stops forgeries that are not made with some care."""
    try:
        report = json.loads(line)
    except (ValueError, RecursionError):
        report = None
    if not isinstance(report, dict) or set(report) != {"token", "error"} or report["token"] != token:
        raise Broken("the interpreter broke the protocol")
    if not isinstance(report["error"], (str, type(None))):
        raise Broken("the interpreter broke the protocol")
    return report["error"]


def dumpable(yes):
    """Whether processes of the same user may look into this one through /proc."""
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(4, ctypes.c_ulong(yes), 0, 0, 0):  # PR_SET_DUMPABLE
        raise OSError("prctl(PR_SET_DUMPABLE) failed")


def main(host, memory, processes, output_bytes):
    """`host` is a socket: unlike a pipe, it cannot be opened a second time through /proc."""
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
            Supervisor(host, pid, commands, reports, output, output_bytes).serve()
    except (Broken, BrokenPipeError, ConnectionError):
        pass  # the other side has gone
    finally:
        if pid:
            os.killpg(0, signal.SIGKILL)  # without a sandbox around, this is what ends a cell's children
        os._exit(1)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
