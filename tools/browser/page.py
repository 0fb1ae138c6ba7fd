"""A page: numbered lines with links, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass

from .reader import clean_line, link, wrap


@dataclass(frozen=True, slots=True)
class Link:
    """Where the link of that number leads. line: of the page there, None for its beginning."""

    url: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """From line `line` on, what a page says comes from this address."""

    line: int
    url: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """lines: clean text, as `reader` makes it; links: by their number.

    parts: what a list of results is made of, in order; empty where all comes from `url`.
    """

    url: str
    title: str
    lines: tuple[str, ...]
    links: tuple[Link, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def is_list(self) -> bool:
        """Whether it lists results of `search` or `find`."""
        return bool(self.parts) or not self.url

    def source(self, line: int) -> Part | None:
        """What a line comes from; None for the heading of a list."""
        if not self.is_list:
            return Part(0, self.url, self.title)
        return next((part for part in reversed(self.parts) if part.line <= line), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A result of a search. text: what the page says about it; line: where, if that is known."""

    url: str
    title: str
    text: str
    line: int | None = None


def page_of_hits(query: str, hits: list[Hit], *, host_of: dict[str, str]) -> Page:
    """The list that `search` shows. host_of: the host of each address that has one."""
    lines, parts = ["# Search Results", ""], []
    for number, hit in enumerate(hits):
        title = clean_line(hit.title) or clean_line(hit.url)
        parts.append(Part(len(lines), hit.url, title))
        shown = link(number, title, host_of.get(hit.url, ""))
        lines += [*wrap(f"  * {shown} {clean_line(hit.text, 600)}"), ""]
    if not hits:
        lines.append(f"No results for: {clean_line(query)}")
    links = tuple(Link(hit.url, hit.line) for hit in hits)
    return Page(url="", title=clean_line(query), lines=tuple(lines), links=links, parts=tuple(parts))
