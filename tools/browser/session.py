"""One run's browser: the pages that were shown, by their cursor, and what `search`, `open` and `find` do with them.

Every call that goes well shows a page and puts it on top of the stack, also where it only scrolls; the model counts on
that. What goes wrong is one line and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from ..decorator import tool
from ..errors import ToolRetry
from ..functions import FunctionSession, FunctionToolset
from ..toolset import Citation, ToolResult, Traits
from .citations import citations
from .contract import NAME, namespace
from .display import view
from .fetch import Fetcher
from .find import find_in
from .page import Link, Page, page_of_hits
from .reader import clean_line
from .reading import Reader
from .search import SearchBackend

_MOST_HITS: Final = 20
_ABOVE: Final = 4  # lines shown above the place that a link leads to
_SOURCE: Final = "view-source:"
_CALL_SECONDS: Final = 90.0  # robots.txt, page and reading have their own, shorter ones
_TRAITS: Final = Traits(stateful=True, repeatable=True, result_bytes=128 << 10)  # more than a view can have
_page: Final = TypeAdapter(Page)


class BrowserSession:
    """search: None to open addresses alone; fetcher: None to open nothing but what the search has itself."""

    def __init__(self, search: SearchBackend | None, fetcher: Fetcher | None, reader: Reader) -> None:
        self.namespace = namespace(None if search is None else search.name, fetches=fetcher is not None)
        self._backend = search
        self._fetcher = fetcher
        self._reader = reader
        self._pages: list[Page] = []
        functions = (("search", self._search), ("open", self._open), ("find", self._find))
        tools = [tool(function, name=name, timeout=_CALL_SECONDS) for name, function in functions]
        self._functions = FunctionSession(FunctionToolset(tools, name=NAME))

    def traits(self, recipient: str) -> Traits:
        """What is read was written by anyone; a query, or an address, leaves the machine where it is not local."""
        of_search = Traits() if self._backend is None else self._backend.traits
        match recipient.rpartition(".")[2]:
            case "search":
                reads_private, sends_out = of_search.reads_private, of_search.sends_out
            case "open":
                reads_private, sends_out = of_search.reads_private, self._fetcher is not None
            case _:
                return _TRAITS
        return replace(_TRAITS, reads_untrusted=True, reads_private=reads_private, sends_out=sends_out)

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        return await self._functions.call(recipient, arguments)

    def restore(self, memories: Sequence[Any]) -> None:
        """The pages of the run's earlier calls."""
        for memory in memories:
            again = memory.get("again")
            self._pages.append(_page.validate_python(memory["page"]) if again is None else self._pages[again])

    def citations(self, answer: str) -> Sequence[Citation]:
        return list(citations(answer, self._pages))

    async def _search(self, query: str, topn: float = 10, source: str | None = None) -> ToolResult:
        if self._backend is None:
            raise ToolRetry("there is no search here; open an address")
        limit = min(max(_whole("topn", topn), 1), _MOST_HITS)
        hits = list(await self._backend.search(query, limit))
        return self._show(page_of_hits(query, hits, host_of={hit.url: _host(hit.url) for hit in hits}))

    async def _open(
        self,
        id: float | str = -1,
        cursor: float = -1,
        loc: float = -1,
        num_lines: float = -1,
        view_source: bool = False,
        source: str | None = None,
    ) -> ToolResult:
        line = None
        if isinstance(id, str) and not id.strip().isdecimal():
            page = await self._load(id.strip(), as_source=view_source)
        elif (number := _whole("id", float(id))) >= 0:
            link = self._link(number, _whole("cursor", cursor))
            page, line = await self._load(link.url, as_source=view_source), link.line
        else:
            page = self._at(_whole("cursor", cursor))
            if view_source and page.is_list:
                raise ToolRetry("results of `search` or `find` have no source to view; open one first")
            if view_source:
                page = await self._load(page.url, as_source=True)
        start, count = _whole("loc", loc), _whole("num_lines", num_lines)
        if start < 0:
            start = 0 if line is None or line >= len(page.lines) else max(0, line - _ABOVE)
        return self._show(page, start=start, count=count if count > 0 else None)

    async def _find(self, pattern: str, cursor: float = -1) -> ToolResult:
        page = self._at(_whole("cursor", cursor))
        if page.is_list:
            raise ToolRetry("`find` looks into pages, not into results of `search` or `find`; open one first")
        return self._show(find_in(page, pattern))

    def _show(self, page: Page, *, start: int = 0, count: int | None = None) -> ToolResult:
        """A page at the next cursor."""
        if start and start >= len(page.lines):
            raise ToolRetry(f"loc {start}: the last line is {max(0, len(page.lines) - 1)}")
        again = next((at for at, shown in enumerate(self._pages) if shown is page), None)
        memory = {"page": _page.dump_python(page, mode="json")} if again is None else {"again": again}
        text = view(page, len(self._pages), start=start, count=count)
        self._pages.append(page)
        return ToolResult(text=text, memory=memory)

    def _at(self, cursor: int) -> Page:
        if not self._pages:
            raise ToolRetry("no page was opened yet")
        if not -1 <= cursor < len(self._pages):
            raise ToolRetry(f"cursor {cursor}: there is no such page; there are [0] to [{len(self._pages) - 1}]")
        return self._pages[cursor]

    def _link(self, number: int, cursor: int) -> Link:
        links = self._at(cursor).links
        if number >= len(links):
            known = f"its links are 0 to {len(links) - 1}" if links else "it has none"
            shown = len(self._pages) - 1 if cursor < 0 else cursor
            raise ToolRetry(f"link {number}: not on page [{shown}]; {known}")
        return links[number]

    async def _load(self, url: str, *, as_source: bool) -> Page:
        """The page of an address: one that was shown, one that the search has itself, or one that is fetched."""
        plain = url.partition("#")[0]
        shown = f"{_SOURCE}{plain.removeprefix(_SOURCE)}" if as_source else plain
        for page in self._pages:
            if page.url == shown and not page.is_list:
                return page
        own = await self._backend.page(plain) if self._backend is not None else None
        if own is not None and as_source:
            raise ToolRetry(f"{clean_line(url)}: there is no source to view; open it without view_source")
        if own is not None:
            return own
        if self._fetcher is None:
            raise ToolRetry(f"{clean_line(url)}: there is no such document, and nothing else can be opened here")
        fetched = await self._fetcher.get(plain if "://" in plain else f"https://{plain}")
        kind, address = ("text", f"{_SOURCE}{fetched.url}") if as_source else (fetched.kind, fetched.url)
        return await self._reader.page(
            kind, fetched.data, url=address, title=_host(fetched.url), charset=fetched.charset
        )


def _whole(name: str, value: float) -> int:
    if value != value or abs(value) > 1e15 or value != int(value):
        raise ToolRetry(f"{name}: must be a whole number, not {value}")
    return int(value)


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""
