"""What the model reads of a page: a heading with the cursor, then numbered lines, as gpt-oss was trained to read them.

[3] Title (https://example.org/page)
**viewing lines [0 - 1] of 57**

L0: the first line
L1: the second one
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from cadenza.harmony import o200k_harmony

from .page import Page
from .reader import clean_line

VIEW_TOKENS: Final = 1024
"""What a view holds unless `num_lines` says otherwise."""
MOST_TOKENS: Final = 8 * 1024
"""What it holds at most."""


def view(page: Page, cursor: int, *, start: int, count: int | None = None) -> str:
    """Lines from `start` on: `count` of them, or as many as a view holds. start: of a line that there is."""
    last = _fitting(page, start, count)
    url = clean_line(unquote(page.url), 1000)
    title = f"[{cursor}] {page.title}" + (f" ({url})" if url else "")
    body = "\n".join(_numbered(page, at) for at in range(start, last + 1))
    return f"{title}\n**viewing lines [{start} - {last}] of {max(0, len(page.lines) - 1)}**\n\n{body}"


def _fitting(page: Page, start: int, count: int | None) -> int:
    """The last line of a view, the first one at least."""
    room = VIEW_TOKENS if count is None else MOST_TOKENS
    end = len(page.lines) if count is None else min(len(page.lines), start + count)
    for at in range(start, end):
        room -= len(o200k_harmony().encode(_numbered(page, at))) + 1
        if room < 0:
            return max(start, at - 1)
    return max(start, end - 1)


def _numbered(page: Page, at: int) -> str:
    return f"L{at}: {page.lines[at]}" if at < len(page.lines) else f"L{at}:"
