"""Where no namespace ends with a session: a process that sees to it that nothing outlives the supervisor.

Orphans below become the supervisor's children and, once that has ended, the keeper's: a process that left its group,
its session and its parents is found all the same. Cells can signal neither of the two.
"""

from __future__ import annotations

import contextlib
import os

from .processes import OPEN_FILES, SUBREAPER, end_all_but, prctl


def keep() -> str:
    """Fork: the child goes on, with a new folder of its own; the keeper stays until it has ended and removes all."""
    folder = f"/tmp/cadenza-landlock-{os.urandom(8).hex()}"
    os.mkdir(folder, 0o700)
    prctl(SUBREAPER, 1)
    supervisor = os.fork()
    if not supervisor:
        os.setpgid(0, 0)
        return folder
    try:
        os.closerange(0, OPEN_FILES)
        os.open(os.devnull, os.O_RDWR), os.dup(0), os.dup(0)
        os.waitpid(supervisor, 0)
        while not end_all_but(()):
            continue  # nobody else would
        bury()
        remove(folder)
    finally:
        os._exit(0)


def bury() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def remove(folder: str) -> None:
    """Not by Python, which a tree that is deep or closed to its owner defeats; neither program follows a link."""
    for command in (["/bin/chmod", "-R", "u+rwX"], ["/bin/rm", "-rf"]):
        os.waitpid(os.posix_spawn(command[0], [*command, "--", folder], {}), 0)
