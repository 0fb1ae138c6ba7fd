"""The start: descriptors are put in order, limits installed, and the worker forked from the supervisor."""

from __future__ import annotations

import base64
import fcntl
import os
import signal

from .processes import DUMPABLE, SUBREAPER, end_all_but, install_filter, prctl
from .supervisor import Supervisor, WorkerLost
from .worker import HEADROOM, Worker

OPEN_FILES = 1 << 20  # more than a process may have


def main(
    *,
    receive: int,
    send: int,
    memory: int,
    processes: int,
    output_bytes: int,
    together: bool,
    mounts: list[str],
    artefacts: int,
    artefact_bytes: int,
    watch: bool,
    lifetime: float,
    system_calls: str,
    doors: list[int],
) -> None:
    """receive, send: the host's, which may be one socket. together: whether all processes in sight are the session's,
    so that their memory is counted; system_calls: a BPF filter in base64, or nothing; doors: descriptors that lead into
    a control group; the rest: see `Spec`.
    """
    for fd in doors:
        os.write(fd, b"0")
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # the group is killed in the end
    # The first three are for the cells, who may do with them what they like.
    receive, send = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (receive, send))
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    below = 2
    for fd in (*sorted((receive, send)), OPEN_FILES):
        os.closerange(below + 1, fd)
        below = fd
    # As process 1 of a sandbox the supervisor cannot be killed from inside, unless it handles the signal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prctl(DUMPABLE, 0)  # no other process of the same user may look into this one through /proc
    prctl(SUBREAPER, 1)
    if system_calls:
        install_filter(base64.b64decode(system_calls))
    command_out, commands = os.pipe()
    reports, report_in = os.pipe()
    wake_out, wake = os.pipe()
    output, output_in = os.pipe()  # the supervisor, too, keeps the end for writing: no end of file, ever
    pid = os.fork()
    try:
        if pid == 0:
            for fd in {receive, send, commands, reports, wake, output}:
                os.close(fd)
            prctl(DUMPABLE, 1)
            Worker(
                commands=command_out,
                reports=report_in,
                wake=wake_out,
                output=output_in,
                memory=memory,
                processes=processes,
                images=artefacts,
                image_bytes=artefact_bytes,
            ).serve()
        else:
            for fd in (command_out, report_in, wake_out):
                os.close(fd)
            Supervisor(
                receive=receive,
                send=send,
                worker=pid,
                commands=commands,
                reports=reports,
                wake=wake,
                output=output,
                output_bytes=output_bytes,
                memory=memory + HEADROOM if together else 0,
                mounts=mounts,
                artefacts=artefacts,
                artefact_bytes=artefact_bytes,
                watch=watch,
                lifetime=lifetime,
            ).serve()
    except (WorkerLost, OSError):
        pass  # the other side has gone
    finally:
        if pid:
            end_all_but(())  # without a sandbox around, this is what ends the children of the cells
            os.killpg(0, signal.SIGKILL)
        os._exit(1)
