"""How gpt-oss knows its browser: the namespace of openai-harmony 0.0.8, word for word.

What is not there is not offered, and what is different is said after the words that the model was trained on.
"""

from __future__ import annotations

from typing import Final

from cadenza.harmony import ToolDescription, ToolNamespace

NAME: Final = "browser"

_DESCRIPTION: Final = """Tool for browsing.
The `cursor` appears in brackets before each browsing display: `[{cursor}]`.
Cite information from the tool using the following format:
`【{cursor}†L{line_start}(-L{line_end})?】`, for example: `【6†L9-L11】` or `【8†L3】`.
Do not quote more than 10 words directly from the tool output."""

_SEARCH: Final = ToolDescription(
    name="search",
    description="Searches for information related to `query` and displays `topn` results.",
    parameters={
        "type": "object",
        "properties": {
            "query": {"type": "string"},
            "topn": {"type": "number", "default": 10},
            "source": {"type": "string"},
        },
        "required": ["query"],
    },
)
_OPEN: Final = ToolDescription(
    name="open",
    description="""Opens the link `id` from the page indicated by `cursor` starting at line number `loc`, showing `num_lines` lines.
Valid link ids are displayed with the formatting: `【{id}†.*】`.
If `cursor` is not provided, the most recent page is implied.
If `id` is a string, it is treated as a fully qualified URL associated with `source`.
If `loc` is not provided, the viewport will be positioned at the beginning of the document or centered on the most relevant passage, if available.
Use this function without `id` to scroll to a new location of an opened page.""",  # noqa: E501 - word for word
    parameters={
        "type": "object",
        "properties": {
            "id": {"type": ["number", "string"], "default": -1},
            "cursor": {"type": "number", "default": -1},
            "loc": {"type": "number", "default": -1},
            "num_lines": {"type": "number", "default": -1},
            "view_source": {"type": "boolean", "default": False},
            "source": {"type": "string"},
        },
    },
)
_FIND: Final = ToolDescription(
    name="find",
    description="Finds exact matches of `pattern` in the current page, or the page given by `cursor`.",
    parameters={
        "type": "object",
        "properties": {"pattern": {"type": "string"}, "cursor": {"type": "number", "default": -1}},
        "required": ["pattern"],
    },
)


def namespace(source: str | None, *, fetches: bool) -> ToolNamespace:
    """source: of the search, "web" as in training; None if there is none; fetches: whether addresses can be opened."""
    if source is None:
        text = f"{_DESCRIPTION}\nThere is no search: open addresses."
        return ToolNamespace(name=NAME, description=text, tools=(_OPEN, _FIND))
    text = f"{_DESCRIPTION}\nsources={source} (default: {source})"
    if not fetches:
        text += "\nOnly what `search` finds can be opened."
    return ToolNamespace(name=NAME, description=text, tools=(_SEARCH, _OPEN, _FIND))
