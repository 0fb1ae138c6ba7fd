"""Text of others, for a screen or a line of ours: without what could steer a terminal."""

from __future__ import annotations

import re
from typing import Final

from .docstring import one_line

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Without control characters, with which escape sequences begin, and bidi overrides. Tabs and line feeds stay."""
    return _CONTROL.sub("", text)


def clean_line(text: str, limit: int = 200) -> str:
    """`text` on one line of at most `limit` characters."""
    line = one_line(clean(text))
    return line if len(line) <= limit else f"{line[:limit]}..."
