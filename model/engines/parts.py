"""A turn on a server that masks bodies and not turns: message by message, each in requests of its own.

- `held`: a server that can be told which ids may come next. A header is one of those that the grammar has: where it
  leaves one id, that is put there without asking; where the model samples another than those that it leaves, that place
  is asked for once more, among them. To sample freely, and again from what is allowed if it was not, is to sample from
  what is allowed. A body is asked for under its schema, or as text up to the token that has to end it.
- `read`: any other. A header is sampled and read; the message that it begins is asked for under its schema, if it has
  one. Headers are not held to.

A schema never touches reasoning, and a header never the schema. The end of a message of JSON is forced, since a server
knows one end of JSON only.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from typing import TypeAlias

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
    open_turn,
    parse,
)

from ..engine import Sampled
from .requests import Requests

_Header: TypeAlias = tuple[int, ...]


async def held(turn: Requests, grammar: TurnGrammar, vocabulary: Vocabulary) -> AsyncGenerator[Sampled, None]:
    """Every turn that comes to its end is one of the grammar.

    What is forced at its beginning waits for the server's first word: until then another model may take the turn over.
    """
    waiting: list[Sampled] = []
    heard = False
    async with aclosing(_messages(turn, grammar, vocabulary)) as tokens:
        async for token in tokens:
            heard = heard or token.provenance is not Provenance.FORCED
            waiting.append(token)
            while heard and waiting:
                yield waiting.pop(0)
    for token in waiting:
        yield token


async def _messages(turn: Requests, grammar: TurnGrammar, vocabulary: Vocabulary) -> AsyncGenerator[Sampled, None]:
    ends = {end.header: end for end in grammar.ends}
    reasoning = grammar.spec.reasoning
    while True:
        headers = [*ends, grammar.preamble, *([grammar.analysis] if reasoning is None or reasoning > 0 else [])]
        begin = len(turn.came)
        async with aclosing(_header(turn, headers)) as tokens:
            async for token in tokens:
                yield token
        header, begin = tuple(turn.came[begin:]), len(turn.came)
        if header not in headers:
            return  # the limit cut it short
        end = ends.get(header)
        budget = reasoning if header == grammar.analysis else None
        async with aclosing(_body(turn, end, budget)) as tokens:
            async for token in tokens:
                yield token
        if end is not None or not turn.room:
            return
        if budget is not None:
            reasoning = budget - (len(turn.came) - begin)
        for token in turn.force(open_turn(vocabulary)):
            yield token


async def _header(turn: Requests, headers: Collection[_Header]) -> AsyncGenerator[Sampled, None]:
    """One of the headers."""
    header: _Header = ()

    def allowed() -> set[int]:
        return {each[len(header)] for each in headers if each[: len(header)] == header}

    freely = True
    while header not in headers and turn.room:
        choice, before = allowed(), header
        if len(choice) == 1:
            header, freely = (*header, *choice), True
            for token in turn.force(choice):
                yield token
            continue
        only = None if freely else sorted(choice)
        longest = max(map(len, headers)) - len(header)
        tokens = turn.tokens((), limit=longest if freely else 1, accept=lambda id: id in allowed(), only=only)
        async with aclosing(tokens):
            async for token in tokens:
                header += (token.id,)
                yield token
                if header in headers:
                    return
        if not freely and header == before:
            raise turn.server.wrong("it was told which token ids may come, and gave another")
        freely = not freely


async def _body(turn: Requests, end: TurnEnd | None, budget: int | None) -> AsyncGenerator[Sampled, None]:
    """A message's text and the token that ends it. budget: tokens of text, None for any number."""
    stop = Special.END if end is None else end.stop
    if end is not None and end.schema is not None:
        tokens = turn.json(end.schema)
    else:
        tokens = turn.tokens({stop}, limit=budget, accept=lambda id: id == stop or not is_special(id))
    begin = len(turn.came)
    async with aclosing(tokens):
        async for token in tokens:
            yield token
    if len(turn.came) == begin or turn.came[-1] != stop:
        for token in turn.force([stop]):
            yield token


async def read(
    turn: Requests, grammar: TurnGrammar, vocabulary: Vocabulary, stop: Collection[int]
) -> AsyncGenerator[Sampled, None]:
    """What a header begins is held to its schema, whatever the header."""
    schemas = {end.label: end for end in grammar.ends if end.schema is not None}
    while turn.room:
        async with aclosing(turn.tokens({*stop, Special.MESSAGE} if schemas else stop)) as header:
            async for token in header:
                yield token
        if turn.came[-1:] != [Special.MESSAGE]:
            return
        end = schemas.get(_label(turn.came, vocabulary))
        tokens = turn.tokens({*stop, Special.END}) if end is None else _body(turn, end, None)
        async with aclosing(tokens):
            async for token in tokens:
                yield token
        if turn.came[-1:] != [Special.END]:
            return


def _label(came: Sequence[int], vocabulary: Vocabulary) -> str:
    """What the header that was sampled last begins, read as leniently as the run will read it."""
    message = parse([*came, int(Special.END)], vocabulary, role=Role.ASSISTANT)[-1].message
    if is_call(message):
        return message.recipient or ""
    return FINAL_ANSWER if message.channel == Channel.FINAL else ""
