"""Turns sampled from random weights: whatever the network says, a turn is one of its grammar, or begins one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import anyio
import openai_harmony
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cadenza.harmony import (
    MESSAGE_ENDS,
    TURN_STOP_TOKENS,
    CallTo,
    Message,
    MessageFinished,
    Provenance,
    Role,
    Special,
    ToolDescription,
    ToolNamespace,
    TurnSpec,
    is_special,
    o200k_harmony,
    open_turn,
    parse,
    render,
    render_conversation,
    restricted,
    turn_grammar,
)
from cadenza.model import ConstraintError, ModelConfig, Sampled, Sampling, find
from cadenza.model.checkpoint import Checkpoint
from cadenza.model.constrain import Constrainer, Constraint
from cadenza.model.engines.torch import TorchEngine
from cadenza.model.sampler import Sampler
from cadenza.model.transformer import Transformer, generate

IDS = tuple(json.loads((find("nano") / "vocabulary.json").read_text()))
NANO = restricted(IDS)
ROW = {id: row for row, id in enumerate(IDS)}
PROMPT = open_turn(NANO)


def random_network() -> Transformer:
    """Random weights that like to end what they began: else hardly any string or number would end."""
    config = ModelConfig(
        vocab_size=len(IDS),
        hidden_size=32,
        intermediate_size=32,
        num_layers=2,
        num_heads=2,
        num_kv_heads=1,
        head_dim=16,
        num_experts=2,
        experts_per_token=1,
        sliding_window=16,
    )
    torch.manual_seed(1)
    network = Transformer(config)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    closing = [int(end) for end in MESSAGE_ENDS] + [id for mark in '"}]' for id in NANO.encode(mark)]
    with torch.no_grad():
        network.model.norm.weight.fill_(1)
        network.model.embed_tokens.weight[:, 0] = 3
        network.lm_head.weight[[ROW[id] for id in closing], 0] = 2.2
    return network.eval()


NETWORK = random_network()
ENGINE = TorchEngine(Checkpoint(NETWORK, IDS))


def sample(spec: TurnSpec, *, seed: int = 0, limit: int = 150, temperature: float = 1.0) -> list[Sampled]:
    """A turn. The engine's cache must not matter, so all tests share it."""

    async def run() -> list[Sampled]:
        stream = ENGINE.generate(
            PROMPT,
            Sampling(temperature=temperature, seed=seed),
            stop=TURN_STOP_TOKENS,
            limit=limit,
            constraint=turn_grammar(spec, NANO),
        )
        return [token async for token in stream]

    return anyio.run(run)


def replayed(spec: TurnSpec, sampled: list[Sampled]) -> bool:
    """Whether the turn is whole; fails if a token was not allowed, or was sampled where it is forced or vice versa."""
    constraint = Constrainer(NANO, IDS).start(turn_grammar(spec, NANO))
    at = 0
    while at < len(sampled):
        if forced := constraint.forced(len(sampled) - at):
            run = sampled[at : at + len(forced)]
            assert run == [Sampled(id, 0.0, Provenance.FORCED) for id in forced]
            at += len(run)
        else:
            assert sampled[at].provenance is Provenance.SAMPLED
            assert constraint.allowed.sum() > 1
            constraint.accept(sampled[at].id)
            at += 1
    return constraint.finished


# --- the property -----------------------------------------------------------------------------------------------------

NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,11}", fullmatch=True)


def closed(properties: dict[str, Any], required: bool) -> dict[str, Any]:
    names = list(properties) if required else []
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}


SCALARS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from(
        [{"type": kind} for kind in ("boolean", "null", "integer", "number", "string", ["integer", "null"])]
    ),
    st.integers(0, 8).map(lambda most: {"type": "string", "maxLength": most}),
    st.tuples(st.integers(-99, 99), st.integers(0, 999)).map(
        lambda bounds: {"type": "integer", "minimum": bounds[0], "maximum": sum(bounds)}
    ),
    st.lists(st.text(max_size=6) | st.integers() | st.none(), min_size=1, max_size=3).map(
        lambda values: {"enum": values}
    ),
    st.text(max_size=6).map(lambda value: {"const": value}),
    st.sampled_from([{"type": "string", "pattern": "^[A-Z]{3}-[0-9]{2}$"}, {"type": "string", "format": "date"}]),
)
SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(closed, st.dictionaries(NAMES, inner, max_size=3), st.booleans()),
        st.builds(lambda items, most: {"type": "array", "items": items, "maxItems": most}, inner, st.integers(0, 3)),
        st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=5,
)
ARGUMENTS = st.none() | st.builds(closed, st.dictionaries(NAMES, SCHEMAS, max_size=3), st.booleans())
TOOLS = st.lists(
    st.builds(lambda name, schema: ToolDescription(name=name, description="", parameters=schema), NAMES, ARGUMENTS),
    max_size=3,
    unique_by=lambda tool: tool.name,
).map(tuple)


