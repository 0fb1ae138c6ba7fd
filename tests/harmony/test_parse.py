"""The parser: strict where asked, otherwise it never raises and never loses a token."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.harmony import (
    BytePairVocabulary,
    Header,
    HeaderShown,
    Message,
    MessageFinished,
    MessageStarted,
    ParseError,
    Parser,
    Provenance,
    Repair,
    Role,
    Special,
    TextDelta,
    Transcript,
    o200k_harmony,
    parse,
    render,
    render_conversation,
)


@cache
def vocabulary() -> BytePairVocabulary:
    return o200k_harmony()


def ids(*parts: str | int) -> list[int]:
    return [id for part in parts for id in ([part] if isinstance(part, int) else vocabulary().encode(part))]


START, CHANNEL, MESSAGE, END = Special.START, Special.CHANNEL, Special.MESSAGE, Special.END
CONSTRAIN = Special.CONSTRAIN
text = st.text(max_size=30) | st.sampled_from(["<|end|>", "naïve 🎉\n", "<|start|>assistant", " "])
messages = st.one_of(
    st.builds(Message.user, text),
    st.builds(Message.assistant, text, channel=st.sampled_from(["analysis", "commentary", "final"])),
    st.builds(
        Message.assistant,
        text,
        channel=st.sampled_from(["analysis", "commentary"]),
        recipient=st.sampled_from(["python", "functions.f", "browser.search"]),
        content_type=st.sampled_from([None, "code", "<|constrain|>json"]),
    ),
    st.builds(Message.tool, st.sampled_from(["python", "functions.f"]), text, channel=st.sampled_from(["analysis"])),
)
noise = st.lists(
    st.sampled_from([*map(int, Special), 250, 35644, 13, 200018, 201088, 500_000, -1]) | st.integers(0, 199_997),
    max_size=25,
)


@given(st.lists(messages, max_size=5))
def test_what_is_rendered_parses_back_strictly(conversation: list[Message]) -> None:
    rendered = render_conversation(conversation, vocabulary())
    parsed = parse(rendered, vocabulary(), strict=True)
    assert [each.message for each in parsed] == conversation
    assert [id for each in parsed for id in each.ids] == rendered
    assert [id for each in parsed for id in render(each.message, vocabulary())] == rendered


@given(noise, st.sampled_from([None, Role.ASSISTANT]), st.data())
def test_any_ids_in_any_chunks_are_kept_and_told_alike(
    sequence: list[int], role: Role | None, data: st.DataObject
) -> None:
    whole = parse(sequence, vocabulary(), role=role)
    assert [id for each in whole for id in each.ids] == sequence
    parser, events, rest = Parser(vocabulary(), role=role), [], sequence
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        events += parser.feed(rest[:size])
        rest = rest[size:]
    events += parser.finish()
    assert [event for event in events if isinstance(event, MessageFinished)] == whole
    joined = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert joined == "".join(each.message.text for each in whole)


@pytest.mark.parametrize(
    ("sequence", "repair", "message"),
    [
        (
            ids("user", MESSAGE, "hi", END),
            Repair.MISSING_START,
            Message.user("hi"),
        ),
        (
            ids(START, "assistant", CHANNEL, "final", "I cannot", END),
            Repair.MISSING_MESSAGE,
            Message.assistant("I cannot", channel="final"),
        ),
        (
            ids(START, "assistant", CHANNEL, "final", MESSAGE, "a", START, "user", MESSAGE, "b", END),
            Repair.MISSING_END,
            Message.assistant("a", channel="final"),
        ),
        (
            ids(START, CHANNEL, "final", MESSAGE, "a", END),
            Repair.MISSING_ROLE,
            Message.assistant("a", channel="final"),
        ),
        (
            ids(START, "assistant", CHANNEL, MESSAGE, "a", END),
            Repair.LONE_MARKER,
            Message(role=Role.ASSISTANT, content=Message.user("a").content),
        ),
        (
            ids(START, "assistant", CHANNEL, "final one two", MESSAGE, "a", END),
            Repair.EXTRA_HEADER_WORDS,
            Message.assistant("a", channel="final", content_type="one"),
        ),
        (
            ids(START, "assistantassistant", CHANNEL, "final", MESSAGE, "a", END),
            Repair.DOUBLED_ROLE,
            Message.assistant("a", channel="final"),
        ),
        (
            ids(START, "assistant", CHANNEL, "commentary? to=functions.f code", MESSAGE, "{}", Special.CALL),
            Repair.CHANNEL_NAME,
            Message.assistant("{}", channel="commentary", recipient="functions.f", content_type="code"),
        ),
        (
            ids(START, "assistant", CHANNEL, "commentary functions.f ", CONSTRAIN, "json", MESSAGE, "{}", Special.CALL),
            Repair.RECIPIENT_WITHOUT_TO,
            Message.assistant("{}", channel="commentary", recipient="functions.f", content_type="<|constrain|>json"),
        ),
        (
            ids(START, "assistant to=functions.f<|channel|>commentary json", MESSAGE, "{}", Special.CALL),
            Repair.SPELLED_MARKER,
            Message.assistant("{}", channel="commentary", recipient="functions.f", content_type="json"),
        ),
        (
            ids(
                START,
                "assistant",
                CHANNEL,
                "analysis to=functions.f",
                CHANNEL,
                "commentary",
                MESSAGE,
                "1",
                Special.CALL,
            ),
            Repair.EXTRA_HEADER_WORDS,
            Message.assistant("1", channel="analysis", recipient="functions.f"),
        ),
        (
            ids(
                START,
                "assistant",
                CHANNEL,
                "commentary to=functions.f code ",
                CONSTRAIN,
                "json",
                MESSAGE,
                "{}",
                Special.CALL,
            ),
            Repair.EXTRA_HEADER_WORDS,
            Message.assistant("{}", channel="commentary", recipient="functions.f", content_type="<|constrain|>json"),
        ),
        (
            ids(START, START, "assistant", CHANNEL, "final", MESSAGE, "a", END),
            Repair.EXTRA_HEADER_WORDS,
            Message.assistant("a", channel="final"),
        ),
        (
            ids(START, "assistant", CHANNEL, "final 2?", MESSAGE, "a", END),
            Repair.EXTRA_HEADER_WORDS,
            Message.assistant("a", channel="final"),
        ),
        (
            ids(START, "assistant", CHANNEL, "final", CHANNEL, "final", MESSAGE, "a", END),
            Repair.EXTRA_HEADER_WORDS,
            Message.assistant("a", channel="final"),
        ),
        (
            ids(START, "assistant", CHANNEL, "analysis to=python code", MESSAGE, "1", END),
            Repair.CALL_END,
            Message.assistant("1", channel="analysis", recipient="python", content_type="code"),
        ),
        (
            ids(START, "assistant", CHANNEL, "commentary to=functions.f", MESSAGE, "{}", Special.RETURN),
            Repair.CALL_END,
            Message.assistant("{}", channel="commentary", recipient="functions.f"),
        ),
        (
            ids(START, "assistant", CHANNEL, "commentary  I am\nsorry. ", END),
            Repair.MISSING_MESSAGE,
            Message.assistant("I am\nsorry. ", channel="commentary"),
        ),
        (
            ids(START, "assistant", " Just talk", END),
            Repair.MISSING_MESSAGE,
            Message(role=Role.ASSISTANT, content=Message.user(" Just talk").content),
        ),
        (
            ids(START, "user", MESSAGE, "a", 500_000, END),
            Repair.UNKNOWN_TOKEN,
            Message.user("a\N{REPLACEMENT CHARACTER}"),
        ),
    ],
)
def test_each_repair_is_named_and_strict_refuses(sequence: list[int], repair: Repair, message: Message) -> None:
    first = parse(sequence, vocabulary())[0]
    assert first.repairs == (repair,)
    assert first.message == message
    with pytest.raises(ParseError) as caught:
        parse(sequence, vocabulary(), strict=True)
    assert 0 <= caught.value.offset < len(sequence)


@pytest.mark.parametrize("constrain", [CONSTRAIN, None])
@pytest.mark.parametrize("blank", [" ", ""])
@pytest.mark.parametrize("form", ["json", "code", ""])
@pytest.mark.parametrize("channel", ["analysis", "commentary", "final"])
def test_a_call_s_recipient_is_found_in_every_spelling(
    channel: str, form: str, blank: str, constrain: Special | None
) -> None:
    if not form or (constrain is None and not blank):
        constrain, blank = None, " "
    end = ids(blank, *([constrain] if constrain else []), form, MESSAGE, "{}", Special.CALL)
    for begin in (
        ids(START, "assistant", CHANNEL, f"{channel} to=functions.f"),
        ids(START, "assistant", CHANNEL, f"{channel} functions.f"),
    ):
        (call,) = parse([*begin, *end], vocabulary())
        assert (call.message.channel, call.message.recipient) == (channel, "functions.f")
        assert (call.message.content_type or "").removeprefix("<|constrain|>") == form


def test_text_between_messages_is_a_message_of_its_own() -> None:
    final = ids(START, "assistant", CHANNEL, "final", MESSAGE, "a", END)
    first, between, last = parse([*final, *ids(" Well then"), *final], vocabulary())
    assert first.message == last.message == Message.assistant("a", channel="final")
    assert between.message.text == " Well then"
    assert between.repairs == (Repair.MISSING_START, Repair.MISSING_MESSAGE)


def test_channel_and_recipient_are_told_as_soon_as_the_header_shows_them() -> None:
    parser, told = Parser(vocabulary()), []
    parts = [CHANNEL, "commentary", " to=functions.", "get_weather ", CONSTRAIN, "json", MESSAGE, "{}"]
    for part in parts:
        told.append([event for event in parser.feed(ids(part)) if not isinstance(event, TextDelta)])
    header = Header(
        role=Role.ASSISTANT, channel="commentary", recipient="functions.get_weather", content_type="<|constrain|>json"
    )
    assert told == [
        [],
        [],
        [HeaderShown("commentary", None)],
        [HeaderShown("commentary", "functions.get_weather")],
        [],
        [],
        [MessageStarted(header)],
        [],
    ]


def test_a_header_without_an_end_takes_linear_time() -> None:
    parser = Parser(vocabulary())
    for _ in range(20):
        parser.feed(ids(CHANNEL, "final", " to=a" * 5000))
    (event,) = (event for event in parser.finish() if isinstance(event, MessageFinished))
    assert (event.repairs, len(event.ids)) == (
        (Repair.MISSING_MESSAGE,),
        20 * len(ids(CHANNEL, "final", " to=a" * 5000)),
    )
    (whole,) = parse(ids(START, "assistant", CHANNEL, "final", " to=a" * 100_000, MESSAGE, "x", END), vocabulary())
    assert (whole.message.recipient, whole.message.text) == ("a", "x")


def test_a_parse_error_carries_offset_state_and_token() -> None:
    with pytest.raises(ParseError, match=r"at token 1 \(id 200007\), while reading the header") as caught:
        parse(ids(START, END), vocabulary(), strict=True)
    assert (caught.value.offset, caught.value.state, caught.value.token) == (1, "header", END)
    whole = ids(START, "user", MESSAGE, "a", END)
    for sequence, where in (
        ([*whole, *ids("b")], (len(whole), "start", *ids("b"))),
        ([*whole[:-1], *ids(" few words"), -1, END], (len(whole) + 1, "text", -1)),
    ):
        with pytest.raises(ParseError) as caught:
            parse(sequence, vocabulary(), strict=True)
        assert (caught.value.offset, caught.value.state, caught.value.token) == where


def test_a_recipient_is_read_in_either_part_of_the_header() -> None:
    ours = ids(START, "assistant", CHANNEL, "commentary to=functions.f ", Special.CONSTRAIN, "json", MESSAGE, "{}")
    theirs = ids(START, "assistant to=functions.f", CHANNEL, "commentary ", Special.CONSTRAIN, "json", MESSAGE, "{}")
    assert parse(ours, vocabulary())[0].message == parse(theirs, vocabulary())[0].message


def test_a_tool_named_tool_keeps_its_name() -> None:
    result = Message.tool("tool", "there is no such tool")
    rendered = render(result, vocabulary())
    (parsed,) = parse(rendered, vocabulary(), strict=True)
    assert parsed.message == result
    assert render(parsed.message, vocabulary()) == rendered


def test_a_transcript_only_appends_until_it_is_renewed() -> None:
    transcript = Transcript(vocabulary(), [Message.user("1?")])
    before = transcript.prompt()
    sampled = ids(CHANNEL, "analysis", MESSAGE, "hm", END, START, "assistant", CHANNEL, "final", MESSAGE, "one")
    transcript.extend([*sampled, Special.RETURN], Provenance.SAMPLED)
    assert transcript.ids == (*before, *sampled, Special.RETURN)
    kept = transcript.copy()
    assert kept.renew("keep_all") == len(transcript.ids) - 1
    assert kept.ids == (*before, *sampled, END)
    surviving = transcript.renew("per_turn")
    assert [each.message.text for each in parse(transcript.ids, vocabulary())] == ["1?", "one"]
    assert transcript.ids[:surviving] == kept.ids[:surviving]
    assert transcript.spans[-1].end == len(transcript.ids)
