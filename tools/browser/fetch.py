"""Fetching a page: what the guard lets through, within caps on size, time, kind and redirects, as robots.txt allows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final

import anyio
import httpx2
from protego import Protego

from ..errors import ToolRetry
from .fetched import FetchCache, Fetched
from .guard import Guard, PinnedTransport
from .reader import clean_line

AGENT: Final = "cadenza"
"""What robots.txt may call us."""
_ROBOTS_BYTES: Final = 512 << 10  # what a reader of robots.txt has to take, by RFC 9309
_KINDS: Final = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/pdf": "pdf",
    "text/markdown": "markdown",
    "application/json": "text",
    "application/xml": "text",
    "application/javascript": "text",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """bytes: of a body, unpacked; seconds: from the first name to the last byte."""

    bytes: int = 10 << 20
    seconds: float = 30.0
    redirects: int = 5


@dataclass(slots=True, kw_only=True)
class Fetcher:
    """guard: where it may go; cache: None to keep nothing; robots: whether robots.txt is asked."""

    guard: Guard
    cache: FetchCache | None = None
    caps: Caps = field(default_factory=Caps)
    robots: bool = True
    _rules: dict[str, Protego] = field(default_factory=dict)  # by scheme, host and port

    async def get(self, url: str) -> Fetched:
        """Raises ToolRetry that tells the model why it cannot be had."""
        asked = str(self.guard.check(url).copy_with(fragment=None))
        kept = self.cache.get(asked) if self.cache is not None else None
        if kept is not None:
            self.guard.check(kept.url)
            return kept
        with anyio.move_on_after(self.caps.seconds):
            fetched = await self._follow(asked)
            if self.cache is not None:
                self.cache.put(asked, fetched)
            return fetched
        raise ToolRetry(f"{clean_line(url)}: not there within {self.caps.seconds:g} seconds")

    async def _follow(self, url: str) -> Fetched:
        async with self._client() as client:
            for _ in range(self.caps.redirects + 1):
                await self._ask_robots(client, url)
                async with self._answer(client, url) as answer:
                    if not answer.has_redirect_location:
                        return await self._body(url, answer)
                    url = _next(url, answer)
        raise ToolRetry(f"{clean_line(url)}: more than {self.caps.redirects} redirects")

    def _client(self) -> httpx2.AsyncClient:
        """A new one each time: what a site leaves behind, such as cookies, ends with the fetch."""
        headers = {
            "User-Agent": f"{AGENT}/{version('cadenza')}",
            "Accept": "text/html, application/pdf, text/*;q=0.9, application/json;q=0.8, */*;q=0.1",
            "Accept-Encoding": "gzip, deflate",
        }
        transport = PinnedTransport(self.guard)
        return httpx2.AsyncClient(transport=transport, headers=headers, timeout=self.caps.seconds, trust_env=False)

    @asynccontextmanager
    async def _answer(self, client: httpx2.AsyncClient, url: str) -> AsyncIterator[httpx2.Response]:
        try:
            async with client.stream("GET", self.guard.check(url)) as answer:
                yield answer
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, ValueError) as error:
            said = clean_line(str(error)) or type(error).__name__
            raise ToolRetry(f"{clean_line(url)}: cannot be fetched: {said}") from None

    async def _body(self, url: str, answer: httpx2.Response) -> Fetched:
        if answer.status_code != httpx2.codes.OK:
            raise ToolRetry(
                f"{clean_line(url)}: the server answers {answer.status_code} {answer.reason_phrase}".rstrip()
            )
        media = answer.headers.get("Content-Type", "text/html").partition(";")[0].strip().lower()
        kind = _KINDS.get(media, "text" if media.startswith("text/") or media.endswith(("+json", "+xml")) else "")
        if not kind:
            raise ToolRetry(f"{clean_line(url)}: is {clean_line(media, 60)}, which cannot be read as text")
        data = await self._read(url, answer, self.caps.bytes)
        if data.startswith(b"%PDF-"):
            kind = "pdf"
        return Fetched(url=url, kind=kind, charset=answer.charset_encoding or "", data=data)

    async def _read(self, url: str, answer: httpx2.Response, most: int, *, cut: bool = False) -> bytes:
        """The body, of at most so many bytes; a longer one is cut or refused.

        Packed twice it is refused as well: a few bytes may be terabytes.
        """
        packed = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if packed not in ("identity", "gzip", "x-gzip", "deflate", ""):
            raise ToolRetry(f"{clean_line(url)}: is packed as {clean_line(packed, 60)}, which was not asked for")
        data = bytearray()
        async for chunk in answer.aiter_bytes():
            data += chunk
            if len(data) > most and cut:
                return bytes(data[:most])
            if len(data) > most:
                raise ToolRetry(f"{clean_line(url)}: larger than {most >> 20} MB")
        return bytes(data)

    async def _ask_robots(self, client: httpx2.AsyncClient, url: str) -> None:
        """Raises ToolRetry if the site does not want the page to be fetched by programs."""
        if not self.robots:
            return
        parts = self.guard.check(url)
        site = f"{parts.scheme}://{parts.netloc.decode()}"
        if site not in self._rules:
            self._rules[site] = Protego.parse(await self._robots(client, f"{site}/robots.txt"))
        if not self._rules[site].can_fetch(url, AGENT):
            raise ToolRetry(f"{clean_line(url)}: the site's robots.txt does not allow programs to read it")

    async def _robots(self, client: httpx2.AsyncClient, url: str) -> str:
        """The text of robots.txt. By RFC 9309, a site without one allows all, and one that fails allows nothing."""
        for _ in range(self.caps.redirects + 1):
            async with self._answer(client, url) as answer:
                if answer.has_redirect_location:
                    url = _next(url, answer)
                elif answer.is_server_error:
                    raise ToolRetry(f"{clean_line(url)}: the server answers {answer.status_code}, and is asked first")
                elif answer.status_code != httpx2.codes.OK:
                    return ""
                else:
                    return (await self._read(url, answer, _ROBOTS_BYTES, cut=True)).decode(errors="replace")
        return ""


def _next(url: str, answer: httpx2.Response) -> str:
    """Where a redirect leads. Raises ValueError (InvalidURL) for what is no address."""
    return str(httpx2.URL(url).join(answer.headers["Location"]))
