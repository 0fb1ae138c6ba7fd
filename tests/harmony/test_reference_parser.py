"""StreamableParser against openai-harmony's, after every token."""

from __future__ import annotations

from functools import cache
from typing import Any

import openai_harmony
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_harmony import HarmonyEncoding as Reference

from cadenza.harmony import (
    BytePairVocabulary,
    Message,
    ParseError,
    Role,
    Special,
    StreamableParser,
    o200k_harmony,
    parse_like_reference,
)


@cache
def vocabulary() -> BytePairVocabulary:
    return o200k_harmony()


def ids(*parts: str | int) -> list[int]:
    return [id for part in parts for id in ([int(part)] if isinstance(part, int) else vocabulary().encode(part))]


HEADER_WORDS = [
    *(
        "assistant",
        "user",
        "tool",
        "functions.f",
        "user:alice",
        " to=functions.f",
        "to=",
        " to=python",
        " json",
        " code",
    ),
    *(" ", "\n", "\u00a0", "\u2003", "\x1c", "\x0b", "analysis", "commentary", "final", "<", "é", "e\u0301", '"', "\\"),
]
bits = st.one_of(
    st.sampled_from([[int(special)] for special in Special]),
    st.sampled_from(HEADER_WORDS).map(ids),
    st.text(max_size=6).map(ids),
    st.sampled_from([[id] for id in (*range(188, 256), 201_088, 201_089, 500_000)]),  # lone bytes, no tokens
    st.integers(0, 199_997).map(lambda id: [id]),
)
whole_headers = st.lists(st.sampled_from(HEADER_WORDS), max_size=4).map(
    lambda words: ids(Special.START, *words, Special.CHANNEL, *words[:2], Special.MESSAGE)
)
sequences = st.lists(bits | whole_headers, max_size=12).map(lambda parts: [id for part in parts for id in part])


def told(parser: Any) -> list[object]:
    """All that a parser shows; both have the same names for it."""
    shown = ("state", "current_role", "current_channel", "current_recipient", "current_content_type", "tokens")
    values: list[object] = [str(getattr(getattr(parser, name), "value", getattr(parser, name))) for name in shown]
    return [*values, parser.current_content, parser.last_content_delta]


def fed(parser: Any, sequence: list[int]) -> list[object]:
    """What a parser shows and says after each token and at the end."""
    seen: list[object] = []
    for step in (*(lambda token=token: parser.process(token) for token in sequence), parser.process_eos):
        try:
            step()
        except (ParseError, openai_harmony.HarmonyError) as error:
            seen.append(str(error))
        seen.append(told(parser))
    return [*seen, [openai_harmony_form(message) for message in parser.messages]]


def openai_harmony_form(message: Message | openai_harmony.Message) -> dict[str, Any]:
    if isinstance(message, openai_harmony.Message):
        message = Message.from_json(
            {**message.to_dict(), "role": message.author.role.value, "name": message.author.name}
        )
    return message.to_json()


@given(sequences, st.sampled_from([None, *Role]), st.booleans())
def test_it_shows_and_says_the_same_after_every_token(
    reference: Reference, sequence: list[int], role: Role | None, strict: bool
) -> None:
    theirs = openai_harmony.StreamableParser(reference, role and openai_harmony.Role(role), strict=strict)
    assert fed(StreamableParser(vocabulary(), role, strict=strict), sequence) == fed(theirs, sequence)


@pytest.mark.parametrize(
    ("sequence", "strict", "said"),
    [
        (ids("hi"), True, "Unexpected EOS while waiting for message header to complete"),
        (
            ids("x", Special.MESSAGE, "a", Special.END, "b"),
            True,
            "Unexpected token 65 while expecting start token 200006",
        ),
        (ids(Special.CHANNEL, Special.MESSAGE), True, "channel marker present but no channel value found in header"),
        (
            ids("a b\u200c c d", Special.MESSAGE),
            True,
            'unexpected tokens remaining in message header: Some("a b\\u{200c}")',
        ),
        ([222, Special.MESSAGE], True, "could not decode header"),
        (
            [222, Special.END],
            False,
            "Could not decode tokens: Invalid utf-8 sequence: invalid utf-8 sequence of 1 bytes from index 0",
        ),
    ],
)
def test_errors_have_the_reference_s_words_and_say_where(sequence: list[int], strict: bool, said: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_like_reference(sequence, vocabulary(), Role.ASSISTANT, strict=strict)
    assert str(caught.value) == said
    assert caught.value.token == [*sequence, None][caught.value.offset]
