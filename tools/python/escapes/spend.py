"""Cells that take more than they may: processes, memory, disk, output."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from .escape import Escape, refused

_resource = partial(Escape, kind="resources")


def _fills(folder: str) -> str:
    return (
        f"total = 0\ntry:\n    with open('{folder}/fill', 'wb', buffering=0) as file:\n        while total < 1 << 28:\n"
        "            total += file.write(bytes(1 << 20))\n"
        "    print('ESCAPED')\nexcept OSError as e:\n    print('held', e)\n"
        f"import os\nos.unlink('{folder}/fill')"
    )


_CLOSED: Final[dict[str, Any]] = {"ends": "(ok|error) kept", "shows": "held|Permission denied|No such file"}


def _fills_with(each: str) -> str:
    """Files that are small, and too large together."""
    return (
        "import os, time\nfiles = []\ntry:\n    for n in range(40):\n"
        f"        files.append(open(str(n), 'wb', buffering=0))\n{each}"
        "        for _ in range(8): files[-1].write(bytes(1 << 20))\n"
        "    time.sleep(2)\n    print('ESCAPED')\nexcept OSError as e: print('held', e)"
    )


_WATCHED: Final[dict[str, Any]] = {"ends": "(ok kept|killed lost)", "shows": "held|files|file"}
_COUNTED: Final[dict[str, Any]] = {"ends": "(ok kept|killed rolled_back)", "shows": "held|processes"}
RESOURCES: Final = (
    _resource(
        "a fork bomb",
        "import os, time\nn = 0\ntry:\n    while n < 500:\n        if not os.fork(): time.sleep(60)\n"
        "        n += 1\n    print('ESCAPED')\nexcept OSError as e: print('held', e)",
        **_COUNTED,
    ),
    _resource(
        "a fork bomb whose children fork",
        "import os\nend = __import__('time').monotonic() + 60\nwhile True:\n"
        "    try: os.fork()\n    except OSError: pass",
        timeout=1.0,
        ends="(timeout|killed) (kept|rolled_back)",
        shows="",
    ),
    _resource(
        "a bomb of threads",
        "import threading, time\nn = 0\ntry:\n    while n < 500:\n"
        "        threading.Thread(target=time.sleep, args=(1,), daemon=True).start()\n"
        "        n += 1\n    print('ESCAPED')\n"
        "except (RuntimeError, MemoryError) as e: print('held', e)",
        **_COUNTED,
    ),
    _resource(
        "ten gigabytes at once", "x = bytearray(10**10)\nprint('ESCAPED')", ends="error kept", shows="MemoryError"
    ),
    _resource(
        "memory bit by bit",
        "x = []\nwhile True: x.append(bytes(10**6) + b'x')",
        timeout=30.0,
        ends="(error|killed) (kept|rolled_back)",
        shows="MemoryError|memory|signal",
    ),
    _resource(
        "memory in many processes",
        "import os, time\nfor _ in range(8):\n    if not os.fork():\n"
        "        x = b'x' * (120 << 20)\n        time.sleep(60)\ntime.sleep(20)\nprint('ESCAPED')",
        timeout=30.0,
        ends="(killed rolled_back|ok kept)",
        shows="memory",
    ),
    _resource(
        "memory that belongs to no process",
        refused("libc.syscall(319 if os.uname().machine == 'x86_64' else 279, b'x', 0)"),
    ),
    _resource("shared memory of System V", refused("libc.shmget(0, 1 << 28, 0o1600)")),
    _resource("the working directory full", _fills(".")),
    _resource("many files together", _fills_with(""), **_WATCHED),
    _resource("files that are removed and stay open", _fills_with("        os.unlink(str(n))\n"), **_WATCHED),
    _resource(
        "files that are removed, of a process that hides",
        "import ctypes\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n" + _fills_with("        os.unlink(str(n))\n"),
        **_WATCHED,
    ),
    _resource(
        "files that are removed and in memory alone",
        "import mmap, os, time\ntry:\n    for n in range(40):\n        fd = os.open(str(n), os.O_RDWR | os.O_CREAT)\n"
        "        os.unlink(str(n))\n        for _ in range(8): os.write(fd, bytes(1 << 20))\n"
        "        x = __import__('ctypes').CDLL(None).mmap(None, 4096, 1, 1, fd, 0)\n        os.close(fd)\n"
        "    time.sleep(2)\n    print('ESCAPED')\nexcept OSError as e: print('held', e)",
        **_WATCHED,
    ),
    _resource("/tmp full", _fills("/tmp"), **_CLOSED),
    _resource("/dev/shm full", _fills("/dev/shm"), **_CLOSED),
    _resource(
        "files without number",
        "import os\nos.mkdir('/tmp/many')\ntry:\n    for n in range(400_000): open(f'/tmp/many/{n}', 'w').close()\n"
        "    print('ESCAPED')\nexcept OSError as e: print('held', e)",
        timeout=60.0,
        ends="(ok kept|killed lost|error kept)",
        shows="held|files|Permission denied",
    ),
    _resource(
        "open files without number",
        "files = []\ntry:\n    while len(files) < 100_000: files.append(open('/dev/null'))\n"
        "    print('ESCAPED')\nexcept OSError as e: print('held', e)",
    ),
    _resource(
        "limits of its own",
        "import resource\nfor what in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE):\n"
        "    try:\n        resource.setrlimit(what, (1 << 20, 1 << 20))\n        print('ESCAPED', what)\n"
        "    except (ValueError, OSError) as e: print('held', e)",
    ),
    _resource(
        "output without end", "while True: print('x' * 1000)", timeout=1.0, ends="timeout kept", shows="interrupted"
    ),
    _resource("a line without end", "import sys\nfor _ in range(30): sys.stdout.write('x' * 10**6)\nprint('held')"),
    _resource(
        "output of a process that stays",
        "import subprocess\np = subprocess.Popen(['sh', '-c', 'while true; do echo x; done'])\nprint('held')",
    ),
    _resource(
        "a file of a terabyte",
        "try: open('sparse', 'wb').truncate(1 << 40)\nexcept OSError: pass\nprint('held')",
    ),
    _resource("folders in folders", "import os\nfor _ in range(500): os.mkdir('d'); os.chdir('d')\nprint('held')"),
)
