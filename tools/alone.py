"""A module of this package as a program of its own, which imports what it names and nothing else.

Its packages are there by name only, so that the program starts at once, and little is in reach of what it deals with.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

_PACKAGE: Final = "cadenza.tools"
_START: Final = """
import importlib, os, sys, types
root, package, module, *arguments = sys.argv[1:]
sys.modules[package.partition(".")[0]] = types.ModuleType(package.partition(".")[0])
for folder, _, files in os.walk(root):
    if "__init__.py" in files:
        name = package + folder[len(root):].replace(os.sep, ".")
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [folder]
importlib.import_module(package + "." + module).main(*arguments)
"""


def alone(module: str, *arguments: str) -> list[str]:
    """The command that calls `main` of a module, such as "browser.reader", with the arguments.

    -I: no module of the folder that we are in.
    """
    return [sys.executable, "-I", "-c", _START, str(Path(__file__).parent), _PACKAGE, module, *arguments]
