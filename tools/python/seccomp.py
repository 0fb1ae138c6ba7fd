"""The system calls that namespaces leave open, refused by a small BPF filter.

Everything is allowed but a short list: sockets of families that no network namespace holds (AF_VSOCK reaches the
hypervisor), io_uring, looking into other processes, new namespaces, and kernel facilities with a record of holes that
Python does not need; and memory that no limit counts, since no process maps it. Refused calls fail with EPERM. See
seccomp(2) and the kernel's `seccomp_filter.rst`.
"""

from __future__ import annotations

import platform
import struct

from .sandbox import SandboxError

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
CLONE_NEWUSER = 0x10000000
CLONE3 = 435  # hides its flags from filters, so it "does not exist" and libc falls back to clone
X32 = 0x40000000  # the bit that marks the x32 calls of x86_64, which would pass by other numbers

# The numbers of newer calls are the same everywhere: io_uring_setup, _enter, _register, pidfd_getfd,
# memfd_secret.
COMMON = (425, 426, 427, 438, 447)
# Per machine: the audit number, socket, clone, then ptrace, process_vm_readv, process_vm_writev, unshare, setns, bpf,
# userfaultfd, perf_event_open, add_key, request_key, keyctl, memfd_create, shmget, semget, msgget.
MACHINES = {
    "x86_64": (0xC000003E, 41, 56, (101, 310, 311, 272, 308, 321, 323, 298, 248, 249, 250, 319, 29, 64, 68)),
    "aarch64": (0xC00000B7, 198, 220, (117, 270, 271, 97, 268, 280, 282, 241, 217, 218, 219, 279, 194, 190, 186)),
}

# Without namespaces of its own a sandbox refuses more. What works by number, with the same everywhere first:
# process_madvise, process_mrelease, fchmodat2, setxattrat, removexattrat, file_setattr.
COMMON_ALONE = (440, 448, 452, 463, 466, 469)
# - sockets, of which a path that is a file leads to the host's: connect, bind, sendmsg, sendmmsg;
# - changes of files that are not opened for it: chmod, fchmod, fchmodat, chown, fchown, lchown, fchownat, utime,
#   utimes, futimesat, utimensat, setxattr, lsetxattr, fsetxattr, removexattr, lremovexattr, fremovexattr;
# - a look at what others do with files: inotify_init, inotify_init1, fanotify_init; and at the kernel's log: syslog;
# - others' shared memory, semaphores and queues: shmat, shmctl, semop, semctl, semtimedop, msgsnd, msgrcv, msgctl,
#   mq_open, mq_unlink;
# - others' share of the CPU: sched_setparam, sched_setscheduler, sched_setattr, setpriority, ioprio_set.
ALONE = {
    "x86_64": (
        *(42, 49, 46, 307),
        *(90, 91, 268, 92, 93, 94, 260, 132, 235, 261, 280, 188, 189, 190, 197, 198, 199),
        *(253, 294, 300, 103),
        *(30, 31, 65, 66, 220, 69, 70, 71, 240, 241),
        *(142, 144, 314, 141, 251),
    ),
    "aarch64": (
        *(203, 200, 211, 269),
        *(52, 53, 55, 54, 88, 5, 6, 7, 14, 15, 16),
        *(26, 262, 116),
        *(196, 195, 193, 191, 192, 189, 188, 187, 180, 181),
        *(118, 119, 274, 140, 30),
    ),
}
# socketpair, sendto, prctl, ioctl, prlimit64, sched_setaffinity: what they may do is in their arguments.
PARTLY = {"x86_64": (53, 44, 157, 16, 302, 203), "aarch64": (199, 206, 167, 29, 261, 122)}
SOCK_STREAM, DUMPABLE = 1, 4
IOCTLS = (0x40086602, 0x40046602, 0x401C5820, 0x5412)  # attributes of files, two ways; typing into a terminal

