"""Text of others, for a screen, a line of ours or a model: without what could steer a terminal or is not seen."""

from __future__ import annotations

import re
from typing import Final

_UNSEEN: Final = re.compile(  # controls, and formats but for the joiners of scripts and emoji; private use
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\uf8ff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)


def clean(text: str) -> str:
    """Without control characters, with which escape sequences begin, and what cannot be seen, such as bidi overrides
    and tags: nobody could tell what is read. Tabs and line feeds stay.
    """
    return _UNSEEN.sub("", text)


def one_line(text: str) -> str:
    """`text` with each run of white space as one space."""
    return " ".join(text.split())


def clean_line(text: str, limit: int = 200) -> str:
    """`text` on one line of at most `limit` characters."""
    line = one_line(clean(text))
    return line if len(line) <= limit else f"{line[:limit]}..."