@st.composite
def specs(draw: st.DrawFn) -> TurnSpec:
    built_in = (ToolNamespace(name="python"),) if draw(st.booleans()) else ()
    if search := draw(TOOLS):
        built_in += (ToolNamespace(name="browser", tools=search),)
    functions = (ToolNamespace(name="functions", tools=draw(TOOLS)),)
    spec = TurnSpec(
        built_in=built_in,
        functions=functions,
        output=draw(st.none() | SCHEMAS),
        reasoning=draw(st.none() | st.integers(0, 20)),
    )
    names = list(schemas(spec))
    choice = draw(st.sampled_from(["auto", "none", *(["required"] if names else []), *map(CallTo, names)]))
    return replace(spec, choice=choice)


def schemas(spec: TurnSpec) -> dict[str, Any]:
    """Recipient -> the schema of its arguments; None for code."""
    empty = {"maxProperties": 0}
    found = {f"{s.name}.{t.name}": t.parameters or empty for s in (*spec.built_in, *spec.functions) for t in s.tools}
    return found | {space.name: None for space in spec.built_in if not space.tools}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(spec=specs(), seed=st.integers(0, 2**32), limit=st.sampled_from([5, 200, 200]))
def test_every_turn_of_random_weights_is_valid_or_a_prefix_of_a_valid_one(
    reference: openai_harmony.HarmonyEncoding, spec: TurnSpec, seed: int, limit: int
) -> None:
    sampled = sample(spec, seed=seed, limit=limit)
    ids = [token.id for token in sampled]
    whole = replayed(spec, sampled)
    assert whole or len(ids) == limit
    messages = parse(ids, NANO, role=Role.ASSISTANT, strict=whole)
    if not whole:
        messages = [message for message in messages if message.ended_by is not None]
    for each in messages:
        assert not each.repairs
        assert header(each) == header_rendered(each.message)
    if not whole:
        return
    theirs = reference.parse_messages_from_completion_tokens(ids, openai_harmony.Role.ASSISTANT)
    assert [Message.from_json(message.to_dict()) for message in theirs] == [each.message for each in messages]
    *spoken, last = [each.message for each in messages]
    assert all(message.recipient is None and message.channel in ("analysis", "commentary") for message in spoken)
    if spec.reasoning == 0:
        assert all(message.channel == "commentary" for message in spoken)
    if last.recipient is None:
        assert (last.channel, messages[-1].ended_by) == ("final", Special.RETURN)
        assert spec.choice in ("auto", "none")
        schema = spec.output
    else:
        assert messages[-1].ended_by == Special.CALL
        assert spec.choice in ("auto", "required", CallTo(last.recipient))
        schema = schemas(spec)[last.recipient]
    if schema is not None:
        Draft202012Validator(schema).validate(json.loads(last.text))


def header(message: MessageFinished) -> list[int]:
    """Ids between `<|start|>assistant` and the text."""
    ids = list(message.ids)
    return ids[len(PROMPT) if ids[0] == Special.START else 0 : ids.index(int(Special.MESSAGE)) + 1]


def header_rendered(message: Message) -> list[int]:
    ids = render(message, NANO)
    return ids[len(PROMPT) : ids.index(int(Special.MESSAGE)) + 1]


# --- what is forced ---------------------------------------------------------------------------------------------------

FIXED = closed({"city": {"const": "größer <|call|>"}, "days": {"const": 12}, "dry": {"const": True}}, required=True)
ONE_TOOL = TurnSpec(
    functions=(
        ToolNamespace(name="functions", tools=(ToolDescription(name="get_weather", description="", parameters=FIXED),)),
    ),
    choice=CallTo("functions.get_weather"),
    reasoning=0,
)
FIXED_CALL = Message.assistant(
    '{"city":"größer <|call|>","days":12,"dry":true}',
    channel="commentary",
    recipient="functions.get_weather",
    content_type="<|constrain|>json",
)


@pytest.mark.parametrize("vocabulary", [NANO, o200k_harmony()], ids=["nano", "o200k"])
def test_what_is_forced_is_what_the_renderer_writes(vocabulary: Any) -> None:
    whole = render(FIXED_CALL, vocabulary)[len(open_turn(vocabulary)) :]
    constraint = Constrainer(vocabulary, vocabulary.ids).start(turn_grammar(ONE_TOOL, vocabulary))
    begun = constraint.forced(100)  # up to the choice between a preamble and the call
    constraint.accept(whole[len(begun)])
    rest = constraint.forced(100)
    assert [*begun, whole[len(begun)], *rest] == whole
    assert len(rest) > 15
    assert constraint.finished
    assert constraint.forced(100) == []