LOAD, AND, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06  # opcodes of classic BPF
NUMBER, ARCHITECTURE, ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
ALLOW, EPERM, ENOSYS, NOTHING = 0x7FFF0000, 0x00050001, 0x00050026, 0x00050000


def seccomp_filter(machine: str | None = None, *, alone: bool = False) -> bytes:
    """The filter as an array of `struct sock_filter`, for `bwrap --seccomp`.

    alone: for a sandbox without namespaces, in which there are no sockets but pairs of them.

    Raises:
        SandboxError: for a machine whose system call numbers are not listed here.
    """
    machine = machine or platform.machine()
    if machine not in MACHINES:
        raise SandboxError(f"no system call filter for {machine!r}; known are {', '.join(sorted(MACHINES))}")
    audit, socket, clone, always = MACHINES[machine]
    refused = [*always, *COMMON, *((*ALONE[machine], *COMMON_ALONE, socket) if alone else ())]
    # (opcode, instructions to skip if true, if false, operand)
    program = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, audit), (RETURN, 0, 0, EPERM)]
    program += [(LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, X32), (RETURN, 0, 0, EPERM)]
    for number in refused:
        program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, EPERM)]
    program += [(EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, ENOSYS)]
    program += [(EQUAL, 0, 3, clone), (LOAD, 0, 0, ARGUMENT), (ANY_BIT, 0, 1, CLONE_NEWUSER), (RETURN, 0, 0, EPERM)]
    if alone:
        program += _by_argument(machine)
    # After a clone that may pass, the accumulator holds its flags, which must not be taken for a call's number.
    program += [(LOAD, 0, 0, NUMBER), (EQUAL, 1, 0, socket), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, ARGUMENT)]
    for family in (AF_UNIX, AF_INET, AF_INET6):
        program += [(EQUAL, 0, 1, family), (RETURN, 0, 0, ALLOW)]
    program += [(RETURN, 0, 0, EPERM)]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)


def _by_argument(machine: str) -> list[tuple[int, int, int, int]]:
    """Refused: other pairs than of streams, which might be sent elsewhere; a message with an address; what is meant for
    another process. A process that would hide from its supervisor is told that it does."""
    socketpair, sendto, prctl, ioctl, prlimit, affinity = PARTLY[machine]

    def argument(index: int) -> int:
        return ARGUMENT + 8 * index

    program = [(EQUAL, 0, 6, socketpair), (LOAD, 0, 0, argument(0)), (EQUAL, 0, 3, AF_UNIX)]
    program += [(LOAD, 0, 0, argument(1)), (AND, 0, 0, 0xF), (EQUAL, 1, 0, SOCK_STREAM), (RETURN, 0, 0, EPERM)]
    program += [(LOAD, 0, 0, NUMBER)]
    program += [(EQUAL, 0, 6, sendto), (LOAD, 0, 0, argument(4)), (EQUAL, 0, 2, 0), (LOAD, 0, 0, argument(4) + 4)]
    program += [(EQUAL, 1, 0, 0), (RETURN, 0, 0, EPERM), (LOAD, 0, 0, NUMBER)]
    program += [(EQUAL, 0, 4, prctl), (LOAD, 0, 0, argument(0)), (EQUAL, 0, 1, DUMPABLE), (RETURN, 0, 0, NOTHING)]
    program += [(LOAD, 0, 0, NUMBER)]
    program += [(EQUAL, 0, 2 + 2 * len(IOCTLS), ioctl), (LOAD, 0, 0, argument(1))]
    for request in IOCTLS:
        program += [(EQUAL, 0, 1, request), (RETURN, 0, 0, EPERM)]
    program += [(LOAD, 0, 0, NUMBER)]
    for number in (prlimit, affinity):
        program += [(EQUAL, 0, 4, number), (LOAD, 0, 0, argument(0)), (EQUAL, 1, 0, 0), (RETURN, 0, 0, EPERM)]
        program += [(LOAD, 0, 0, NUMBER)]
    return program
