"""What all engines on a server share: a request whose answer is a stream of events, attempts, and what goes wrong."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import httpx2

from ..errors import ModelError

_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_WAIT: Final = 20.0  # seconds between two attempts


class Away(Exception):  # noqa: N818 - an outcome
    """The server does not answer now, and may answer another attempt. wait: seconds that it asks for."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """base_url: such as http://127.0.0.1:8000/v1; api_key: sent as a bearer token.

    timeout: seconds without a sign of life; retries: attempts after a failed one.
    """

    base_url: str
    api_key: str | None = field(default=None, repr=False)
    timeout: float = 300.0
    retries: int = 4

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection, None]:
        """Raises ModelError for a key that no header can hold: what would be said of it there has the key in it."""
        if self.api_key is not None and not re.fullmatch("[!-~]+", self.api_key):
            raise self.wrong("the API key has characters that no key has, such as a line break at its end")
        headers = {} if self.api_key is None else {"Authorization": f"Bearer {self.api_key}"}
        async with httpx2.AsyncClient(timeout=self.timeout, headers=headers, trust_env=False) as client:
            yield Connection(self, client)

    async def wait(self, error: Away, failed: int) -> None:
        """Before another attempt, after so many that failed. Raises ModelError after too many."""
        if failed > self.retries:
            raise self.wrong(f"{error}; {failed} attempts failed") from None
        await anyio.sleep(error.wait or min(_LONGEST_WAIT, 0.25 * 2**failed))

    def wrong(self, said: object) -> ModelError:
        """What a server says, as one line."""
        return ModelError(f"{self.base_url}: {' '.join(str(said).split())[:300]}")


@dataclass(slots=True)
class Connection:
    server: Server
    client: httpx2.AsyncClient

    async def events(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """One attempt: the JSON objects that the server sends, up to its end.

        Raises ModelError for a refusal and for what is no JSON; Away where another attempt may do better.
        """
        try:
            async with self.client.stream("POST", f"{self.server.base_url}{path}", json=body) as answer:
                streams = answer.headers.get("Content-Type", "").lower().startswith("text/event-stream")
                if answer.status_code != httpx2.codes.OK or not streams:
                    raise self._refusal(answer, await answer.aread())
                async for event in httpx2.EventSource(answer):
                    if event.data == "[DONE]":
                        return
                    yield self._object(event.data)
        except (httpx2.RequestError, httpx2.StreamError) as error:
            raise Away(f"{type(error).__name__}: {error}".rstrip(": ")) from None

    def _object(self, data: str) -> dict[str, Any]:
        told = _read(data)
        if not isinstance(told, dict):
            raise self.server.wrong(f"the answer is no JSON object: {data[:100]!r}")
        if told.get("error"):
            raise self.server.wrong(_reason(data))
        return told

    def _refusal(self, answer: httpx2.Response, content: bytes) -> Exception:
        line = f"{answer.status_code}: {_reason(content.decode(errors='replace'))}".rstrip(": ")
        if answer.status_code in _BUSY:
            after = answer.headers.get("Retry-After", "")
            return Away(line, min(_LONGEST_WAIT, float(after)) if after.isdecimal() else 0.0)
        return self.server.wrong(line)


def _read(data: str) -> Any:
    """JSON, and None for what is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _reason(data: str) -> str:
    """Why a server refuses: its message, where servers put one, or all that it says."""
    told = _read(data)
    error = (told.get("error") or told) if isinstance(told, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return message if message and isinstance(message, str) else data
