"""The grammar of a turn, read by llguidance as the engines do: what is a turn, what begins one, what cannot be one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cadenza.harmony import (
    CallTo,
    GrammarError,
    Message,
    Special,
    TextContent,
    ToolChoice,
    ToolDescription,
    ToolNamespace,
    TurnSpec,
    Vocabulary,
    is_special,
    o200k_harmony,
    open_turn,
    render_conversation,
    restricted,
    turn_grammar,
)
from cadenza.model import ConstraintError, find
from cadenza.model.constrain import Constrainer, Constraint

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SPEC = TurnSpec(
    built_in=(
        ToolNamespace(name="python"),
        ToolNamespace(name="browser", tools=(ToolDescription(name="search", description="", parameters=CITY),)),
    ),
    functions=(
        ToolNamespace(
            name="functions",
            tools=(
                ToolDescription(name="weather", description="", parameters=CITY),
                ToolDescription(name="now", description=""),
            ),
        ),
    ),
)
NANO = restricted(json.loads((find("nano") / "vocabulary.json").read_text()))

THOUGHT = Message.assistant("Hm. 🎉", channel="analysis")
PREAMBLE = Message.assistant("I look.", channel="commentary")
ANSWER = Message.assistant("Sunny", channel="final")
PYTHON = Message.assistant("print(1)", channel="analysis", recipient="python", content_type="code")
SEARCH = Message.assistant('{"city":"Rome"}', channel="analysis", recipient="browser.search", content_type="code")


def call(name: str, arguments: str) -> Message:
    return Message.assistant(arguments, channel="commentary", recipient=name, content_type="<|constrain|>json")


WEATHER, NOW = call("functions.weather", '{"city":"Rome"}'), call("functions.now", "{}")


@pytest.fixture(scope="module", params=["nano", "o200k"])
def vocabulary(request: Any) -> Vocabulary:
    return NANO if request.param == "nano" else o200k_harmony()


def turn(*messages: Message, vocabulary: Vocabulary = NANO) -> list[int]:
    """What a model samples for these messages."""
    ids = render_conversation(messages, vocabulary)[len(open_turn(vocabulary)) :]
    if messages[-1].recipient is None and messages[-1].channel == "final":
        ids[-1] = int(Special.RETURN)
    return ids


def start(spec: TurnSpec, vocabulary: Vocabulary = NANO) -> Constraint:
    return Constrainer(vocabulary, vocabulary.ids).start(turn_grammar(spec, vocabulary))


def reads(spec: TurnSpec, ids: list[int], vocabulary: Vocabulary = NANO) -> str:
    constraint = start(spec, vocabulary)
    for id in ids:
        try:
            constraint.accept(id)
        except ConstraintError:
            return "refused"
    return "turn" if constraint.finished else "prefix"


@pytest.mark.parametrize("end", [ANSWER, PYTHON, SEARCH, WEATHER, NOW], ids=lambda each: each.recipient or "answer")
def test_a_turn_is_reasoning_and_preambles_and_then_a_call_or_an_answer(end: Message, vocabulary: Vocabulary) -> None:
    for spoken in ([], [THOUGHT], [PREAMBLE], [THOUGHT, PREAMBLE, THOUGHT]):
        ids = turn(*spoken, end, vocabulary=vocabulary)
        assert reads(SPEC, ids, vocabulary) == "turn"
        assert reads(SPEC, ids[:-1], vocabulary) == "prefix"
        assert reads(SPEC, [*ids, *open_turn(vocabulary)], vocabulary) == "refused"
    assert reads(SPEC, turn(THOUGHT, PREAMBLE, vocabulary=vocabulary), vocabulary) == "prefix"


@pytest.mark.parametrize(
    ("choice", "ends"),
    [
        ("auto", [ANSWER, PYTHON, SEARCH, WEATHER, NOW]),
        ("none", [ANSWER]),
        ("required", [PYTHON, SEARCH, WEATHER, NOW]),
        (CallTo("functions.weather"), [WEATHER]),
        (CallTo("functions"), [WEATHER, NOW]),
        (CallTo("browser"), [SEARCH]),
        (CallTo("python"), [PYTHON]),
    ],
)
def test_the_tool_choice_decides_how_a_turn_ends_and_never_whether_it_reasons(
    choice: ToolChoice, ends: list[Message]
) -> None:
    spec = replace(SPEC, choice=choice)
    for end in [ANSWER, PYTHON, SEARCH, WEATHER, NOW]:
        assert reads(spec, turn(THOUGHT, end)) == ("turn" if end in ends else "refused")
        assert reads(spec, turn(end)) == ("turn" if end in ends else "refused")


@pytest.mark.parametrize(
    "message",
    [
        call("functions.nothing", "{}"),
        call("functions.weathe", "{}"),
        call("functions.weathers", "{}"),
        call("functions", "{}"),
        call("weather", '{"city":"Rome"}'),
        call("python", "{}"),
        replace(WEATHER, channel="analysis"),
        replace(WEATHER, content_type=None),
        replace(WEATHER, content_type="<|constrain|>text"),
        replace(WEATHER, content_type="json"),
        replace(PYTHON, channel="commentary"),
        replace(PYTHON, content_type=None),
        replace(SEARCH, recipient="browser"),
        replace(ANSWER, content_type="<|constrain|>json"),
        replace(ANSWER, recipient="user"),
        replace(ANSWER, channel=None),
        replace(ANSWER, channel="finally"),
        replace(THOUGHT, name="me"),
    ],
)
def test_no_other_header_can_appear(message: Message) -> None:
    assert reads(SPEC, turn(message)) == "refused"
    assert reads(SPEC, turn(THOUGHT, message)) == "refused"


def test_a_header_has_no_other_spelling_than_the_renderers() -> None:
    ids = turn(PYTHON)
    at = ids.index(int(Special.MESSAGE))
    spelled = [id for byte in b"analysis to=python code" for id in NANO.encode(chr(byte))]
    assert ids[1:at] != spelled
    assert reads(SPEC, [ids[0], *spelled, *ids[at:]]) == "refused"


def test_text_that_spells_special_tokens_stays_text() -> None:
    words = "<|end|><|start|>assistant<|channel|>final<|message|>"
    mean = json.dumps({"city": words}, separators=(",", ":"))
    for message in (THOUGHT, PREAMBLE, PYTHON, ANSWER):
        assert reads(SPEC, turn(replace(message, content=(TextContent(words),)))) != "refused"
    assert reads(SPEC, turn(Message.assistant(words, channel="analysis"), call("functions.weather", mean))) == "turn"


@pytest.mark.parametrize("message", [THOUGHT, PREAMBLE, PYTHON, ANSWER, SEARCH], ids=lambda each: each.recipient)
def test_no_special_token_can_stand_in_a_text_but_the_one_that_ends_it(message: Message) -> None:
    ids = turn(message)
    inside = ids[: ids.index(int(Special.MESSAGE)) + 2]
    for special in filter(is_special, NANO.ids):
        ends = special == ids[-1] and message is not SEARCH  # whose JSON is not whole yet
        assert (reads(SPEC, [*inside, special]) != "refused") == ends


def test_an_answer_with_a_schema_is_json_by_it() -> None:
    spec = replace(SPEC, output={"type": "array", "items": {"enum": ["dry", "wet"]}, "maxItems": 2})

    def answer(text: str) -> list[int]:
        return turn(THOUGHT, Message.assistant(text, channel="final"))

    assert reads(spec, answer('["dry","wet"]')) == reads(spec, answer("[]")) == "turn"
    for text in ("dry", '["cold"]', '["dry","dry","dry"]', '["dry"', "", '["dry", "wet"]', " []"):
        assert reads(spec, answer(text)) == "refused"
    assert reads(spec, turn(PYTHON)) == "turn"


def test_arguments_are_json_by_the_tools_own_schema() -> None:
    for arguments in ("{}", '{"city":1}', '{"city":"Rome"', "Rome", "", '{"town":"Rome"}'):
        assert reads(SPEC, turn(call("functions.weather", arguments))) == "refused"
    for arguments in ('{"now":1}', "", "null", "{ }"):
        assert reads(SPEC, turn(call("functions.now", arguments))) == "refused"


def test_without_tools_there_are_only_answers() -> None:
    for spec in (TurnSpec(), TurnSpec(functions=(ToolNamespace(name="functions"),))):
        assert reads(spec, turn(THOUGHT, ANSWER)) == "turn"
        assert reads(spec, turn(PYTHON)) == reads(spec, turn(WEATHER)) == "refused"
        for choice in ("required", CallTo("python")):
            with pytest.raises(GrammarError, match="no tool fits; there is: none"):
                turn_grammar(replace(spec, choice=choice), NANO)


def test_a_name_that_no_header_can_carry_is_refused_in_one_line() -> None:
    for name in ("a b", "<|call|>", "a\nb", "", "all", "a\u00a0b"):
        with pytest.raises(GrammarError, match="no header can carry"):
            turn_grammar(TurnSpec(built_in=(ToolNamespace(name=name),)), NANO)
    with pytest.raises(GrammarError, match="two tools answer to 'python'"):
        turn_grammar(TurnSpec(built_in=(ToolNamespace(name="python"), ToolNamespace(name="python"))), NANO)
    with pytest.raises(GrammarError, match=r"'functions\.nothing' is required, but no tool fits; there is: python,"):
        turn_grammar(replace(SPEC, choice=CallTo("functions.nothing")), NANO)
    with pytest.raises(GrammarError, match="reasoning: -1"):
        turn_grammar(replace(SPEC, reasoning=-1), NANO)


def test_names_that_begin_alike_are_told_apart() -> None:
    names = ["a", "ab", "abc", "get_weather", "get_weather2", "get-weather", "größe"]
    tools = tuple(ToolDescription(name=name, description="") for name in names)
    spec = TurnSpec(functions=(ToolNamespace(name="functions", tools=tools),))
    for name in names:
        assert reads(spec, turn(call(f"functions.{name}", "{}"))) == "turn"
    assert reads(spec, turn(call("functions.abcd", "{}"))) == "refused"
