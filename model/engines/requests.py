"""Requests for the parts of one turn: the prompt of each is all that came before, which a server's cache reads once.

A connection that breaks is taken up again where it broke, by the ids that have come. What was begun under a schema goes
on without it, as no server can begin a schema in its middle: it is validated afterwards, as everything is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from cadenza.harmony import JsonObject, Provenance, Vocabulary, is_special

from ..engine import Sampled, Sampling
from .dialects import Asked, Came, Dialect
from .http import Away, Connection, Server


def _any(id: int) -> bool:
    return True


@dataclass(slots=True, kw_only=True)
class Requests:
    """prompt: of the turn; limit: tokens that it may have; came: its ids so far, forced ones among them."""

    server: Server
    connection: Connection
    dialect: Dialect
    vocabulary: Vocabulary
    model: str
    prompt: tuple[int, ...]
    sampling: Sampling
    limit: int
    came: list[int] = field(default_factory=list)

    @property
    def room(self) -> int:
        """Tokens that there may still be."""
        return self.limit - len(self.came)

    def force(self, ids: Iterable[int]) -> Iterator[Sampled]:
        """Puts ids there that the model was not asked for, as far as there is room."""
        for id in ids:
            if self.room:
                self.came.append(int(id))
                yield Sampled(int(id), 0.0, Provenance.FORCED)

    def json(self, schema: JsonObject) -> AsyncGenerator[Sampled, None]:
        """A whole body, without the server's own end of it."""
        return self._persistently(self._asked((), schema=schema), lambda id: not is_special(id))

    def tokens(
        self,
        stop: Collection[int],
        *,
        limit: int | None = None,
        accept: Callable[[int], bool] = _any,
        only: Sequence[int] | None = None,
    ) -> AsyncGenerator[Sampled, None]:
        """Up to a token out of `stop`, or to one that is not accepted, which is left out; `limit` of them at most.

        only: the ids that there are to choose from.
        """
        return self._persistently(replace(self._asked(stop, limit=limit), only=only), accept)

    def _asked(self, stop: Collection[int], *, limit: int | None = None, schema: JsonObject | None = None) -> Asked:
        return Asked(
            model=self.model,
            prompt=(),
            sampling=self.sampling,
            stop=frozenset(map(int, stop)),
            limit=self.room if limit is None else min(limit, self.room),
            schema=schema,
        )

    async def _persistently(self, asked: Asked, accept: Callable[[int], bool]) -> AsyncGenerator[Sampled, None]:
        """Attempts again where the server went away."""
        failed, left = 0, asked.limit
        while left > 0:
            known = len(self.came)
            try:
                now = replace(asked, prompt=[*self.prompt, *self.came], limit=left)
                async with aclosing(self._attempt(now, accept)) as tokens:
                    async for token in tokens:
                        yield token
                return
            except Away as error:
                new = len(self.came) - known
                failed, left = 1 if new else failed + 1, left - new
                await self.server.wait(error, failed)
                if new:
                    asked = replace(asked, schema=None)

    async def _attempt(self, asked: Asked, accept: Callable[[int], bool]) -> AsyncGenerator[Sampled, None]:
        """One request. Raises ModelError, and Away where another attempt may do better.

        The limit is kept here too, whatever the server does.
        """
        count, full = 0, len(self.came) + asked.limit
        async with aclosing(self.connection.events(self.dialect.path, self.dialect.body(asked))) as events:
            async for event in events:
                came = self._read(event, count)
                count += len(came.ids)
                for id, logprob in zip(came.ids, came.logprobs, strict=True):
                    if not accept(id):
                        return
                    self.came.append(id)
                    yield Sampled(id, logprob)
                    if id in asked.stop or len(self.came) == full:
                        return
                if came.finished:
                    if (
                        came.stop is not None and came.stop in asked.stop
                    ):  # a server that keeps its stop token to itself
                        self.came.append(came.stop)
                        yield Sampled(came.stop, 0.0)
                    return
        raise Away("the answer broke off")

    def _read(self, event: dict[str, object], before: int) -> Came:
        try:
            came = self.dialect.read(event, before, self.vocabulary)
            if not all(isinstance(id, int) for id in came.ids):
                raise TypeError
            return came
        except ValueError as error:
            raise self.server.wrong(error) from None
        except (LookupError, TypeError, AttributeError):
            raise self.server.wrong(f"the answer is no completion: {str(event)[:100]!r}") from None
