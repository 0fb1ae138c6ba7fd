"""DuckDuckGo and others through the package ddgs, which reads their pages: `pip install cadenza[ddgs]`, no key."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from ..errors import ToolError, ToolRetry
from ..thread import run_in_thread
from .page import Hit
from .search import WebSearch, hits_of


class DdgsSearch(WebSearch):
    """Raises ToolError if the package is not there."""

    def __init__(self) -> None:
        try:
            self._client: Any = importlib.import_module("ddgs").DDGS
        except ImportError:
            raise ToolError("browser: search: ddgs is not installed: pip install 'cadenza[ddgs]'") from None

    async def search(self, query: str, limit: int) -> Sequence[Hit]:
        def found() -> Any:
            try:
                return self._client(timeout=20).text(query, max_results=limit)
            except Exception as error:  # another package's code; no results are an exception too
                raise ToolRetry(f"search: ddgs finds nothing: {type(error).__name__}") from None

        return hits_of(await run_in_thread(found), url="href", title="title", text=["body"], limit=limit)
