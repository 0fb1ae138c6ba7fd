"""Cells that break: they hang, die, become something else, or leave a mess for the next one."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from .escape import GUARD, Escape

_fault = partial(Escape, kind="faults")

_IGNORING: Final = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"

_DIES: Final[dict[str, Any]] = {"ends": "killed rolled_back", "shows": "interpreter"}
FAULTS: Final = (
    _fault("a cell that sleeps", "import time\ntime.sleep(60)", timeout=0.5, ends="timeout kept", shows="interrupted"),
    _fault("a cell that computes", "while True: pass", timeout=0.5, ends="timeout kept", shows="interrupted"),
    _fault(
        "a cell that waits for an event",
        "import asyncio\nawait asyncio.Event().wait()",
        timeout=1.0,
        ends="timeout kept",
        shows="interrupted",
    ),
    _fault(
        "a cell that ignores the interrupt",
        _IGNORING + "while True: pass",
        timeout=0.5,
        ends="timeout rolled_back",
        shows="would not stop",
    ),
    _fault(
        "a cell that swallows the interrupt",
        "import time\nwhile True:\n    try:\n        while True: time.sleep(0.01)\n    except BaseException: pass",
        timeout=0.5,
        ends="timeout rolled_back",
        shows="would not stop",
    ),
    _fault(
        "a cell that is stuck in C",
        "sum(range(10**12))",
        timeout=0.5,
        ends="(timeout|error) (rolled_back|kept)",
        shows="stop|Memory",
    ),
    _fault(
        "a cell that stops itself",
        GUARD + "os.kill(os.getpid(), 19)",
        timeout=0.5,
        ends="timeout rolled_back",
        shows="would not stop",
    ),
    _fault("a cell that leaves", "import os\nos._exit(3)", ends="killed rolled_back", shows="code 3"),
    _fault("a cell that kills itself", GUARD + "os.kill(os.getpid(), 9)", ends="killed rolled_back", shows="signal 9"),
    _fault("a cell that aborts", "import os\nos.abort()", ends="killed rolled_back", shows="signal 6"),
    _fault(
        "a cell that reads at 0", "import ctypes\nctypes.string_at(0)", ends="killed rolled_back", shows="signal 11"
    ),
    _fault(
        "a cell that overflows the stack",
        "import sys\nsys.setrecursionlimit(10**9)\nx = []\nfor _ in range(10**5): x = [x]\nrepr(x)",
        timeout=30.0,
        ends="(killed rolled_back|error kept)",
        shows="signal|Error",
    ),
    _fault("a cell that becomes another program", "import os\nos.execv('/bin/sh', ['sh', '-c', 'exit 0'])", **_DIES),
    _fault(
        "a cell that becomes a program that stays",
        "import os\nos.execv('/bin/sleep', ['sleep', '60'])",
        timeout=0.5,
        ends="timeout rolled_back",
        shows="signal 2",
    ),
    _fault(
        "a cell that forks, and both go on", "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nprint('held')"
    ),
    _fault(
        "a cell that forks, and the child goes on",
        "import os\nif os.fork(): os._exit(0)\nprint('held')",
        ends="killed rolled_back",
        shows="",
    ),
    _fault("a cell that exits", "raise SystemExit(3)", ends="error kept", shows="SystemExit"),
    _fault("a cell that interrupts itself", "raise KeyboardInterrupt", ends="error kept", shows="KeyboardInterrupt"),
    _fault(
        "a process that stays, in a session of its own",
        "import subprocess\np = subprocess.Popen(['sleep', '@MARK@'], start_new_session=True)\nprint('held')",
    ),
    _fault(
        "a process that nobody waits for",
        "import os\nif not os.fork():\n    os.setsid()\n"
        "    if not os.fork(): os.execvp('sleep', ['sleep', '@MARK@'])\n    os._exit(0)\nos.wait()\nprint('held')",
    ),
    _fault(
        "a process that ignores signals",
        "import subprocess\np = subprocess.Popen(['sh', '-c', 'trap \"\" 1 2 3 15; sleep @MARK@'])\nprint('held')",
    ),
    _fault("an alarm after the cell", "import signal\nsignal.alarm(1)\nprint('held')"),
    _fault("no children to wait for", "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nprint('held')"),
    _fault(
        "signals that are blocked",
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\nprint('held')",
    ),
    _fault(
        "streams that are closed",
        "import os, sys\nprint('held', flush=True)\nsys.stdout.close(); sys.stderr.close(); os.close(1); os.close(2)",
    ),
    _fault("streams that are no streams", "import sys\nprint('held')\nsys.stdout = sys.stderr = 7"),
    _fault(
        "a working directory that is gone",
        "import os\nos.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\nprint('held')",
    ),
    _fault(
        "a working directory without rights", "import os\ntry: os.chmod('.', 0)\nexcept OSError: pass\nprint('held')"
    ),
    _fault(
        "names that are no text",
        "open(b'\\xff\\xfe', 'w').close(); open('a\\nb', 'w').close(); open('\\x1b[2J', 'w').close()\nprint('held')",
    ),
    _fault("a pipe for the host to wait at", "import os\nos.mkfifo('pipe.txt')\nprint('held')"),
    _fault(
        "a thread that goes on",
        "import threading, time\n"
        "t = threading.Thread(target=time.sleep, args=(60,), daemon=True); t.start()\nprint('held')",
    ),
    _fault(
        "a trace function that raises",
        "import sys\ndef trace(*_): raise ValueError('held')\nsys.settrace(trace)\nprint('held')",
        ends="(ok|error) kept",
    ),
    _fault("output that is no text", "import os\nn = os.write(1, bytes(range(256)))\nprint('held')"),
    _fault("code with a NUL", "x = '\0'\nprint('held')", ends="(ok|error) kept", shows=""),
    _fault("code with half a character", "x = '\ud800'\nprint('held')", ends="(ok|error) kept", shows=""),
    _fault("code that is deep", "(" * 5000 + ")" * 5000, ends="error kept", shows="Error"),
    _fault(
        "an error that cannot be told",
        "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E",
        ends="error kept",
        shows="E",
    ),
    _fault(
        "a value that cannot be shown",
        "class R:\n    def __repr__(self): raise ValueError('held')\nR()",
        ends="error kept",
    ),
)
