"""A server that takes and gives token ids: vLLM's `/v1/completions`, and what speaks like it.

- Prompts go in as ids and ids come out, stop tokens included. No text is rendered or read on the way.
- A server masks bodies and not turns: a header is sampled and read first, and the message that it begins is asked for
  under its schema (`structured_outputs`). A schema never touches reasoning, and the header never the schema. The stop
  token of such a message is forced, since a server knows one end of JSON only.
- Each part of a turn is a request whose prompt is all that came before: the server's prefix cache reads it once.
- A connection that breaks is taken up again where it broke, by the ids that have come. What was begun under a schema
  goes on without it, as no server can begin a schema in its middle: it is validated afterwards, as everything is.

Source: the OpenAI-compatible server of vLLM 0.32 (`return_token_ids`, `structured_outputs`).
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import httpx2

from cadenza.harmony import (
    FINAL_ANSWER,
    Channel,
    Provenance,
    Role,
    Special,
    TurnEnd,
    TurnGrammar,
    Vocabulary,
    is_call,
    is_special,
    o200k_harmony,
    parse,
)

from ..engine import Capabilities, Sampled, Sampling
from ..errors import ModelError

_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_WAIT: Final = 20.0  # seconds between two attempts


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionsEngine:
    """base_url: such as http://127.0.0.1:8000/v1; name: as the server calls the model; context: tokens in all.

    api_key: sent as a bearer token; timeout: seconds without a sign of life; retries: attempts after a failed one.
    """

    base_url: str
    name: str
    context: int = 131_072
    api_key: str | None = field(default=None, repr=False)
    timeout: float = 300.0
    retries: int = 4
    vocabulary: Vocabulary = field(default_factory=o200k_harmony)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(mask="body", context=self.context)

    async def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        stop: frozenset[int],
        limit: int,
        constraint: TurnGrammar | None = None,
    ) -> AsyncGenerator[Sampled, None]:
        """Raises ModelError for a prompt that is too long; for a server that refuses, stays away or gives no ids."""
        limit = min(limit, self.context - len(prompt))
        if not prompt or limit <= 0:
            raise ModelError(f"the prompt has {len(prompt)} tokens; {self.name} takes 1 to {self.context - 1}")
        schemas = {end.label: end for end in constraint.ends if end.schema is not None} if constraint else {}
        headers = {} if self.api_key is None else {"Authorization": f"Bearer {self.api_key}"}
        async with httpx2.AsyncClient(timeout=self.timeout, headers=headers, trust_env=False) as client:
            request = _Request(self, client, tuple(prompt), sampling, limit)
            tokens = request.turn(stop, schemas) if schemas else request.tokens(stop)
            async with aclosing(tokens):
                async for token in tokens:
                    yield token

    async def close(self) -> None:
        """There is nothing to free: each turn has a connection of its own."""


@dataclass(slots=True)
class _Request:
    """A turn on its way. came: the ids that it has so far."""

    engine: CompletionsEngine
    client: httpx2.AsyncClient
    prompt: tuple[int, ...]
    sampling: Sampling
    limit: int
    came: list[int] = field(default_factory=list)

    async def turn(self, stop: frozenset[int], schemas: dict[str, TurnEnd]) -> AsyncGenerator[Sampled, None]:
        """Headers, and each message as its header says."""
        while len(self.came) < self.limit:
            async with aclosing(self.tokens(stop | {Special.MESSAGE})) as header:
                async for token in header:
                    yield token
            if self.came[-1:] != [Special.MESSAGE]:
                return
            end = schemas.get(self._label())
            async with aclosing(self.tokens(stop | {Special.END}) if end is None else self._json(end)) as message:
                async for token in message:
                    yield token
            if self.came[-1:] != [Special.END]:
                return

    async def _json(self, end: TurnEnd) -> AsyncGenerator[Sampled, None]:
        """A message under its schema, and the token that ends it."""
        async with aclosing(self.tokens(frozenset(), end)) as body:
            async for token in body:
                yield token
        if len(self.came) < self.limit:
            self.came.append(int(end.stop))
            yield Sampled(int(end.stop), 0.0, Provenance.FORCED)

    def _label(self) -> str:
        """What the header that was sampled last begins, read as leniently as the run will read it."""
        message = parse([*self.came, int(Special.END)], self.engine.vocabulary, role=Role.ASSISTANT)[-1].message
        if is_call(message):
            return message.recipient or ""
        return FINAL_ANSWER if message.channel == Channel.FINAL else ""

    async def tokens(self, stop: frozenset[int], end: TurnEnd | None = None) -> AsyncGenerator[Sampled, None]:
        """Up to a token out of `stop`, or a whole body without any. Attempts again where the server went away."""
        failed = 0
        while True:
            known = len(self.came)
            try:
                async with aclosing(self._attempt(stop, end)) as tokens:
                    async for token in tokens:
                        yield token
                return
            except _Away as error:
                failed = 1 if len(self.came) > known else failed + 1
                if failed > self.engine.retries:
                    raise ModelError(f"{self.engine.base_url}: {error}; {failed} attempts failed") from None
                if len(self.came) > known:
                    end = None
                await anyio.sleep(error.wait or min(_LONGEST_WAIT, 0.25 * 2**failed))

    async def _attempt(self, stop: frozenset[int], end: TurnEnd | None) -> AsyncGenerator[Sampled, None]:
        """One request. Raises ModelError, and _Away where another attempt may do better."""
        try:
            async with self.client.stream(
                "POST", f"{self.engine.base_url}/completions", json=self._body(stop, end)
            ) as answer:
                if answer.status_code != httpx2.codes.OK:
                    raise _refusal(self.engine, answer, await answer.aread())
                finished = False
                async for event in httpx2.EventSource(answer):
                    if event.data == "[DONE]":
                        break
                    choice = _choice(self.engine, event.data)
                    for token in _sampled(self.engine, choice):
                        if end is not None and is_special(token.id):
                            continue  # the server's own end of the body
                        self.came.append(token.id)
                        yield token
                        if token.id in stop:
                            return
                    finished = finished or choice.get("finish_reason") is not None
                    if choice.get("finish_reason") == "stop" and end is None and choice.get("stop_reason") in stop:
                        self.came.append(choice["stop_reason"])  # a server that keeps its stop token to itself
                        yield Sampled(choice["stop_reason"], 0.0)
                if not finished:
                    raise _Away("the answer broke off")
        except (httpx2.TransportError, httpx2.StreamError, httpx2.SSEError) as error:
            raise _Away(f"{type(error).__name__}: {error}".rstrip(": ")) from None

    def _body(self, stop: frozenset[int], end: TurnEnd | None) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.engine.name,
            "prompt": [*self.prompt, *self.came],
            "max_tokens": self.limit - len(self.came),
            "seed": self.sampling.seed,
            "stop_token_ids": sorted(map(int, stop)),
            "include_stop_str_in_output": True,
            "skip_special_tokens": False,
            "return_token_ids": True,
            "logprobs": 0,
            "stream": True,
        }
        for key in ("temperature", "top_p"):
            if (value := getattr(self.sampling, key)) is not None:
                body[key] = value
        if end is not None:
            body["structured_outputs"] = {"json": end.schema}
        return body


class _Away(Exception):  # noqa: N818 - an outcome
    """The server does not answer now. wait: seconds that it asks for."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


