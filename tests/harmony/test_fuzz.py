"""The tolerant parser on mutated and random ids: it never raises, keeps every id, tells alike in any chunks.

`make test-conformance` runs a million sequences, the default suite some thousands.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from cadenza.harmony import (
    Header,
    Message,
    MessageFinished,
    MessageStarted,
    Parser,
    Role,
    Special,
    SystemContent,
    TextDelta,
    o200k_harmony,
    render_conversation,
)

CHAT = [
    Message.system(SystemContent()),
    Message.user("What is 6 * 7? naïve 漢字 🤖"),
    Message.assistant("Python knows.", channel="analysis"),
    Message.assistant("print(6 * 7)", channel="analysis", recipient="python", content_type="code"),
    Message.tool("python", "42\n", channel="analysis"),
    Message.assistant('{"n":42}', channel="commentary", recipient="functions.f", content_type="<|constrain|>json"),
    Message.tool("functions.f", "ok"),
    Message.assistant("It is 42.", channel="final"),
]


def mutated(rng: random.Random, ids: list[int]) -> list[int]:
    """A stretch of ids with some cut out, doubled, swapped, replaced, or noise between them."""
    begin = rng.randrange(len(ids))
    found = ids[begin : begin + rng.randint(1, 40)]
    for _ in range(rng.randint(0, 6)):
        at, size = rng.randrange(len(found) + 1), rng.randint(0, 4)
        match rng.randrange(5):
            case 0:
                del found[at : at + size]
            case 1:
                found[at:at] = found[at : at + size]
            case 2:
                found[at : at + size] = reversed(found[at : at + size])
            case 3:
                found[at : at + size] = noise(rng, size)
            case _:
                found[at:at] = noise(rng, 1)
    return found


def noise(rng: random.Random, size: int) -> list[int]:
    kinds = (
        lambda: rng.choice([int(special) for special in Special]),
        lambda: rng.randrange(199_998),
        lambda: rng.randrange(188, 256),  # bytes that are no characters by themselves
        lambda: rng.choice([201_089, 500_000, -1, 2**40]),
    )
    return [rng.choice(kinds)() for _ in range(size)]


def sequences(count: int) -> Iterator[tuple[random.Random, list[int]]]:
    chat = render_conversation(CHAT, o200k_harmony())
    for seed in range(count):
        rng = random.Random(seed)
        yield rng, (mutated(rng, chat) if rng.random() < 0.8 else noise(rng, rng.randint(0, 30)))


def test_nothing_raises_and_nothing_is_lost(request: pytest.FixtureRequest) -> None:
    for rng, ids in sequences(request.config.getoption("sequences")):
        parser = Parser(o200k_harmony(), role=rng.choice((None, *Role)))
        events, at = [], 0
        while at < len(ids):
            size = rng.randint(1, 12)
            events += parser.feed(ids[at : at + size])
            at += size
        events += parser.finish()
        kept: list[int] = []
        texts: list[str] = []
        header: Header | None = None
        for event in events:
            match event:
                case MessageStarted():
                    assert header is None, ids
                    header, texts = event.header, []
                case TextDelta():
                    assert event.header is header, ids
                    texts.append(event.text)
                case MessageFinished():
                    assert header is not None, ids
                    assert event.message == header.message("".join(texts)), ids
                    header = None
                    kept += event.ids
        assert header is None, ids
        assert kept == ids
