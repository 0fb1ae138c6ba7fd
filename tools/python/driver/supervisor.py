"""The supervisor: answers each request of the host with one frame, and holds the worker to time and memory.

A cell that is late is interrupted; one that will not stop, or has killed its worker, is ended with every process of
the session, and the copy that the worker left behind before it takes over. Where there is none, the session is lost.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import math
import os
import select
import signal
import sys
import time
from typing import Any

from .cell import ERROR_LIMIT
from .clip import CHUNK, Clip
from .disk import Hidden, nameless, used
from .files import Files
from .processes import descendants, end_all_but, held, proportional, resident, send, threads
from .worker import TOKEN, write_frame

REPORT_LIMIT = 256 * 1024  # bytes of a worker's report without its figures
DRAIN_LIMIT = 1 << 20  # bytes: the largest pipe that a process without privileges can have
LOOK = 0.1  # seconds between two looks at the memory of all processes
COPY_SECONDS = 10.0  # for the worker to leave a copy behind, on a busy machine
INODES = 50_000  # files in one memory file system: each costs the kernel a kilobyte that no size limit counts


class WorkerLost(Exception):  # noqa: N818 - an outcome
    """The worker is dead, has sent what a worker never sends, or must be ended."""


class Spoiled(WorkerLost):
    """What is wrong would be there again after falling back to the copy."""


class Supervisor:
    """receive, send: the host. commands, reports, wake, output: the worker, whose process is `worker`.

    memory, processes: bytes that all processes but the copy may hold together, and how many they may be, 0 for any
    number; mounts: memory file systems; folders: others, of `disk` bytes each; copied: bytes above which a worker
    is not; artefacts, artefact_bytes: of one cell; watch: whether files that a cell changed are sent; lifetime:
    seconds.
    """

    def __init__(
        self,
        *,
        receive: int,
        send: int,
        worker: int,
        commands: int,
        reports: int,
        wake: int,
        output: int,
        output_bytes: int,
        memory: int,
        processes: int,
        mounts: list[str],
        folders: list[str],
        disk: int,
        copied: int,
        artefacts: int,
        artefact_bytes: int,
        watch: bool,
        lifetime: float,
    ) -> None:
        self.receive, self.send, self.worker = receive, send, worker
        self.commands, self.reports, self.wake, self.output = commands, reports, wake, output
        self.output_bytes, self.memory, self.processes, self.mounts = output_bytes, memory, processes, mounts
        self.folders, self.disk, self.copied = folders, disk, copied
        self.artefacts, self.artefact_bytes, self.watch = artefacts, artefact_bytes, watch
        self.end = time.monotonic() + lifetime
        self.next_look = 0.0
        self.clip = Clip(output_bytes)
        self.received = {receive: bytearray(), reports: bytearray()}
        self.files = Files(os.getcwd())
        self.copy = 0  # the process that takes over if the worker is lost
        self.status: int | None = None  # of the worker, once it has ended
        self.fallen: tuple[bool, str] | None = None  # what happened between two cells, until the next one is told
        self.busy = False  # with a cell, while which nothing is due from the host
        self.bell = self.hang_bell()
        os.set_blocking(commands, False)

    def serve(self) -> None:
        write_frame(self.send, ready=True)
        alive = True
        with contextlib.suppress(WorkerLost):
            self.renew_copy()
        while alive:
            try:
                request = json.loads(self.line(self.receive, sys.maxsize) or b"")
            except WorkerLost as lost:
                self.fallen = (self.fall_back(lost), f"{lost}, between two cells")
                continue
            if request["do"] != "run":
                write_frame(self.send, id=request["id"], **self.handle(request))
                continue
            token = os.urandom(TOKEN // 2).hex()
            self.busy = True
            answer = self.run(token, request["code"], request["timeout"], request["grace"])
            self.busy = False
            self.drain()
            (text, dropped), self.clip = self.clip.text(), Clip(self.output_bytes)
            answer.update(self.made(answer["figures"]) if answer["state"] != "lost" else {"files": {}, "left": ""})
            write_frame(self.send, id=request["id"], output=text, dropped=dropped, **answer)
            alive = answer["state"] != "lost"
            if answer["state"] == "kept":
                try:
                    self.renew_copy()
                except WorkerLost as lost:
                    self.fallen = (self.fall_back(lost), f"{lost}, after the last cell")

    # -------------------------------------------------------- one cell

    def run(self, token: str, code: str, timeout: float, grace: float) -> dict[str, Any]:
        """How a cell went, but for its output and files."""
        if self.fallen is not None:
            (back, why), self.fallen = self.fallen, None
            return outcome("killed", "rolled_back" if back else "lost", f"{why}; this cell was not run")
        deadline = time.monotonic() + timeout
        late = False
        try:
            if not self.copy:  # after the last cell there may have been as many processes or threads as may be
                self.renew_copy()
            self.command({"code": code, "token": token}, deadline)
            report = self.report(token, deadline)
            if report is None:
                late = True
                os.kill(self.worker, signal.SIGINT)
                report = self.report(token, deadline + grace)
            if report is None:
                raise WorkerLost(f"the cell ran longer than {timeout:g} s and would not stop")
            error, figures, hidden = checked(report, self.artefacts, self.artefact_bytes)
            if self.folders:  # what no kernel limits, no cell may leave behind either
                self.next_look = 0.0
                self.look(math.inf)
        except WorkerLost as lost:
            why = f"the cell ran longer than {timeout:g} s: {lost}" if late and self.status is not None else str(lost)
            state = "rolled_back" if self.fall_back(lost) else "lost"
            return outcome("timeout" if late else "killed", state, why)
        if late:
            told = f"{error or 'KeyboardInterrupt'}\n[the cell ran longer than {timeout:g} s and was interrupted]"
            return outcome("timeout", "kept", told, figures, hidden)
        return outcome("error" if error else "ok", "kept", error, figures, hidden)

    def command(self, fields: dict[str, Any], deadline: float) -> None:
        """Hand a cell to the worker, which may have stopped reading."""
        view = memoryview(json.dumps(fields).encode() + b"\n")
        while view:
            try:
                view = view[os.write(self.commands, view) :]
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise WorkerLost("the interpreter does not take cells any more") from None
                self.wait(self.reports, time.monotonic() + 0.01)
            except BrokenPipeError:
                self.wait(self.reports, time.monotonic() + 1.0)  # it may tell how it ended
                raise WorkerLost("the interpreter closed its channel") from None

    def report(self, token: str, deadline: float) -> dict[str, Any] | None:
        """The worker's next frame, None if it does not come in time. The token stops careless forgeries."""
        line = self.line(self.reports, REPORT_LIMIT + 2 * self.artefact_bytes, deadline)
        if line is None:
            return None
        try:
            report = json.loads(line)
        except (ValueError, RecursionError):
            report = None
        if not isinstance(report, dict) or report.get("token") != token:
            raise WorkerLost("the interpreter broke the protocol")
        return report

    def renew_copy(self) -> None:
        """Let the worker leave a copy behind; the one before it is not needed any more."""
        if not self.can_be_copied():
            self.forget_copy()
            return
        token = os.urandom(TOKEN // 2).hex()
        self.command({"copy": token}, time.monotonic() + COPY_SECONDS)
        self.await_copy(token)

    def can_be_copied(self) -> bool:
        """A fork takes one thread along, and what both sides then change is there twice."""
        try:
            return len(os.listdir(f"/proc/{self.worker}/task")) == 1 and resident(self.worker) < self.copied
        except OSError:  # it has ended, which will be told; or there is no Linux
            return os.path.isdir("/proc/self")

    def await_copy(self, token: str) -> None:
        report = self.report(token, time.monotonic() + COPY_SECONDS)
        copy = None if report is None else report.get("copy")
        if not isinstance(copy, int) or not (copy == 0 or copy > 1):
            raise WorkerLost("the interpreter broke the protocol" if report else "the interpreter hung")
        self.forget_copy()
        self.copy = copy

    def forget_copy(self) -> None:
        if self.copy:
            send(self.copy, signal.SIGKILL)
        self.copy = 0

    def fall_back(self, lost: WorkerLost) -> bool:
        """End everything but the copy, which takes over. False: there is none that would."""
        copy = 0 if isinstance(lost, Spoiled) else self.copy
        if not end_all_but([copy] if copy else []) or not copy:
            return False
        while select.select([self.reports], [], [], 0)[0]:  # what the dead have said
            os.read(self.reports, CHUNK)
        self.received[self.reports].clear()
        self.reap()
        self.worker, self.status, self.copy = copy, None, 0
        token = os.urandom(TOKEN // 2).hex()
        os.write(self.wake, token.encode())
        try:
            self.await_copy(token)
        except WorkerLost:
            return False
        return True

    # -------------------------------------------------------- files

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """A request for files."""
        try:
            if request["do"] == "put":
                self.files.put(request["path"], base64.b64decode(request["data"]))
                return {"data": None, "sizes": {}, "error": None}
            if request["do"] == "get":
                data = self.files.get(request["path"], request["largest"])
                return {"data": base64.b64encode(data).decode(), "sizes": {}, "error": None}
            return {"data": None, "sizes": self.files.sizes(), "error": None}
        except (OSError, ValueError) as error:
            return {"data": None, "sizes": {}, "error": getattr(error, "strerror", None) or str(error)}

    def made(self, figures: list[str]) -> dict[str, Any]:
        """The files that the cell changed, as many as may be sent beside its figures; the names of the others."""
        files: dict[str, str] = {}
        left: list[str] = []
        room = self.artefact_bytes - sum(len(figure) * 3 // 4 for figure in figures)
        for path in self.files.changed() if self.watch else ():
            try:
                if len(files) + len(figures) == self.artefacts:
                    raise OSError
                data = self.files.get(path, room)
            except OSError:
                left.append(path)
                continue
            room -= len(data)
            files[path] = base64.b64encode(data).decode()
        more = f" and {len(left) - 5} more" if len(left) > 5 else ""
        return {"files": files, "left": ", ".join(left[:5])[:1000] + more}

    # -------------------------------------------------------- waiting

    def line(self, fd: int, limit: int, deadline: float | None = None) -> bytes | None:
        """The next line from `fd`, or None at the deadline. Raises WorkerLost when there can be none."""
        received = self.received[fd]
        searched = 0  # a file in its line is large
        while received.find(b"\n", searched) < 0:
            searched = len(received)
            if not self.wait(fd, deadline):
                return None
            chunk = os.read(fd, CHUNK)
            received += chunk
            if not chunk and fd == self.receive:
                raise SystemExit  # the host has gone
            if not chunk:
                raise WorkerLost("the interpreter closed its channel")
            if len(received) > limit:
                raise WorkerLost("the interpreter broke the protocol")
        line, _, self.received[fd] = received.partition(b"\n")
        return bytes(line)

    def wait(self, fd: int, deadline: float | None) -> bool:
        """Drain output until `fd` has something to read; False when the deadline comes first."""
        while True:
            now = time.monotonic()
            if now > self.end:
                raise SystemExit
            if deadline is not None and now >= deadline:
                return False
            pause = LOOK if deadline is None else min(deadline - now, LOOK)
            watched = [fd, self.output, self.bell] + ([self.receive] if self.busy else [])
            ready = select.select(watched, [], [], pause)[0]
            if self.bell in ready:
                os.read(self.bell, CHUNK)
                self.reap()
            if self.output in ready:
                self.clip.write(os.read(self.output, CHUNK))
            if fd in ready:
                return True
            if self.receive in ready:
                raise SystemExit  # the host has gone
            if self.fallen is None or self.fallen[0] or self.busy:
                if self.status is not None:
                    raise WorkerLost(obituary(self.status))
                self.look(math.inf if deadline is None else deadline)

    def look(self, until: float) -> None:
        """Raises WorkerLost when the processes together, children of cells included, hold more than they may.

        The copy does not count: it is the way back from a cell that takes too much. until: a time, at which to stop
        looking.
        """
        begin = time.monotonic()
        if begin < self.next_look:
            return
        for mount in self.mounts:
            found = os.statvfs(mount)
            if found.f_files - found.f_ffree > INODES:
                raise Spoiled(f"the session made more than {INODES} files in {mount}")
        below = [pid for pid in descendants() if pid != self.copy] if self.memory else []
        if self.processes and held(threads, below, until) > self.processes:
            raise WorkerLost(f"the session had more than {self.processes} processes")
        self.look_at_folders(below)
        if self.memory and all(held(measure, below, until) > self.memory for measure in (resident, proportional)):
            raise WorkerLost(f"the session held more than {self.memory >> 20} MiB of memory")
        now = time.monotonic()
        self.next_look = now + max(LOOK, 4 * (now - begin))  # many files take long to look at

    def look_at_folders(self, below: list[int]) -> None:
        try:
            for folder in self.folders:
                size, count = used(folder)
                if count > INODES:
                    raise Spoiled(f"the session made more than {INODES} files in {folder}")
                if size + nameless(below, folder) > self.disk:
                    raise Spoiled(f"the session held more than {self.disk >> 20} MiB of files")
        except Hidden as hidden:
            raise Spoiled(f"the session made {hidden} that cannot be looked into") from None

    def drain(self) -> None:
        """Read what was written before the report; what background threads go on writing waits for the next cell."""
        for _ in range(DRAIN_LIMIT // CHUNK):
            if not select.select([self.output], [], [], 0)[0]:
                return
            self.clip.write(os.read(self.output, CHUNK))

    # -------------------------------------------------------- processes

    def hang_bell(self) -> int:
        """A descriptor that can be read when a child has ended."""
        bell, rope = os.pipe()
        for fd in (bell, rope):
            fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
        signal.set_wakeup_fd(rope, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return bell

    def reap(self) -> None:
        """Bury the dead: the worker, its copies, and what cells left without a parent."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid == self.worker:
                    self.status = status
                elif pid == self.copy:
                    self.copy = 0


def outcome(
    status: str, state: str, error: str | None, figures: list[str] | None = None, hidden: int = 0
) -> dict[str, Any]:
    return {"status": status, "state": state, "error": error, "figures": figures or [], "hidden": hidden}


def checked(report: dict[str, Any], count: int, size: int) -> tuple[str | None, list[str], int]:
    """Error, figures and the number of further ones of a report. Raises WorkerLost for what a worker never sends."""
    error, figures, hidden = report.get("error"), report.get("figures"), report.get("hidden")
    if (
        (error is None or (isinstance(error, str) and len(error) <= 2 * ERROR_LIMIT))
        and isinstance(figures, list)
        and len(figures) <= count
        and all(isinstance(figure, str) for figure in figures)
        and sum(map(len, figures)) <= 2 * size
        and isinstance(hidden, int)
    ):
        return error, figures, hidden
    raise WorkerLost("the interpreter broke the protocol")


def obituary(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"the interpreter was killed by signal {os.WTERMSIG(status)}"
    return f"the interpreter exited with code {os.WEXITSTATUS(status)}"
