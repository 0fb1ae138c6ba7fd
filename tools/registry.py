"""Toolsets by name: those that ship with the package, then the entry points that other packages declare.

    [project.entry-points."cadenza.tools"]
    notes = "my_package.notes:Notes"

What an entry point leads to is a toolset, or is called without arguments to make one. It is imported when its name is
asked for, not before. A name of ours cannot be taken over.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from .decorator import FunctionTool
from .errors import ToolError
from .plain import one_line
from .python import PythonTool
from .toolset import Toolset

GROUP: Final = "cadenza.tools"


def _browser() -> Toolset:
    from .browser import BrowserTool

    return BrowserTool()


BUILT_IN: dict[str, Callable[[], Toolset]] = {"browser": _browser, "python": PythonTool}


def toolset_names() -> tuple[str, ...]:
    """The names that `toolset_by_name` knows, sorted. Imports nothing."""
    return tuple(sorted({*BUILT_IN, *entry_points(group=GROUP).names}))


def toolset_by_name(name: str) -> Toolset:
    """The toolset of that name, with its default limits.

    Raises ToolError that names the nearest ones, or says why the package that has it cannot be used.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]()
    for entry in entry_points(group=GROUP, name=name):
        found: Toolset = loaded(entry, "tool", _wrong)
        return found
    near = get_close_matches(name, toolset_names()) or toolset_names()
    raise ToolError(f"no tool {name!r}; did you mean {' or '.join(map(repr, near))}?")


def loaded(entry: EntryPoint, what: str, wrong: Callable[[Any], str]) -> Any:
    """What an entry point leads to, or makes when it is called; what: "tool"; wrong: why a value is none, else empty.

    Raises ToolError that says why it cannot be used.
    """
    package = entry.dist.name if entry.dist is not None else "a package"
    where = f"{what} {entry.name!r} of {package}: {entry.value}"
    try:
        found: Any = entry.load()
        is_maker = callable(found) and not isinstance(found, FunctionTool)
        made: Any = found() if is_maker and (isinstance(found, type) or wrong(found)) else found
    except ToolError:
        raise
    except Exception as error:  # another package's code
        raise ToolError(f"{where} cannot be loaded: {type(error).__name__}: {one_line(str(error))}") from None
    if reason := wrong(made):
        raise ToolError(f"{where} {reason}")
    return made


def _wrong(value: Any) -> str:
    if isinstance(value, FunctionTool):
        return f"is one function; offer FunctionToolset([{value.name}])"
    if isinstance(getattr(value, "name", None), str) and callable(getattr(value, "open", None)):
        return ""
    return f"gives a {type(value).__name__}, which is no toolset: it has no `name` and `open`"
