"""The `browser` tool: search, open and find, as gpt-oss was trained to use them.

BrowserTool(search=Corpus(Path("docs")))                            # a folder of documents; nothing leaves
BrowserTool(search=backend_by_name("exa"))                          # the web
BrowserTool(allow=("*.wikipedia.org",))                             # these hosts, without a search
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from ..errors import ToolError
from .contract import NAME
from .corpus import cache_folder
from .fetch import Caps, Fetcher
from .fetched import FetchCache
from .guard import Guard
from .reading import open_reader
from .search import SearchBackend, backend_names, built_in
from .session import BrowserSession


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserTool:
    """A browser.

    search: what searches; None for the first service that the environment sets up, unless `allow` says what to open.
    allow: globs of hosts that may be opened; without it, a search of the web opens any, and one of documents none.
    robots: whether robots.txt is kept to; guard: where fetches may go at all, for who knows better than the default.
    """

    search: SearchBackend | None = None
    allow: tuple[str, ...] = ()
    robots: bool = True
    caps: Caps = field(default_factory=Caps)
    guard: Guard = field(default_factory=Guard)

    @property
    def name(self) -> str:
        return NAME

    @asynccontextmanager
    async def open(self) -> AsyncIterator[BrowserSession]:
        """Raises ToolError where there is nothing to search in and nothing to open."""
        search = self.search if self.search is not None or self.allow else configured()
        fetcher = None
        if self.allow or (search is not None and search.traits.sends_out):
            guard = replace(self.guard, allow=self.allow)
            cache = FetchCache(cache_folder() / "fetched.db")
            fetcher = Fetcher(guard=guard, cache=cache, caps=self.caps, robots=self.robots)
        async with open_reader() as reader:
            if search is not None:
                await search.prepare(reader)
            yield BrowserSession(search, fetcher, reader)


def configured() -> SearchBackend:
    """The first search of ours that the environment sets up. Raises ToolError that says how to set one up."""
    for maker in built_in().values():
        try:
            return maker()
        except ToolError:
            continue
    raise ToolError(
        "browser: nothing to search with: give it a folder (corpus: ./docs), hosts to open (allow: [...]) or a search "
        f"({', '.join(backend_names())}); SEARXNG_URL, EXA_API_KEY or BRAVE_API_KEY set one up for all tasks"
    )
