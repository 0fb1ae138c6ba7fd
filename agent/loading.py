"""A task's own Python: the functions of a tool file, and the type of an output. This is where a task executes code.

Both are looked for beside the task file. A tool file is loaded under a name of its own, so it may be called tools.py.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from cadenza.tools import FunctionTool

from .errors import UserError, told


@cache
def functions_in(path: Path) -> tuple[FunctionTool[..., Any], ...]:
    """Every function with @tool that a file defines, in its order; it is run once a process. Raises UserError."""
    name = f"cadenza_task_{sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path}: no Python file")
    module = importlib.util.module_from_spec(spec)
    with _beside(path.parent), _told(str(path), path.parent):
        sys.modules[name] = module  # dataclasses and pydantic look their module up
        spec.loader.exec_module(module)
    found = [value for value in vars(module).values() if isinstance(value, FunctionTool)]
    if not found:
        raise UserError(f"{path}: no function with @tool in it")
    return tuple(dict.fromkeys(found))


def type_named(name: str, folder: Path) -> Any:
    """What `module:Type` names, the module beside the task or installed. Raises UserError."""
    module_name, _, attribute = name.partition(":")
    with _beside(folder), _told(name, folder):
        module: ModuleType = importlib.import_module(module_name)
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise UserError(f"output: {module.__file__} defines no {attribute}") from None


@contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """With the modules of a folder to be imported first."""
    entry = str(folder.resolve())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        sys.path.remove(entry)


@contextmanager
def _told(what: str, folder: Path) -> Iterator[None]:
    """Whatever a person's own code raises when it is imported, in one line with its place, in the folder if it can."""
    try:
        yield
    except (Exception, SystemExit) as error:  # anything at all can go wrong there
        frames = traceback.extract_tb(error.__traceback__)
        frame = ([each for each in frames if Path(each.filename).is_relative_to(folder.resolve())] or frames)[-1]
        where = f" ({frame.filename}:{frame.lineno})" if not frame.filename.startswith("<frozen") else ""
        raise UserError(f"{what}: cannot be loaded: {told(error)}{where}") from None
