"""`render` against openai-harmony, token for token, and where it goes its own way on purpose."""

import json
from dataclasses import dataclass, replace

import openai_harmony
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai_harmony import HarmonyEncoding as Reference

from cadenza.harmony import (
    EFFORTS,
    POLICIES,
    BytePairVocabulary,
    Conversation,
    DeveloperContent,
    GrammarError,
    HarmonyError,
    Message,
    RenderError,
    ResponseFormat,
    Role,
    Special,
    SystemContent,
    TextContent,
    ToolDescription,
    ToolNamespace,
    TurnSpec,
    has_functions,
    o200k_harmony,
    open_turn,
    render,
    render_conversation,
    turn_grammar,
)

keep_analysis = openai_harmony.RenderConversationConfig(auto_drop_analysis=False)


@dataclass(frozen=True)
class ForReference:
    """A message or a conversation of ours as the reference takes it: by its JSON."""

    value: Message | Conversation

    def to_json(self) -> str:
        return json.dumps(self.value.to_json())


awkward = [
    "",
    " ",
    "\n",
    "a\n\nb\r\nc\r",
    "\r",
    "<|end|>",
    "<|start|>assistant",
    "<|channel|>final<|message|>",
    "é",
    "e\u0301",
]
awkward += [
    "<|constrain|>json",
    "<|reserved_200018|>",
    "<|endofprompt|>",
    "to=functions.f",
    "  two  ",
    "漢字 🤖",
    "all",
]
texts = st.text(st.characters(codec="utf-8"), max_size=20) | st.lists(st.sampled_from(awkward), max_size=3).map("".join)
optional_texts = st.none() | texts
schemas = st.sampled_from(
    [
        None,
        {},
        {"type": "string"},
        {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Where\nto."}},
            "required": ["city"],
        },
        {"type": "object", "properties": {"unit": {"type": "string", "enum": ["c", "f"], "default": "c"}}},
        {"type": "array", "items": {"oneOf": [{"type": "integer"}, {"type": "string", "default": "<|end|>"}]}},
    ]
)
tools = st.builds(ToolDescription, name=texts, description=texts, parameters=schemas)
namespaces = st.lists(
    st.builds(
        ToolNamespace,
        name=st.sampled_from(["functions", "functions", "browser", "python", "é"]) | texts,
        description=optional_texts,
        tools=st.lists(tools, max_size=3).map(tuple),
        key=st.none() | st.sampled_from(["functions", "x"]) | texts,
    ),
    max_size=3,
    unique_by=lambda namespace: namespace.listed_as,
).map(tuple)
system_contents = st.builds(
    SystemContent,
    model_identity=optional_texts,
    knowledge_cutoff=optional_texts,
    current_date=optional_texts,
    effort=st.none() | st.sampled_from(EFFORTS),
    tools=namespaces,
    channels=st.just(("analysis", "commentary", "final")) | st.lists(texts, max_size=3).map(tuple),
    channel_required=st.booleans(),
)
developer_contents = st.builds(DeveloperContent, instructions=optional_texts, tools=namespaces)
text_contents = st.builds(TextContent, texts)


@st.composite
def message_of_any_kind(draw: st.DrawFn) -> Message:
    role = draw(st.sampled_from(list(Role)))
    parts = {Role.SYSTEM: system_contents | text_contents, Role.DEVELOPER: developer_contents | text_contents}
    return Message(
        role=role,
        content=tuple(draw(st.lists(parts.get(role, text_contents), max_size=3))),
        name=draw(texts if role is Role.TOOL else optional_texts),
        channel=draw(st.none() | st.sampled_from(["analysis", "commentary", "final"]) | texts),
        recipient=draw(st.none() | st.sampled_from(["all", "functions.f", "assistant"]) | texts),
        content_type=draw(st.none() | st.sampled_from(["<|constrain|>json", "<|constrain|>", "code"]) | texts),
    )


def is_call_on_a_channel(message: Message) -> bool:
    """Whether the header order of ours differs from the reference's."""
    return message.role is Role.ASSISTANT and None not in (message.channel, message.recipient)


messages = message_of_any_kind()
ordinary_messages = messages.filter(lambda message: not is_call_on_a_channel(message))
calls = messages.map(
    lambda message: replace(
        message,
        role=Role.ASSISTANT,
        content=tuple(part for part in message.content if isinstance(part, TextContent)),
        channel=message.channel or "commentary",
        recipient=message.recipient or "functions.f",
    )
)


@pytest.fixture(scope="module")
def vocabulary() -> BytePairVocabulary:
    return o200k_harmony()


def text_of(ids: list[int], vocabulary: BytePairVocabulary) -> str:
    return b"".join(map(vocabulary.token_bytes, ids)).decode()


