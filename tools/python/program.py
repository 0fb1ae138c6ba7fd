"""The driver as it gets into a sandbox: one line of JSON, the first that the host sends.

So there is no file of the driver inside, which a cell could read before or change, and every way in is the same: two
descriptors. `BOOT` is all that stands on the command line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

MODULES: Final = (
    "clip",
    "processes",
    "keeper",
    "walls",
    "disk",
    "files",
    "cell",
    "worker",
    "supervisor",
    "main",
)
"""In the order in which they import each other."""

BOOT: Final = """
import json, os, sys, types
line = bytearray()
while not line.endswith(b"\\n"):
    line += os.read(int(sys.argv[1]), 1 << 20) or sys.exit(1)
program = json.loads(line)
package = sys.modules["_driver"] = types.ModuleType("_driver")
package.__path__ = []
for name, source in program["modules"].items():
    module = sys.modules["_driver." + name] = types.ModuleType("_driver." + name)
    module.__package__ = "_driver"
    exec(compile(source, "driver/" + name + ".py", "exec"), module.__dict__)
module.main(receive=int(sys.argv[1]), send=int(sys.argv[2]), **program["settings"])
"""


ROOTS: Final = ("/bin", "/lib", "/lib32", "/lib64")
"""What a Python needs beside /usr; on most systems links into it."""
LOOKED_UP: Final = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts")
"""How some of what is in /usr is found."""


def own_folders(python: Path) -> list[str]:
    """Of a Python that is not below /usr: the rest of a prefix may be anything, up to somebody's home."""
    return [] if python.is_relative_to("/usr") else [str(python.parent.parent / part) for part in ("bin", "lib")]


def interpreters() -> Iterator[Path]:
    """What may run the cells: the Python that runs us, or else that of the system."""
    own = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
    yield own
    if own != Path("/usr/bin/python3"):
        yield Path("/usr/bin/python3")


def command(python: str, receive: int, send: int) -> list[str]:
    """What to execute inside. receive, send: descriptors that lead to the host."""
    return [python, "-I", "-B", "-c", BOOT, str(receive), str(send)]


def first_line(settings: Mapping[str, Any]) -> bytes:
    """The driver with its settings: the arguments of its `main`, but for the descriptors."""
    return json.dumps({"modules": _sources(), "settings": settings}).encode() + b"\n"


@cache
def _sources() -> dict[str, str]:
    folder = Path(__file__).with_name("driver")
    return {name: (folder / f"{name}.py").read_text("utf-8") for name in MODULES}
