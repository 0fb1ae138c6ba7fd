"""The start: descriptors are put in order, limits installed, and the worker forked from the supervisor."""

from __future__ import annotations

import base64
import fcntl
import os
import signal
import sys

from .keeper import keep, remove
from .processes import DUMPABLE, OPEN_FILES, SUBREAPER, end_all_but, install_filter, of_this_user, prctl
from .supervisor import Supervisor, WorkerLost
from .walls import OLDEST, confine, version
from .worker import HEADROOM, Worker


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
    disk: int,
    reading: list[str],
    workspace: str,
) -> None:
    """receive, send: the host's, which may be one socket. together: whether the processes' memory is counted in total;
    system_calls: a BPF filter in base64, or nothing; doors: descriptors that lead into a control group; the rest: see
    `Spec`.

    reading: if Landlock is to be the sandbox, what cells may read besides their folders; workspace: one of them, or "".
    """
    for fd in doors:
        os.write(fd, b"0")
    if reading and version() < OLDEST:
        sys.exit(f"Landlock of this kernel is version {max(0, version())}, and {OLDEST} is needed (Linux 6.12)")
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # the group is killed in the end
    folder = keep() if reading else ""
    folders = furnish(folder, workspace) if folder else []
    writing = folders + ([workspace] if workspace else [])
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
    program = base64.b64decode(system_calls)
    if program and not reading:
        install_filter(program)
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
            worker = Worker(
                commands=command_out,
                reports=report_in,
                wake=wake_out,
                output=output_in,
                memory=memory,
                # Counted are all of the user's: there is room for what those begin who have nothing to do with us.
                processes=of_this_user() + 2 * processes if reading and processes else processes,
                file=disk if folders and not workspace else 0,
                images=artefacts,
                image_bytes=artefact_bytes,
            )
            if reading:
                confine(reading, writing)
                install_filter(program)
            worker.serve()
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
                processes=processes if reading else 0,
                mounts=mounts,
                folders=folders,
                disk=disk,
                copied=memory // 2,
                artefacts=artefacts,
                artefact_bytes=artefact_bytes,
                watch=watch,
                lifetime=lifetime,
            ).serve()
    except (WorkerLost, OSError):
        pass  # the other side has gone
    finally:
        if pid:
            ended = end_all_but(())  # without a sandbox around, this is what ends the children of the cells
            if folder and ended:
                remove(folder)  # the keeper might not be there any more
            os.killpg(0, signal.SIGKILL)
        os._exit(1)


def furnish(folder: str, workspace: str) -> list[str]:
    """The folders of a session without a mount namespace, to which its environment leads."""
    home, temporary = workspace or f"{folder}/data", f"{folder}/tmp"
    os.makedirs(f"{temporary}/.cache/fontconfig")  # which could not make it, as it sets a mode
    if not workspace:
        os.mkdir(home)
    os.chdir(home)
    os.environ.update(HOME=home, TMPDIR=temporary, MPLCONFIGDIR=temporary, XDG_CACHE_HOME=f"{temporary}/.cache")
    return [temporary] if workspace else [home, temporary]
