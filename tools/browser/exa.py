"""Exa, a search service on the web: the backend of the reference."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..errors import ToolError
from .page import Hit
from .search import WebSearch, asked, hits_of


class ExaSearch(WebSearch):
    """Its key is $EXA_API_KEY. Raises ToolError if there is none."""

    address = "https://api.exa.ai"

    def __init__(self) -> None:
        if not os.environ.get("EXA_API_KEY"):
            raise ToolError("browser: search: exa wants a key in EXA_API_KEY")
        self._key = os.environ["EXA_API_KEY"]

    async def search(self, query: str, limit: int) -> Sequence[Hit]:
        body = {"query": query, "numResults": limit, "contents": {"highlights": True}}
        found = await asked("POST", f"{self.address}/search", headers={"x-api-key": self._key}, body=body)
        results = found.get("results") if isinstance(found, dict) else None
        return hits_of(results, url="url", title="title", text=["highlights", "summary", "text"], limit=limit)