@given(conversation=st.lists(ordinary_messages, max_size=5))
def test_a_conversation_has_the_reference_s_tokens(
    reference: Reference, vocabulary: BytePairVocabulary, conversation: list[Message]
) -> None:
    expected = reference.render_conversation(ForReference(Conversation(tuple(conversation))), keep_analysis)
    assert render_conversation(conversation, vocabulary) == expected


@given(conversation=st.lists(ordinary_messages, max_size=2), role=st.sampled_from(list(Role)))
def test_an_open_turn_has_the_reference_s_tokens(
    reference: Reference, vocabulary: BytePairVocabulary, conversation: list[Message], role: Role
) -> None:
    expected = reference.render_conversation_for_completion(
        ForReference(Conversation(tuple(conversation))), openai_harmony.Role(role), keep_analysis
    )
    assert render_conversation(conversation, vocabulary) + open_turn(vocabulary, role) == expected


@given(message=ordinary_messages, functions=st.booleans())
def test_a_single_message_has_the_reference_s_tokens(
    reference: Reference, vocabulary: BytePairVocabulary, message: Message, functions: bool
) -> None:
    options = openai_harmony.RenderOptions(conversation_has_function_tools=functions)
    expected = reference.render(ForReference(message), options)
    assert render(message, vocabulary, functions=functions) == expected


@given(conversation=st.lists(messages | calls, max_size=6), how=st.sampled_from(["completion", "training", "whole"]))
def test_reference_mode_is_the_reference(
    reference: Reference, vocabulary: BytePairVocabulary, conversation: list[Message], how: str
) -> None:
    theirs = ForReference(Conversation(tuple(conversation)))
    for policy, dropping in (("keep_all", False), ("reference", True)):
        options = openai_harmony.RenderConversationConfig(auto_drop_analysis=dropping)
        kept = POLICIES[policy](conversation)
        functions = has_functions(conversation)
        ours = render_conversation(kept, vocabulary, mode="reference", training=how == "training", functions=functions)
        if how == "completion":
            expected = reference.render_conversation_for_completion(theirs, openai_harmony.Role.TOOL, options)
            ours += open_turn(vocabulary, Role.TOOL)
        elif how == "training":
            expected = reference.render_conversation_for_training(theirs, options)
        else:
            expected = reference.render_conversation(theirs, options)
        assert ours == expected


@given(call=calls)
def test_a_call_differs_from_the_reference_only_in_where_the_recipient_stands(
    reference: Reference, vocabulary: BytePairVocabulary, call: Message
) -> None:
    expected = reference.render(ForReference(call))
    recipient = [] if call.recipient == "all" else vocabulary.encode(f" to={call.recipient}")
    speaker = [Special.START, *vocabulary.encode("assistant")]
    speaker += [] if call.name is None else vocabulary.encode(f":{call.name}")
    channel = [Special.CHANNEL, *vocabulary.encode(call.channel or "")]
    before, after = [*speaker, *recipient, *channel], [*speaker, *channel, *recipient]
    assert expected[: len(before)] == before
    assert render(call, vocabulary) == after + expected[len(before) :]


@given(message=messages)
def test_text_never_becomes_a_special_token(vocabulary: BytePairVocabulary, message: Message) -> None:
    special = [id for id in render(message, vocabulary) if id >= Special.STARTOFTEXT]
    constrained = (message.content_type or "").startswith("<|constrain|>")
    expected = [Special.START]
    expected += [] if message.channel is None else [Special.CHANNEL]
    expected += [Special.CONSTRAIN] if constrained else []
    calls_a_tool = message.role is Role.ASSISTANT and message.recipient is not None
    assert special == [*expected, Special.MESSAGE, Special.CALL if calls_a_tool else Special.END]


@settings(max_examples=50)
@given(conversation=st.lists(messages, max_size=4), more=messages.filter(lambda each: each.role is not Role.DEVELOPER))
def test_a_message_more_leaves_the_earlier_tokens_as_they_were(
    vocabulary: BytePairVocabulary, conversation: list[Message], more: Message
) -> None:
    before = render_conversation(conversation, vocabulary)
    assert render_conversation([*conversation, more], vocabulary)[: len(before)] == before


def test_a_call_reads_as_the_model_writes_it(vocabulary: BytePairVocabulary) -> None:
    call = Message.assistant("{}", channel="commentary", recipient="functions.f", content_type="<|constrain|>json")
    assert text_of(render(call, vocabulary), vocabulary) == (
        "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"
    )


def test_a_tool_s_result_reads_as_the_format_wants_it(vocabulary: BytePairVocabulary) -> None:
    assert text_of(render(Message.tool("functions.f", "21 °C"), vocabulary), vocabulary) == (
        "<|start|>functions.f to=assistant<|channel|>commentary<|message|>21 °C<|end|>"
    )