def _refusal(engine: CompletionsEngine, answer: httpx2.Response, content: bytes) -> Exception:
    said = content.decode(errors="replace")
    try:
        told = json.loads(said)
        said = str(told.get("error", told).get("message", said))
    except (ValueError, AttributeError):
        pass
    line = f"{answer.status_code}: {' '.join(said.split())[:300]}"
    if answer.status_code in _BUSY:
        after = answer.headers.get("Retry-After", "")
        return _Away(line, min(_LONGEST_WAIT, float(after)) if after.isdigit() else 0.0)
    return ModelError(f"{engine.base_url}: {line}")


def _choice(engine: CompletionsEngine, data: str) -> dict[str, Any]:
    """The one choice of an event; nothing for one that only counts tokens. Raises ModelError."""
    try:
        told = json.loads(data)
        if isinstance(error := told.get("error"), dict):
            raise ModelError(f"{engine.base_url}: {' '.join(str(error.get('message', error)).split())[:300]}")
        choices = told.get("choices") or [{}]
        choice: dict[str, Any] = choices[0]
        return choice
    except (ValueError, AttributeError, LookupError, TypeError):
        raise ModelError(f"{engine.base_url}: the answer is no completion: {data[:100]!r}") from None


def _sampled(engine: CompletionsEngine, choice: dict[str, Any]) -> list[Sampled]:
    ids = choice.get("token_ids")
    if ids is None and choice.get("text"):
        raise ModelError(f"{engine.base_url}: the server gives no token ids (vLLM does, from 0.10.2 on)")
    logprobs = (choice.get("logprobs") or {}).get("token_logprobs") or []
    padded = [*logprobs, *[None] * len(ids or ())]
    return [Sampled(id, float(logprob or 0.0)) for id, logprob in zip(ids or (), padded, strict=False)]
