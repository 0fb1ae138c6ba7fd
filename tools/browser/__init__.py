"""The browser: pages as numbered lines, links by their id, citations, search and fetching.

Read in this order: contract, page, reader, display, session, citations; then search, corpus; then guard, fetch.
"""

from .corpus import Corpus
from .fetch import Caps
from .guard import Guard
from .page import Hit, Link, Page
from .reading import Reader
from .search import SearchBackend, WebSearch, backend_by_name, backend_names
from .searxng import SearxngSearch
from .tool import BrowserTool

__all__ = [
    "BrowserTool",
    "Caps",
    "Corpus",
    "Guard",
    "Hit",
    "Link",
    "Page",
    "Reader",
    "SearchBackend",
    "SearxngSearch",
    "WebSearch",
    "backend_by_name",
    "backend_names",
]