def test_an_engine_takes_forced_tokens_as_such_and_stops_them_at_its_limit() -> None:
    turns = [sample(ONE_TOOL, seed=seed) for seed in range(8)]
    whole = next(turn for turn in turns if turn[-1].id == Special.CALL)
    assert [token.provenance for token in whole[-15:]] == [Provenance.FORCED] * 15
    cut = sample(ONE_TOOL, seed=turns.index(whole), limit=len(whole) - 5)
    assert [(token.id, token.provenance) for token in cut] == [(token.id, token.provenance) for token in whole[:-5]]


# --- masks ------------------------------------------------------------------------------------------------------------

FREE = TurnSpec(built_in=(ToolNamespace(name="python"),), functions=ONE_TOOL.functions)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_masked_turn_is_that_of_the_naive_reference_under_the_same_masks(temperature: float) -> None:
    sampler = Sampler(temperature=temperature, seed=5)
    constraint = Constrainer(NANO, IDS).start(turn_grammar(FREE, NANO))
    logprobs = []

    def pick(logits: torch.Tensor, position: int) -> int:
        row, logprob = sampler.pick(logits.masked_fill(~constraint.allowed, -torch.inf), position)
        constraint.accept(IDS[row])
        logprobs.append(logprob)
        return row

    stop = frozenset(ROW[id] for id in TURN_STOP_TOKENS)
    naive = generate(NETWORK, [ROW[id] for id in PROMPT], pick=pick, stop=stop, limit=40)
    sampled = sample(FREE, seed=5, limit=40, temperature=temperature)
    assert [token.id for token in sampled] == [IDS[row] for row in naive]
    assert [token.logprob for token in sampled] == pytest.approx(logprobs, abs=1e-4)
    assert any(token.logprob < -0.01 for token in sampled) == (temperature > 0)


def test_a_text_allows_any_bytes_that_become_utf8_and_no_special_token_but_the_end() -> None:
    constraint = Constrainer(NANO, IDS).start(turn_grammar(FREE, NANO))
    for id in render(Message.assistant("", channel="analysis"), NANO)[len(PROMPT) : -1]:
        constraint.accept(id)
    allowed = {IDS[row] for row in constraint.allowed.nonzero().flatten().tolist()}
    assert {id for id in allowed if is_special(id)} == {Special.END}
    assert set(NANO.encode("Hello <|end|> 🎉 é 12")[:1]) <= allowed
    first, *rest = NANO.encode("🎉")
    constraint.accept(first)
    allowed = {IDS[row] for row in constraint.allowed.nonzero().flatten().tolist()}
    assert rest[0] in allowed
    assert not allowed & {Special.END, *NANO.encode("a")}


def test_a_refused_token_leaves_the_constraint_as_it_was() -> None:
    constraint = Constrainer(NANO, IDS).start(turn_grammar(ONE_TOOL, NANO))
    for wrong in (Special.MESSAGE, Special.ENDOFTEXT, NANO.encode("a")[0], 200_500, 10**9):
        with pytest.raises(ConstraintError, match=f"token id {int(wrong)} is not allowed here"):
            constraint.accept(wrong)
    constraint.accept(Special.CHANNEL)


# --- the budget -------------------------------------------------------------------------------------------------------


def begin(spec: TurnSpec, *texts: str) -> Constraint:
    """A constraint after these analysis messages, inside the last one."""
    constraint = Constrainer(NANO, IDS).start(turn_grammar(spec, NANO))
    for id in render_conversation([Message.assistant(text, channel="analysis") for text in texts], NANO)[
        len(PROMPT) : -1
    ]:
        constraint.accept(id)
    return constraint


def budget(tokens: int) -> TurnSpec:
    return TurnSpec(built_in=FREE.built_in, functions=FREE.functions, reasoning=tokens)


TEXT = "one two three"
SPENT = len(NANO.encode(TEXT))
CALL_HEADER = render(Message.assistant("", channel="analysis", recipient="python", content_type="code"), NANO)[:-1]


def test_reasoning_ends_with_its_budget_and_does_not_begin_again() -> None:
    assert begin(budget(SPENT + 1), TEXT).forced(100) == []
    constraint = begin(budget(SPENT), TEXT)
    assert constraint.forced(100) == [Special.END, *PROMPT, Special.CHANNEL]
    analysis, *call = CALL_HEADER[len(PROMPT) + 1 :]
    constraint.accept(analysis)
    assert constraint.forced(100) == call  # on the analysis channel there is only the call left


