"""The way to a server at an address, on which no message is read beyond its size limit, whatever is sent.

The SDK sees to events; other bodies it would read to their end. None may be packed: a few bytes could be terabytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2
from mcp.client.streamable_http import streamable_http_client

from .process import MESSAGE_BYTES

CONNECT_SECONDS: Final = 30.0
"""For an address to be reached."""
_TOO_LARGE: Final = f"it sends a message of more than {MESSAGE_BYTES:,} bytes"
_PACKED: Final = "it sends a packed message, which was not asked for"
_BREACHES: Final = {
    _TOO_LARGE: _TOO_LARGE,
    _PACKED: _PACKED,
    f"event exceeded the {MESSAGE_BYTES} byte limit": _TOO_LARGE,  # the SDK's word
}


@asynccontextmanager
async def streams(
    url: str, headers: Mapping[str, str], heard: Callable[[httpx2.Response], Awaitable[None]]
) -> AsyncIterator[Any]:
    """The SDK's. heard: is given each answer before its body is read."""
    timeout = httpx2.Timeout(CONNECT_SECONDS, read=None)  # a call has its own
    async with (
        httpx2.AsyncClient(
            headers={"Accept-Encoding": "identity", **headers},
            timeout=timeout,
            event_hooks={"response": [heard, _limit]},
        ) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=MESSAGE_BYTES) as opened,
    ):
        yield opened


def breach(message: str) -> str:
    """What a server sent against the rules here, if that is what an error of the SDK's is about: it keeps the text."""
    return next((told for part, told in _BREACHES.items() if part in message), "")


async def _limit(response: httpx2.Response) -> None:
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    is_events = response.headers.get("Content-Type", "").lower().startswith("text/event-stream")
    is_packed = response.headers.get("Content-Encoding", "identity").lower() != "identity"
    response.stream = _Limited(response.stream, is_events=is_events, is_packed=is_packed)


class _Limited(httpx2.AsyncByteStream):
    """A body. Raises what the SDK expects of one, so that a call is answered by it."""

    def __init__(self, stream: httpx2.AsyncByteStream, *, is_events: bool, is_packed: bool) -> None:
        self._stream, self._is_events, self._is_packed = stream, is_events, is_packed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if self._is_packed:
                raise httpx2.SSEError(_PACKED) if self._is_events else httpx2.StreamError(_PACKED)
            if size > MESSAGE_BYTES and not self._is_events:
                raise httpx2.StreamError(_TOO_LARGE)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
