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

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # opcodes of classic BPF
NUMBER, ARCHITECTURE, ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026


def seccomp_filter(machine: str | None = None) -> bytes:
    """The filter as an array of `struct sock_filter`, for `bwrap --seccomp`.

    Raises:
        SandboxError: for a machine whose system call numbers are not listed here.
    """
    machine = machine or platform.machine()
    if machine not in MACHINES:
        raise SandboxError(f"no system call filter for {machine!r}; known are {', '.join(sorted(MACHINES))}")
    audit, socket, clone, refused = MACHINES[machine]
    # (opcode, instructions to skip if true, if false, operand)
    program = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, audit), (RETURN, 0, 0, EPERM)]
    program += [(LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, X32), (RETURN, 0, 0, EPERM)]
    for number in refused + COMMON:
        program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, EPERM)]
    program += [(EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, ENOSYS)]
    program += [(EQUAL, 0, 3, clone), (LOAD, 0, 0, ARGUMENT), (ANY_BIT, 0, 1, CLONE_NEWUSER), (RETURN, 0, 0, EPERM)]
    # After a clone that may pass, the accumulator holds its flags, which must not be taken for a call's number.
    program += [(LOAD, 0, 0, NUMBER), (EQUAL, 1, 0, socket), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, ARGUMENT)]
    for family in (AF_UNIX, AF_INET, AF_INET6):
        program += [(EQUAL, 0, 1, family), (RETURN, 0, 0, ALLOW)]
    program += [(RETURN, 0, 0, EPERM)]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)
