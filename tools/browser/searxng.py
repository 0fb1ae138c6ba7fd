"""SearXNG, a search engine that one runs oneself. It has to allow the format `json` in its settings."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..address import is_address
from ..errors import ToolError
from .page import Hit
from .search import WebSearch, asked, hits_of


class SearxngSearch(WebSearch):
    """url: such as http://127.0.0.1:8888, else of $SEARXNG_URL. Raises ToolError without one, and for what is none."""

    def __init__(self, url: str | None = None) -> None:
        url = url or os.environ.get("SEARXNG_URL")
        if not url:
            raise ToolError("browser: search: searxng wants its address: `url: http://...`, or SEARXNG_URL")
        if not is_address(url):
            raise ToolError(f"browser: search: {url!r} is no address; write http://127.0.0.1:8888")
        self._url = url.rstrip("/")

    async def search(self, query: str, limit: int) -> Sequence[Hit]:
        found = await asked("GET", f"{self._url}/search", params={"q": query, "format": "json"})
        results = found.get("results") if isinstance(found, dict) else None
        return hits_of(results, url="url", title="title", text=["content"], limit=limit)
