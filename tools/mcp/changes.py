"""What has become of a server's tools in the middle of a run, for the model to read: a line with a call's result.

The tools of a run stand in its prompt, which only grows, and in the grammar of its turns. So a run keeps those that it
began with: what is new is for the next run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from ..plain import clean_line

if TYPE_CHECKING:
    from mcp_types import Tool

_MOST_NAMES: Final = 20
_NAME_CHARACTERS: Final = 64


class Changes:
    """own: names, the server's own, of the tools that the run has; tools: as the run began."""

    def __init__(self, own: Collection[str], tools: Sequence[Tool]) -> None:
        self._own = frozenset(own)
        self._told = _schemas(tools)

    def since(self, tools: Sequence[Tool]) -> str:
        """What is to be told of `tools`, once; nothing where all is as it was."""
        before, now = self._told, _schemas(tools)
        self._told = now
        both = [name for name in now if name in before]
        added, gone = [name for name in now if name not in before], [name for name in before if name not in now]
        told = {
            "now offers {}, which this run does not have": [name for name in added if name not in self._own],
            "offers {} again": [name for name in added if name in self._own],
            "no longer offers {}": [name for name in gone if name in self._own],
            "takes other arguments now, which this run does not know, for {}": [
                name for name in both if name in self._own and now[name] != before[name]
            ],
        }
        return "; ".join(f"the server {what.format(_named(names))}" for what, names in told.items() if names)


def _schemas(tools: Iterable[Tool]) -> dict[str, Any]:
    return {tool.name: tool.input_schema for tool in tools}


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(clean_line(name, _NAME_CHARACTERS) for name in names[:_MOST_NAMES])
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown
