"""Cells that turn against the driver that runs them: forged frames, and a worker without what it needs."""

from __future__ import annotations

from functools import partial
from typing import Final

from .escape import GUARD, Escape

_driver = partial(Escape, kind="driver")

_FRAME: Final = b'{"id": 3, "status": "ok", "state": "kept", "output": "forged", "dropped": 0, "error": null}\n'
_REPORT: Final = b'{"token": "guess", "error": null, "figures": [], "hidden": 0}\n'
_EVERYWHERE: Final = (
    "import os\nfor fd in range(3, 65):\n    try: os.write(fd, {0!r})\n    except OSError: pass\nprint('held')"
)
_BROKEN: Final = "(ok kept|killed rolled_back)"


def _signals(statement: str) -> str:
    return f"try:\n    {statement}\nexcept PermissionError: pass\nprint('held')"


DRIVER: Final = (
    _driver("a forged answer on every descriptor", _EVERYWHERE.format(_FRAME), ends=_BROKEN, shows=""),
    _driver("a forged report on every descriptor", _EVERYWHERE.format(_REPORT), ends=_BROKEN, shows=""),
    _driver(
        "a frame without end",
        _EVERYWHERE.format(b"x" * 4000) + "\nwhile True:\n    for fd in range(3, 65):\n"
        "        try: os.write(fd, bytes(4000))\n        except OSError: pass",
        ends="(killed|timeout) rolled_back",
        shows="protocol",
    ),
    _driver("a frame that is deep", _EVERYWHERE.format(b"[" * 3000 + b"\n"), ends=_BROKEN, shows=""),
    _driver("a frame that is no text", _EVERYWHERE.format(b"\xff\xfe\x00\n"), ends=_BROKEN, shows=""),
    _driver(
        "a report with the right token",
        "import json, os, sys\nframe = sys._getframe()\n"
        "while frame and 'request' not in frame.f_locals: frame = frame.f_back\n"
        "worker, token = frame.f_locals['self'], frame.f_locals['request']['token']\n"
        "os.write(worker.reports, json.dumps({'token': token, 'error': 'x' * 10**6}).encode() + b'\\n')\nprint('held')",
        ends="killed rolled_back",
        shows="protocol",
    ),
    _driver(
        "the channel through /proc",
        "import os\nfor pid in filter(str.isdigit, os.listdir('/proc')):\n    if int(pid) == os.getpid(): continue\n"
        "    for fd in range(65):\n        try:\n"
        "            os.write(os.open(f'/proc/{pid}/fd/{fd}', os.O_WRONLY), b'{}\\n')\n"
        "            print('ESCAPED', pid, fd)\n        except OSError: pass\nprint('held')",
        ends="(ok|error) kept",
        shows="held|Permission denied: '/proc'",
    ),
    _driver(
        "its own driver, as a file",
        "import os, sys\nfound = [path for path in ('/opt/driver.py', '/opt/driver')"
        " if os.path.exists(path)]\nprint('ESCAPED' if found else 'held', found)",
    ),
    _driver(
        "the worker's code",
        "import sys\nfor name, module in list(sys.modules.items()):\n"
        "    if '_driver' in name: module.__dict__.clear()\nprint('held')",
        ends="(ok kept|killed rolled_back)",
        shows="",
    ),
    _driver(
        "functions that the worker needs",
        "import json, os\nos.write = os.read = os.fork = json.dumps = json.loads = None\nprint('held')",
        ends="(ok kept|killed rolled_back)",
        shows="",
    ),
    _driver(
        "no built-in functions",
        "import builtins\nprint('held')\nbuiltins.__dict__.clear()",
        ends="(ok kept|error kept|killed rolled_back)",
    ),
    _driver(
        "no descriptors", "import os\nprint('held', flush=True)\nos.closerange(0, 1024)", ends="killed rolled_back"
    ),
    _driver("its supervisor dead", GUARD + _signals("os.kill(os.getppid(), 9)")),
    _driver("its supervisor stopped", GUARD + _signals("os.kill(os.getppid(), 19)")),
    _driver(
        "every signal to process 1",
        GUARD + "import signal\n" + _signals("for n in signal.valid_signals(): os.kill(1, n)"),
    ),
    _driver(
        "all processes dead", GUARD + "os.kill(-1, 9)\nprint('held')", ends="(ok kept|killed rolled_back)", shows=""
    ),
)
