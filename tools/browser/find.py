"""`find`: where a page says something, as a page that leads there."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import Final
from urllib.parse import quote

from .page import Link, Page, Part
from .reader import clean_line, link, without_links

MOST_FOUND: Final = 50
_SHOWN_LINES: Final = 4


def find_in(page: Page, pattern: str) -> Page:
    """Matches in any case, also across the end of a line; what links are made of does not stand in the way."""
    text = without_links("\n".join(page.lines))
    plain = text.split("\n")
    starts = [0, *accumulate(len(line) + 1 for line in plain)]
    wanted = re.compile(r"\s+".join(map(re.escape, pattern.split())) or "(?!)", re.IGNORECASE)
    lines: list[str] = []
    links, parts = list[Link](), list[Part]()
    shown = 0  # lines before this one are shown already
    for match in wanted.finditer(text):
        at = bisect_right(starts, match.start()) - 1
        if at < shown:
            continue
        parts.append(Part(len(lines), page.url, page.title))
        lines += [f"# {link(len(links), f'match at L{at}')}", *plain[at : at + _SHOWN_LINES], ""]
        links.append(Link(page.url, at))
        shown = at + _SHOWN_LINES
        if len(links) == MOST_FOUND:
            break
    told = clean_line(pattern)
    if not links:
        lines, parts = [f"No `find` results for pattern: `{told}`"], [Part(0, page.url, page.title)]
    return Page(
        url=f"{page.url}/find?pattern={quote(pattern.encode(errors='replace'))}",
        title=f"Find results for text: `{told}` in `{page.title}`",
        lines=tuple(lines),
        links=tuple(links),
        parts=tuple(parts),
    )
