"""Citations: 【3†L9-L11】 in an answer is lines 9 to 11 of the page at cursor 3."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ..toolset import Citation
from .page import Page
from .reader import without_links

_MARK: Final = re.compile(
    r"【(?P<cursor>\d{1,6})(?:†L(?P<first>\d{1,9})(?:-L?(?P<last>\d{1,9}))?)?(?:†[^【】]{0,200})?】"
)
"""As the model was trained to write it, and what else it writes: the second L left out, no lines, words at the end."""
_MOST_TEXT: Final = 2000  # characters


def citations(answer: str, pages: Sequence[Page]) -> Iterator[Citation]:
    """Those that name a page. pages: by their cursor. A line of a list of results stands for the page it is about."""
    for mark in _MARK.finditer(answer):
        cursor = int(mark["cursor"])
        if cursor >= len(pages):
            continue
        page = pages[cursor]
        first = int(mark["first"] or 0)
        last = int(mark["last"] or first)
        source = page.source(last)
        if source is None:
            continue
        text = without_links("\n".join(page.lines[first : last + 1]))[:_MOST_TEXT] if mark["first"] else ""
        yield Citation(start=mark.start(), end=mark.end(), url=source.url, title=source.title, text=text)
