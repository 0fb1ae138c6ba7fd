"""Cells that reach for what is not theirs: the network, files of the host, rights."""

from __future__ import annotations

from typing import Final

from .escape import Escape, refused, tried


def _connects(family: str, address: str, kind: str = "SOCK_STREAM") -> str:
    return tried(
        f"s = socket.socket(socket.{family}, socket.{kind})\ns.settimeout(1)\ns.connect({address})\ns.send(b'x')"
    )


def _opens(family: str, kind: str = "SOCK_DGRAM") -> str:
    return tried(f"socket.socket({family}, socket.{kind})")


def _reads(path: str) -> str:
    return tried(f"print(open({path}, 'rb').read(4096))")


def _writes(*paths: str) -> str:
    tries = "".join(
        f"try:\n    open({path!r}, 'ab').write(b'x')\n    print('ESCAPED', {path!r})\nexcept OSError: pass\n"
        for path in paths
    )
    return tries + "print('held')"


NETWORK: Final = {
    "TCP to a port of the host": _connects("AF_INET", "('127.0.0.1', @PORT@)"),
    "TCP to a port of the host, IPv6": _connects("AF_INET6", "('::1', @PORT@)"),
    "TCP to another machine": _connects("AF_INET", "('192.0.2.1', 80)"),
    "UDP to another machine": _connects("AF_INET", "('192.0.2.1', 53)", "SOCK_DGRAM"),
    "the cloud's metadata": _connects("AF_INET", "('169.254.169.254', 80)"),
    "a name server": tried("socket.getaddrinfo('example.com', 80)"),
    "an abstract unix socket of the host": _connects("AF_UNIX", "'\\0@UNIX@'"),
    "a unix socket in a folder of the host": _connects("AF_UNIX", "'@SOCKET@'"),
    "the Docker daemon": _connects("AF_UNIX", "'/var/run/docker.sock'"),
    "AF_VSOCK, to the hypervisor": _opens("40", "SOCK_STREAM"),
    "AF_NETLINK": _opens("16", "SOCK_RAW"),
    "AF_PACKET": _opens("17", "SOCK_RAW"),
    "AF_ALG, the kernel's ciphers": _opens("38", "SOCK_SEQPACKET"),
    "a raw socket": tried("socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)"),
    "an address for the interface": tried(
        "fcntl.ioctl(socket.socket(), 0x8916, struct.pack('16sHH4s8x', b'lo', 2, 0, bytes([10, 0, 0, 1])))"
    ),
}
FILES: Final = {
    "a file of the host": _reads("'@SECRET@'"),
    "a file of the host through a link": tried("os.symlink('@SECRET@', 'link')\nprint(open('link').read())"),
    "a file of the host through /proc/1/root": _reads("'/proc/1/root@SECRET@'"),
    "a link for the host to follow": "import os\nos.symlink('@SECRET@', 'leak.txt')\nprint('held')",
    "the mode of a file of the host": tried("os.chmod('@SECRET@', 0o777)"),
    "the times of a file of the host": tried("os.utime('@SECRET@')"),
    "a watch on a folder of the host": refused(
        "libc.inotify_add_watch(libc.inotify_init(), os.path.dirname('@SECRET@').encode(), 0xfff)"
    ),
    "/etc/shadow": _reads("'/etc/shadow'"),
    "the home of root": tried("print(os.listdir('/root'))"),
    "the environment of the host": "import os\nprint('held', dict(os.environ))",
    "/proc/1/environ": (
        "try: print('held', open('/proc/1/environ', 'rb').read())\nexcept OSError as e: print('held', e)"
    ),
    "the environment of every process": (
        "import os\ntry: pids = list(filter(str.isdigit, os.listdir('/proc')))\n"
        "except PermissionError as e: pids = print('held', e) or ()\nfor pid in pids:\n"
        "    try: print('held', open(f'/proc/{pid}/environ', 'rb').read())\n    except OSError as e: print('held', e)"
    ),
    "the system's files": _writes(
        "/usr/x", "/etc/passwd", "/bin/sh", "/usr/bin/env", "/lib/x", "/x", "/opt/x", "/opt/packages/x", "/dev/x"
    ),
    "its own interpreter": tried("import sys\nopen(os.path.realpath(sys.executable), 'r+b').write(b'x')"),
    "the standard library": tried("open(os.__file__, 'ab').write(b'#')"),
    "a device of its own": tried("os.mknod('/tmp/disk', stat.S_IFBLK | 0o666, os.makedev(254, 0))"),
    "the machine's disks and memory": _writes("/dev/sda", "/dev/vda", "/dev/mem", "/dev/kmsg", "/dev/port"),
    "settings of the kernel": _writes("/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory"),
    "cgroups": _writes("/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory/tasks", "/sys/fs/cgroup/release_agent"),
    "a mount": refused("libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)"),
    "no more mounts": refused("libc.umount2(b'/proc', 2)"),
    "another root": tried("os.chroot('/tmp')"),
    "a file by its handle": refused("libc.syscall(304 if os.uname().machine == 'x86_64' else 265, -1, b'x' * 64, 0)"),
    "a hard link to the system's": tried("os.link('/etc/passwd', 'passwd')"),
}
RIGHTS: Final = {
    "to be root": tried("os.setuid(0)"),
    "any capability": (
        "import ctypes\nheader, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()\n"
        "assert ctypes.CDLL(None).capget(header, sets) == 0\n"
        "print('held' if not any(sets[n] for n in (0, 1, 3, 4)) else 'ESCAPED', list(sets))"
    ),
    "rights of a setuid program": (
        "import ctypes\nlibc = ctypes.CDLL(None)\nno_new_rights, seccomp = libc.prctl(39, 0, 0, 0, 0), libc.prctl(21)\n"
        "print('held' if (no_new_rights, seccomp) == (1, 2) else 'ESCAPED', no_new_rights, seccomp)"
    ),
    "a user namespace": refused("libc.unshare(0x10000000)"),
    "a mount namespace": refused("libc.unshare(0x00020000)"),
    "a namespace by clone3": refused("libc.syscall(435, 0, 0)"),
    "another name for the machine": refused("libc.sethostname(b'x', 1)"),
    "the clock": tried("time.clock_settime(time.CLOCK_REALTIME, time.time())"),
    "to signal a process of the host": tried("os.kill(@PID@, signal.SIGTERM)"),
    "limits of a process of the host": tried("__import__('resource').prlimit(@PID@, 0, (1, 1))"),
    "the CPUs of a process of the host": tried("os.sched_setaffinity(@PID@, {0})"),
    "ptrace": refused("libc.ptrace(16, 1, 0, 0)"),
    "the memory of another process": refused("libc.process_vm_readv(os.getppid(), 0, 0, 0, 0, 0)"),
    "the memory of process 1": tried("open('/proc/1/mem', 'r+b')"),
    "the descriptors of process 1": tried("print(os.listdir('/proc/1/fd'))"),
    "a descriptor of another process": refused("libc.syscall(438, 3, 0, 0)"),
    "io_uring": refused("libc.syscall(425, 1, bytes(120))"),
    "bpf": refused("libc.syscall(321 if os.uname().machine == 'x86_64' else 280, 0, bytes(64), 64)"),
    "userfaultfd": refused("libc.syscall(323 if os.uname().machine == 'x86_64' else 282, 1)"),
    "performance counters": refused(
        "libc.syscall(298 if os.uname().machine == 'x86_64' else 241, bytes(128), 0, -1, -1, 0)"
    ),
    "the kernel's keys": refused(
        "libc.syscall(248 if os.uname().machine == 'x86_64' else 217, b'user', b'a', b'b', 1, -3)"
    ),
    "system calls of another machine": refused("libc.syscall(0x40000029, 40, 1, 0)"),
}

REACH: Final = (
    *(Escape(name, code, kind="network") for name, code in NETWORK.items()),
    *(Escape(name, code, kind="files") for name, code in FILES.items()),
    *(Escape(name, code, kind="rights") for name, code in RIGHTS.items()),
)
