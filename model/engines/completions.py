"""A server that takes and gives token ids: vLLM, SGLang, llama-server, each in its own dialect.

- Prompts go in as ids and ids come out, stop tokens included. No text is rendered or read on the way.
- A server masks bodies and not turns: a header is sampled and read first, and the message that it begins is asked for
  under its schema. A schema never touches reasoning, and the header never the schema. The stop token of such a message
  is forced, since a server knows one end of JSON only.
- Each part of a turn is a request whose prompt is all that came before: the server's prefix cache reads it once.
- A connection that breaks is taken up again where it broke, by the ids that have come. What was begun under a schema
  goes on without it, as no server can begin a schema in its middle: it is validated afterwards, as everything is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

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
from .dialects import DIALECTS, Asked, Came, Dialect, Speaks
from .http import Away, Connection, Server


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionsEngine:
    """server: where it is; name: as it calls the model; speaks: its dialect; context: tokens in all."""

    server: Server
    name: str
    speaks: Speaks = "vllm"
    context: int = 131_072
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
        async with self.server.connection() as connection:
            turn = _Turn(self, connection, tuple(prompt), sampling, limit)
            tokens = turn.in_parts(stop, schemas) if schemas else turn.tokens(stop)
            async with aclosing(tokens):
                async for token in tokens:
                    yield token

    async def close(self) -> None:
        """There is nothing to free: each turn has a connection of its own."""


@dataclass(slots=True)
class _Turn:
    """came: the ids that it has so far."""

    engine: CompletionsEngine
    connection: Connection
    prompt: tuple[int, ...]
    sampling: Sampling
    limit: int
    came: list[int] = field(default_factory=list)

    async def in_parts(self, stop: frozenset[int], schemas: dict[str, TurnEnd]) -> AsyncGenerator[Sampled, None]:
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
            except Away as error:
                failed = 1 if len(self.came) > known else failed + 1
                await self.engine.server.wait(error, failed)
                if len(self.came) > known:
                    end = None

    async def _attempt(self, stop: frozenset[int], end: TurnEnd | None) -> AsyncGenerator[Sampled, None]:
        """One request. Raises ModelError, and Away where another attempt may do better."""
        dialect = DIALECTS[self.engine.speaks]
        asked = Asked(
            model=self.engine.name,
            prompt=[*self.prompt, *self.came],
            sampling=self.sampling,
            stop=stop,
            limit=self.limit - len(self.came),
            schema=None if end is None else end.schema,
        )
        count = 0
        async with aclosing(self.connection.events(dialect.path, dialect.body(asked))) as events:
            async for event in events:
                came = self._read(dialect, event, count)
                count += len(came.ids)
                for id, logprob in zip(came.ids, came.logprobs, strict=True):
                    if end is not None and is_special(id):
                        continue  # the server's own end of the body
                    self.came.append(id)
                    yield Sampled(id, logprob)
                    if id in stop:
                        return
                if came.finished:
                    if end is None and came.stop in stop:  # a server that keeps its stop token to itself
                        self.came.append(came.stop)
                        yield Sampled(came.stop, 0.0)
                    return
        raise Away("the answer broke off")

    def _read(self, dialect: Dialect, event: dict[str, object], before: int) -> Came:
        try:
            return dialect.read(event, before)
        except ValueError as error:
            raise self.engine.server.wrong(error) from None
        except (LookupError, TypeError, AttributeError):
            raise self.engine.server.wrong(f"the answer is no completion: {str(event)[:100]!r}") from None