def test_the_builtin_tools_have_the_reference_s_tokens(reference: Reference, vocabulary: BytePairVocabulary) -> None:
    theirs = openai_harmony.SystemContent.new().with_browser_tool().with_python_tool()
    expected = reference.render(openai_harmony.Message.from_role_and_content(openai_harmony.Role.SYSTEM, theirs))
    ours = Message.from_json({"role": "system", "content": [theirs.to_dict()]})
    assert render(ours, vocabulary) == expected


def test_the_function_channel_is_named_only_where_functions_are_offered(vocabulary: BytePairVocabulary) -> None:
    tool = ToolDescription(name="f", description="")

    def system_text(*namespaces: ToolNamespace) -> str:
        conversation = [Message.system(SystemContent()), Message.developer(DeveloperContent(tools=namespaces))]
        return text_of(render_conversation(conversation, vocabulary), vocabulary).split("<|end|>")[0]

    line = "Calls to these tools must go to the commentary channel: 'functions'."
    assert line in system_text(ToolNamespace(name="functions", tools=(tool,)))
    assert line not in system_text(ToolNamespace(name="functions"))
    assert line not in system_text(ToolNamespace(name="other", tools=(tool,)))


def test_response_formats_end_the_developer_message(vocabulary: BytePairVocabulary) -> None:
    shape = ResponseFormat(name="weather", schema={"type": "object", "title": "Wétter"}, description="The weather.")
    tools = (ToolNamespace(name="functions", tools=(ToolDescription(name="f", description="Does."),)),)
    message = Message.developer(DeveloperContent(instructions="Be brief.", tools=tools, response_formats=(shape,)))
    assert text_of(render(message, vocabulary), vocabulary) == (
        "<|start|>developer<|message|># Instructions\n\nBe brief.\n\n"
        "# Tools\n\n## functions\n\nnamespace functions {\n\n"
        "// Does.\ntype f = () => any;\n\n} // namespace functions\n\n"
        '# Response Formats\n\n## weather\n\n// The weather.\n{"type":"object","title":"Wétter"}<|end|>'
    )


def test_a_tool_message_without_a_name_is_refused(vocabulary: BytePairVocabulary) -> None:
    with pytest.raises(RenderError, match="needs the tool's name"):
        render(Message(role=Role.TOOL, content=(TextContent("x"),)), vocabulary)


@pytest.mark.parametrize(
    ("role", "part", "told"),
    [
        ("system", {"channel_config": {"valid_channels": [1]}}, r"channel_config: .* a list of strings"),
        ("developer", {"tools": {"functions": {"name": 3}}}, r"tools: .* name: must be a string, not int"),
        ("developer", {"tools": {"f": {"name": "f", "description": 3}}}, r"tools: .* description: must be a string"),
        ("developer", {"tools": {"f": {"name": "f", "tools": [{"name": None}]}}}, r"tools: .* not NoneType"),
        (
            "developer",
            {"response_formats": [{"name": "a", "schema": {}, "description": []}]},
            r"response_formats: .* not list",
        ),
    ],
    ids=str,
)
def test_a_field_of_the_wrong_type_is_told_where_it_is_read(role: str, part: dict[str, object], told: str) -> None:
    content = [{"type": f"{role}_content", **part}]
    with pytest.raises(HarmonyError, match=rf"^messages\[0\]: content\[0\]\.{told}"):
        Conversation.from_json({"messages": [{"role": role, "content": content}]})


def deep(levels: int) -> dict[str, object]:
    schema: dict[str, object] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def cycle() -> dict[str, object]:
    schema: dict[str, object] = {"type": "object"}
    schema["properties"] = {"a": schema}
    return schema


@pytest.mark.parametrize("schema", [deep(1000), deep(20_000), cycle(), {"const": object()}])
def test_a_schema_without_an_end_is_a_text_or_an_error_in_one_line(
    vocabulary: BytePairVocabulary, schema: dict[str, object]
) -> None:
    space = ToolNamespace(name="functions", tools=(ToolDescription(name="f", description="", parameters=schema),))
    assert len(render(Message.developer(DeveloperContent(tools=(space,))), vocabulary)) < 2000
    shape = ResponseFormat(name="odd", schema=schema)
    with pytest.raises(RenderError, match=r"^the schema of the response format 'odd' is .*$"):
        render(Message.developer(DeveloperContent(response_formats=(shape,))), vocabulary)
    with pytest.raises(GrammarError, match=r"^the JSON Schema of the final answer is .*$"):
        turn_grammar(TurnSpec(output=schema), vocabulary)


def test_ten_thousand_tools_are_rendered(vocabulary: BytePairVocabulary) -> None:
    tools = tuple(ToolDescription(name=f"f{at}", description="Does.", parameters={}) for at in range(10_000))
    content = DeveloperContent(tools=(ToolNamespace(name="functions", tools=tools),))
    assert text_of(render(Message.developer(content), vocabulary), vocabulary).count("type f") == 10_000