def test_a_budget_counts_all_analysis_of_a_turn_and_the_end_of_each_message() -> None:
    constraint = begin(budget(2 * (SPENT + 1) + 1), TEXT, TEXT, "")
    assert constraint.forced(100) == []
    constraint.accept(NANO.encode("one")[0])
    assert constraint.forced(1) == [Special.END]
    constraint = begin(budget(2 * (SPENT + 1)), TEXT, TEXT)
    assert constraint.forced(100) == []
    for id in (Special.END, *CALL_HEADER[: len(PROMPT) + 2]):  # the model's own end uses the budget up
        constraint.accept(id)
    assert constraint.forced(100) == CALL_HEADER[len(PROMPT) + 2 :]


def test_a_budget_waits_for_the_end_of_a_character() -> None:
    constraint = begin(budget(1), "")
    for id in NANO.encode("🎉"):
        assert constraint.forced(1) == []
        constraint.accept(id)
    assert constraint.forced(1) == [Special.END]


def test_sampled_reasoning_keeps_to_its_budget() -> None:
    for tokens in (0, 1, 7):
        for seed in range(6):
            spec = budget(tokens)
            ids = [token.id for token in sample(spec, seed=seed)]
            thoughts = [
                each
                for each in parse(ids, NANO, role=Role.ASSISTANT)
                if each.message.channel == "analysis" and each.message.recipient is None and each.ended_by
            ]
            assert sum(len(each.ids) - 1 - each.ids.index(int(Special.MESSAGE)) for each in thoughts) <= tokens + 4


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"not": {"required": ["z"]}},
        {"if": {"pattern": "a"}, "then": {"required": ["a"]}},
        {"dependentRequired": {"z": ["b"]}},
        {"propertyNames": {"pattern": "^(?!x)"}},
        {"properties": {"a": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "contains": {}}}},
        {"properties": {"a": {"type": "string", "pattern": "^(?=.)"}}},
        {"properties": {"a": {"oneOf": [{"type": "integer"}, {"type": "number"}]}}},
        {"unevaluatedProperties": False},
    ],
)
def test_what_a_mask_cannot_express_is_masked_as_far_as_it_can(more: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], **more}
    spec = TurnSpec(output={**schema, "additionalProperties": False}, reasoning=0)
    finished = 0
    for seed in range(5):
        answer = parse([token.id for token in sample(spec, seed=seed)], NANO, role=Role.ASSISTANT)[-1]
        if answer.ended_by is not None and answer.message.channel == "final":
            assert set(json.loads(answer.message.text)) == {"a"}
            finished += 1
    assert finished


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "string", "pattern": "("}, "unclosed group"),
        ({"enum": []}, "Unsatisfiable schema"),
        ({"type": "thing"}, "Invalid type: thing"),
        ({"$ref": "#/nowhere"}, "Pointer"),
        ({"patternProperties": {"^a": {"type": "null"}, "b": {"type": "null"}}}, "not disjoint"),
    ],
)
def test_a_schema_that_cannot_be_masked_is_one_line_that_names_the_tool_and_the_reason(
    schema: dict[str, Any], reason: str
) -> None:
    tool = ToolDescription(name="odd", description="", parameters=schema)
    spec = TurnSpec(functions=(ToolNamespace(name="functions", tools=(*FREE.functions[0].tools, tool)),))
    with pytest.raises(ConstraintError) as caught:
        sample(spec)
    assert str(caught.value).startswith("the JSON Schema of functions.odd cannot be masked: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConstraintError, match="the JSON Schema of the final answer cannot"):
        sample(TurnSpec(output=schema))


@pytest.mark.parametrize("schema", [{"$ref": "#"}, {"type": "array", "items": {"$ref": "#"}, "minItems": 1}])
def test_a_schema_without_an_end_is_an_error_in_one_line_once_it_is_begun(schema: dict[str, Any]) -> None:
    constrainer = Constrainer(NANO, IDS)

    def answer() -> None:
        constraint = constrainer.start(turn_grammar(TurnSpec(output=schema), NANO))
        for id in render(Message.assistant("", channel="final"), NANO)[len(PROMPT) : -1]:
            constraint.accept(id)
        constraint.forced(100_000)
        _ = constraint.allowed

    for _ in range(2):  # what failed leaves nothing broken behind
        with pytest.raises(ConstraintError, match=r"^the turn cannot be held to its grammar: (?!.*Poison).*$"):
            answer()


def test_a_network_without_the_rows_that_a_grammar_needs_is_an_error() -> None:
    constraint = Constrainer(o200k_harmony(), range(500)).start(turn_grammar(TurnSpec(), o200k_harmony()))
    with pytest.raises(ConstraintError, match="no token that this model has a row for"):
        _ = constraint.allowed
