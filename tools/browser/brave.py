"""Brave Search, a search service on the web."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..errors import ToolError
from .page import Hit
from .search import WebSearch, asked, hits_of

_MOST = 20  # that it gives at once


class BraveSearch(WebSearch):
    """Its key is $BRAVE_API_KEY. Raises ToolError if there is none."""

    address = "https://api.search.brave.com"

    def __init__(self) -> None:
        if not os.environ.get("BRAVE_API_KEY"):
            raise ToolError("browser: search: brave wants a key in BRAVE_API_KEY")
        self._key = os.environ["BRAVE_API_KEY"]

    async def search(self, query: str, limit: int) -> Sequence[Hit]:
        found = await asked(
            "GET",
            f"{self.address}/res/v1/web/search",
            params={"q": query, "count": min(limit, _MOST), "text_decorations": "false"},
            headers={"X-Subscription-Token": self._key},
        )
        web = found.get("web") if isinstance(found, dict) else None
        results = web.get("results") if isinstance(web, dict) else None
        return hits_of(results, url="url", title="title", text=["description"], limit=limit)
