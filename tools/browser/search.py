"""What `search` asks: one protocol, the backends that ship with the package, and those that others declare.

    [project.entry-points."cadenza.search"]
    library = "my_package.library:Library"

What an entry point leads to is a backend, or is called without arguments to make one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, Final, Protocol

import httpx2

from ..errors import ToolError, ToolRetry
from ..registry import loaded
from ..toolset import Traits
from .page import Hit, Page
from .reader import clean_line
from .reading import Reader

GROUP: Final = "cadenza.search"
_SECONDS: Final = 20.0
_MOST_BYTES: Final = 4 << 20


class SearchBackend(Protocol):
    """Finds pages. name: what the model is told the source is, one word; traits: of a search."""

    name: str
    traits: Traits

    async def prepare(self, reader: Reader) -> None:
        """Before the first search of a run; reader: makes pages of documents. Raises ToolError: it cannot be had."""

    async def search(self, query: str, limit: int) -> Sequence[Hit]:
        """The best results first, at most so many. Raises ToolRetry that tells the model what went wrong."""

    async def page(self, url: str) -> Page | None:
        """A page that it has itself; None for one that is to be fetched."""


class WebSearch:
    """What the backends of a web search have in common: nothing to prepare, no pages of their own."""

    name = "web"
    traits = Traits(reads_untrusted=True, sends_out=True)

    async def prepare(self, reader: Reader) -> None:
        return None

    async def page(self, url: str) -> Page | None:
        return None


def built_in() -> dict[str, Callable[[], SearchBackend]]:
    """Backends by name, each set up by variables of the environment, in the order in which they are looked for."""
    from .brave import BraveSearch
    from .exa import ExaSearch
    from .searxng import SearxngSearch

    return {"searxng": SearxngSearch, "exa": ExaSearch, "brave": BraveSearch}


def backend_names() -> tuple[str, ...]:
    """The names that `backend_by_name` knows, sorted. Imports none of other packages."""
    return tuple(sorted({*built_in(), *entry_points(group=GROUP).names}))


def backend_by_name(name: str) -> SearchBackend:
    """Raises ToolError: no such backend, or what it lacks, such as a variable."""
    if maker := built_in().get(name):
        return maker()
    for entry in entry_points(group=GROUP, name=name):
        found: SearchBackend = loaded(entry, "search", _wrong)
        return found
    raise ToolError(f"browser: no search {name!r}; there is {', '.join(backend_names())}")


def _wrong(value: Any) -> str:
    lacking = [name for name in ("name", "traits", "prepare", "search", "page") if not hasattr(value, name)]
    return f"gives a {type(value).__name__}, which is no search backend: it has no {lacking[0]}" if lacking else ""


async def asked(
    method: str,
    url: str,
    *,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> Any:
    """The JSON that a search service answers. Raises ToolRetry in one line, without what was sent."""
    service = httpx2.URL(url).host
    try:
        async with (
            httpx2.AsyncClient(timeout=_SECONDS, trust_env=False) as client,
            client.stream(method, url, params=params, headers=headers, json=body) as answer,
        ):
            content = b""
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > _MOST_BYTES:
                    raise ToolRetry(f"search: {service} answers more than {_MOST_BYTES >> 20} MB")
    except httpx2.HTTPError as error:
        raise ToolRetry(f"search: {service} does not answer: {type(error).__name__}") from None
    if answer.status_code != httpx2.codes.OK:
        said = clean_line(content.decode(errors="replace"))
        raise ToolRetry(f"search: {service} answers {answer.status_code}: {said or answer.reason_phrase}")
    try:
        return json.loads(content)
    except ValueError:
        raise ToolRetry(f"search: {service} answers what is no JSON") from None


def hits_of(items: Any, *, url: str, title: str, text: Sequence[str], limit: int) -> list[Hit]:
    """Hits from a service's list; what is none is left out.

    url, title, text: its names of them; the first text counts.
    """
    hits = []
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and str(item.get(url) or "").startswith(("http://", "https://")):
            said = next((found for name in text if (found := item.get(name))), "")
            said = " ".join(map(str, said)) if isinstance(said, list) else str(said)
            hits.append(Hit(url=str(item[url]), title=str(item.get(title) or ""), text=said))
    return hits[:limit]
