"""Names of the tools that ship with the package."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from .errors import ToolError
from .python import PythonTool
from .toolset import Toolset

BUILT_IN: dict[str, Callable[[], Toolset]] = {"python": PythonTool}


def built_in(name: str) -> Toolset:
    """The tool of that name, with its default limits. Raises ToolError that names the nearest ones."""
    try:
        return BUILT_IN[name]()
    except KeyError:
        near = get_close_matches(name, BUILT_IN) or sorted(BUILT_IN)
        raise ToolError(f"no tool {name!r}; did you mean {' or '.join(map(repr, near))}?") from None
