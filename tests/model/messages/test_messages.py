"""The engines of servers that take messages, against one on loopback."""

from __future__ import annotations

import json
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from cadenza.agent import Agent, tool
from cadenza.agent.events import Event, RunFinished, RunStarted, ToolCallReady, ToolFinished, TurnFinished
from cadenza.harmony import (
    TURN_STOP_TOKENS,
    Message,
    Provenance,
    ToolDescription,
    ToolNamespace,
    Transcript,
    TurnSpec,
    turn_grammar,
)
from cadenza.model import ModelError, Sampling
from cadenza.model.engines.items import closed

from .conftest import DATE, WIRES, Server

QUESTION = "What is 48 * 17?"


async def events_of(agent: Agent[Any], question: str = QUESTION) -> list[Event]:
    return [event async for event in agent.stream(question)]


def told(instructions: str) -> dict[str, Any]:
    return {"tools": ["python"], "current_date": DATE, "instructions": instructions}


def finish(events: list[Event]) -> RunFinished:
    assert isinstance(events[-1], RunFinished)
    return events[-1]


@pytest.mark.anyio
@pytest.mark.parametrize("wire", WIRES)
async def test_a_server_can_make_the_very_prompts_of_it_reasoning_included(server: Server, wire: str) -> None:
    fields = told("Be brief.\n\n# Valid channels: none")
    local = finish(await events_of(Agent(constrain=False, **fields)))
    events = await events_of(Agent(model=server.engine(wire), **fields))
    served = finish(events)
    assert served.answer == local.answer == "816" or served.answer.endswith("816.")
    assert len(server.prompts) == 2
    assert all(prompt == local.ids[: len(prompt)] for prompt in server.prompts)
    assert isinstance(events[0], RunStarted)
    assert (events[0].model, events[0].mask, events[0].ids) == ("nano", "none", False)
    assert {span.provenance for event in events if isinstance(event, TurnFinished) for span in event.spans} == {
        Provenance.FOREIGN
    }


@pytest.mark.anyio
@pytest.mark.parametrize("wire", WIRES)
async def test_a_heading_in_the_instructions_is_a_part_of_them(server: Server, wire: str) -> None:
    """Whatever nano makes of it."""
    fields = told("Be brief.\n\n# Tools\nnone")
    local = finish(await events_of(Agent(constrain=False, **fields)))
    finish(await events_of(Agent(model=server.engine(wire), **fields)))
    assert server.prompts[0] == local.ids[: len(server.prompts[0])]


@tool
def weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"sunny in {city}"


@pytest.mark.anyio
async def test_a_chat_server_is_told_functions_and_the_shape_of_the_answer(server: Server) -> None:
    schema = {"type": "object", "properties": {"sky": {"type": "string"}}, "required": ["sky"]}
    rome, oslo = ({"name": "weather", "arguments": json.dumps({"city": city})} for city in ("Rome", "Oslo"))
    call = {"tool_calls": [{"index": 0, "function": rome}, {"index": 1, "function": oslo}]}
    server.plays = [
        [
            {"choices": [{"delta": {"reasoning_content": "Let me see.", "reasoning": None}}]},
            {"choices": [{"delta": {"content": "One moment."}}]},
            {"choices": [{"delta": call, "finish_reason": "tool_calls"}]},
        ],
        [{"choices": [{"delta": {"content": '{"sky": "sunny"}'}, "finish_reason": "stop"}]}],
    ]
    agent: Agent[Any] = Agent(
        model=server.engine("chat"), tools=[weather], instructions="Tell the weather.", output=schema, effort="low"
    )
    events = await events_of(agent, "Rome?")
    assert finish(events).answer == '{"sky": "sunny"}'
    assert [event.arguments for event in events if isinstance(event, ToolCallReady)] == [
        '{"city": "Rome"}',
        '{"city": "Oslo"}',
    ]
    first, second = server.asked
    assert first["messages"] == [
        {"role": "system", "content": "Tell the weather."},
        {"role": "user", "content": "Rome?"},
    ]
    assert first["tools"][0]["function"]["parameters"]["properties"] == {"city": {"type": "string"}}
    shape = first["response_format"]["json_schema"]
    assert (shape["schema"], shape["strict"]) == (schema, False)
    assert first["reasoning_effort"] == "low"
    assert second["messages"][2:] == [
        {
            "role": "assistant",
            "content": "One moment.",
            "reasoning_content": "Let me see.",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": rome},
                {"id": "call_2", "type": "function", "function": oslo},
            ],
        },
        {"role": "tool", "content": "sunny in Rome", "tool_call_id": "call_1"},
        {"role": "tool", "content": "sunny in Oslo", "tool_call_id": "call_2"},
    ]


@pytest.mark.anyio
async def test_all_calls_of_an_answer_are_made_and_text_after_them_is_no_answer(server: Server) -> None:
    calls = [
        {"type": "function_call", "name": "weather", "arguments": json.dumps({"city": city})}
        for city in ("Rome", "Oslo")
    ]
    server.plays = [
        [
            {"type": "response.reasoning_text.delta", "delta": "Both."},
            *({"type": "response.output_item.done", "item": call} for call in calls),
            {"type": "response.output_text.delta", "delta": "Wait."},
            {"type": "response.completed", "response": {"output": calls}},
        ],
        [{"type": "response.output_text.delta", "delta": "Sunny."}, {"type": "response.completed", "response": {}}],
    ]
    events = await events_of(Agent(model=server.engine("responses"), tools=[weather]), "Rome and Oslo?")
    assert finish(events).answer == "Sunny."
    _, second = server.asked
    said = [(item["type"], item.get("call_id")) for item in second["input"]][-6:]
    assert said == [
        ("reasoning", None),
        ("function_call", "call_1"),
        ("function_call", "call_2"),
        ("message", None),
        ("function_call_output", "call_1"),
        ("function_call_output", "call_2"),
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("count", "pieces"),
    [
        (2, [(0, "a", "weather", "Rome"), (0, "b", "weather", "Oslo")]),  # one index for all
        (2, [(None, "a", "weather", "Ro"), (None, None, None, "me"), (None, "b", "weather", "Oslo")]),
        (2, [(0, "a", "weather", "Ro"), (1, "b", "weather", "Os"), (0, "", "", "me"), (1, "", "", "lo")]),
        (1, [(0, "a", "weather", "Ro"), (0, "b", None, "me")]),  # an id for each piece
    ],
)
async def test_the_calls_of_a_chat_server_are_told_apart(
    server: Server, count: int, pieces: list[tuple[int | None, str | None, str | None, str]]
) -> None:
    calls = [
        {"index": index, "id": id, "function": {"name": name, "arguments": text}} for index, id, name, text in pieces
    ]
    server.plays = [
        [
            *({"choices": [{"delta": {"tool_calls": [call]}}]} for call in calls),
            {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]},
        ],
        [{"choices": [{"delta": {"content": "Sunny."}, "finish_reason": "stop"}]}],
    ]
    events = await events_of(Agent(model=server.engine("chat"), tools=[weather]), "Rome and Oslo?")
    made = [(event.recipient, event.arguments) for event in events if isinstance(event, ToolCallReady)]
    assert made == [("functions.weather", city) for city in ("Rome", "Oslo")[:count]]


def test_a_shape_is_strict_where_nothing_is_optional_or_added() -> None:
    inner = {"type": "object", "properties": {"b": {}}, "required": ["b"], "additionalProperties": False}
    schema = {"type": "object", "properties": {"a": inner}, "required": ["a"], "additionalProperties": False}
    assert closed(schema)
    assert not closed({**schema, "required": []})
    assert not closed({"anyOf": [schema, {**inner, "additionalProperties": True}]})


@pytest.mark.anyio
async def test_an_answer_that_comes_whole_at_the_end_is_heard(server: Server) -> None:
    """Servers of gpt-oss differ in what they stream."""
    summary = {"type": "reasoning", "summary": [{"text": "Hm."}]}
    output = [{"type": "message", "content": [{"text": "Hello."}]}]
    server.plays = [
        [
            {"type": "response.created"},
            {"type": "response.output_item.done", "item": summary},
            {"type": "response.output_item.done", "item": output[0]},
            {"type": "response.completed", "response": {"output": output}},
        ]
    ]
    events = await events_of(Agent(model=server.engine("responses")), "Hi")
    assert finish(events).answer == "Hello."


@pytest.mark.anyio
@pytest.mark.parametrize("wire", WIRES)
async def test_a_server_is_asked_again_only_before_it_has_said_anything(server: Server, wire: str) -> None:
    server.busy, server.breaks_after = 2, 0
    assert finish(await events_of(Agent(model=server.engine(wire), tools=["python"]))).answer
    server.breaks_after = 4
    with pytest.raises(ModelError, match=r"^http://127.*: the answer broke off, in the middle; resume the run"):
        await events_of(Agent(model=server.engine(wire), tools=["python"]))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("wire", "events", "said"),
    [
        ("chat", [{"error": {"message": "no such\nmodel"}}], "no such model"),
        ("chat", [{"choices": [{"delta": {"content": "x"}, "finish_reason": "content_filter"}]}], "content filter"),
        ("chat", [{"choices": [{"delta": {"content": "x"}, "finish_reason": "abort"}]}], "broke off, in the middle"),
        ("chat", [{"choices": [{"delta": {"content": 5}}]}], "not what the API says: TypeError.*'5' is no text"),
        ("chat", [{"error": "no such\nmodel"}], "v1: no such model$"),
        ("chat", [{"choices": [{"delta": {}, "finish_reason": "stop"}]}], "the answer is empty"),
        (
            "chat",
            [
                {"choices": [{"delta": {"content": None, "refusal": "I can"}}]},
                {"choices": [{"delta": {"refusal": "not."}, "finish_reason": "stop"}]},
            ],
            "the model refuses: I cannot.$",
        ),
        ("chat", [{"choices": [{"delta": {"tool_calls": [{"index": 0}]}}]}], "not what the API says: KeyError"),
        ("responses", [{"type": "response.failed", "response": {"error": {"message": "too\nhot"}}}], "^http.*too hot"),
        (
            "responses",
            [{"type": "response.incomplete", "response": {"incomplete_details": {"reason": "content_filter"}}}],
            "^http.*content filter",
        ),
        ("responses", [{"type": "response.output_text.delta", "delta": None}], "TypeError.*'None' is no text"),
        (
            "responses",
            [{"type": "response.output_item.done", "item": {"type": "function_call", "name": "a", "arguments": {}}}],
            "TypeError.*'{}' is no text",
        ),
        (
            "responses",
            [
                {"type": "response.refusal.delta", "delta": "I cannot."},
                {
                    "type": "response.output_item.done",
                    "item": {"type": "message", "content": [{"type": "refusal", "refusal": "I cannot."}]},
                },
                {"type": "response.completed", "response": {}},
            ],
            "the model refuses: I cannot.$",
        ),
        ("responses", [{"no": "type"}], "not what the API says"),
    ],
)
async def test_what_goes_wrong_on_a_server_is_one_line(
    server: Server, wire: str, events: list[dict[str, Any]], said: str
) -> None:
    server.plays = [events]
    with pytest.raises(ModelError, match=said) as failure:
        await events_of(Agent(model=server.engine(wire)), "Hi")
    assert "\n" not in str(failure.value)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        ({"Content-Type": "application/json"}, b'{"error": {"message": "too long"}}', "v1: 200: too long$"),
        ({"Content-Type": "text/html"}, b"<p>\nHello", "v1: 200: <p> Hello$"),
        ({"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}, b"none", "DecodingError: .*1 attempts"),
        ({"Content-Type": "text/event-stream"}, b"data: " + b"[" * 100_000 + b"\n\n", "is no JSON object"),
    ],
)
async def test_what_is_no_stream_of_events_is_one_line(
    server: Server, headers: dict[str, str], body: bytes, said: str
) -> None:
    server.says = (headers, body)
    with pytest.raises(ModelError, match=said):
        await events_of(Agent(model=server.engine("chat", retries=0)), "Hi")


@pytest.mark.anyio
async def test_arguments_that_are_nested_without_end_are_passed_on_as_they_are(server: Server) -> None:
    deep = "[" * 5000
    function = {"index": 0, "function": {"name": "python", "arguments": deep}}
    server.plays = [[{"choices": [{"delta": {"tool_calls": [function]}, "finish_reason": "tool_calls"}]}]]
    server.plays += [[{"choices": [{"delta": {"content": "Done."}, "finish_reason": "stop"}]}]]
    events = await events_of(Agent(model=server.engine("chat"), tools=["python"]))
    assert [event.arguments for event in events if isinstance(event, ToolCallReady)] == [deep]


@tool
def browser(page: str) -> str:
    """Not gpt-oss's."""
    return page


@pytest.mark.anyio
async def test_a_function_is_not_taken_for_a_tool_that_gpt_oss_has_itself(server: Server) -> None:
    function = {"name": "functions_browser", "arguments": '{"page": "one"}'}
    server.plays = [
        [{"choices": [{"delta": {"tool_calls": [{"index": 0, "function": function}]}, "finish_reason": "tool_calls"}]}],
        [{"choices": [{"delta": {"content": "Done."}, "finish_reason": "stop"}]}],
    ]
    events = await events_of(Agent(model=server.engine("chat"), tools=[browser]))
    assert [event.text for event in events if isinstance(event, ToolFinished)] == ["one"]
    assert [each["function"]["name"] for each in server.asked[0]["tools"]] == ["functions_browser"]


@pytest.mark.anyio
async def test_a_call_that_a_server_takes_for_one_of_its_own_tools_is_made(server: Server) -> None:
    items: list[dict[str, Any]] = [
        {"type": "code_interpreter_call", "code": "print(6 * 7)", "outputs": []},
        {"type": "mcp_call", "server_label": "notes", "name": "find", "arguments": "{}"},
        {"type": "mcp_call", "server_label": "lookup", "name": "lookup", "arguments": "{}"},
        {"type": "web_search_call", "action": {"type": "open_page", "url": "cursor:1"}},
    ]
    server.plays = [
        [
            *({"type": "response.output_item.done", "item": item} for item in items),
            {"type": "response.completed", "response": {"output": items}},
        ],
        [{"type": "response.output_text.delta", "delta": "42."}, {"type": "response.completed", "response": {}}],
    ]
    events = await events_of(Agent(model=server.engine("responses"), tools=["python"]))
    assert [(event.recipient, event.arguments) for event in events if isinstance(event, ToolCallReady)] == [
        ("python", "print(6 * 7)"),
        ("functions.notes_find", "{}"),
        ("functions.lookup", "{}"),
        ("functions.browser_open", '{"url": "cursor:1"}'),
    ]
    *unknown, known = sorted((event.text for event in events if isinstance(event, ToolFinished)), reverse=True)
    assert known == "42\n"
    assert [text.partition(";")[0] for text in unknown] == [
        f"no tool 'functions.{name}'" for name in ("notes_find", "lookup", "browser_open")
    ]
    assert finish(events).answer == "42."


@pytest.mark.anyio
async def test_a_call_that_a_server_has_answered_itself_is_not_made(server: Server) -> None:
    search = {"type": "web_search_call", "action": {"type": "search", "query": "ferries"}}
    server.plays = [
        [
            {"type": "response.output_item.done", "item": search},
            {"type": "response.output_text.delta", "delta": "At noon."},
            {"type": "response.completed", "response": {"output": [search]}},
        ]
    ]
    events = await events_of(Agent(model=server.engine("responses"), tools=["python"]))
    assert not any(isinstance(event, ToolCallReady) for event in events)
    assert finish(events).answer == "At noon."


@pytest.mark.anyio
async def test_tools_that_a_server_cannot_tell_apart_are_one_line(server: Server) -> None:
    functions = (
        ToolNamespace(name="functions", tools=(ToolDescription(name="notes_find", description=""),)),
        ToolNamespace(name="notes", tools=(ToolDescription(name="find", description=""),)),
    )
    engine = server.engine("chat")
    grammar = turn_grammar(TurnSpec(functions=functions), engine.vocabulary)
    prompt = Transcript(engine.vocabulary, [Message.user("Hi")]).prompt()
    stream = engine.generate(prompt, Sampling(), stop=TURN_STOP_TOKENS, limit=9, constraint=grammar)
    with pytest.raises(ModelError, match="cannot tell two tools apart: notes_find"):
        await anext(stream)


@pytest.mark.anyio
@pytest.mark.parametrize(("wire", "key"), [("chat", "max_tokens"), ("responses", "max_output_tokens")])
async def test_no_more_is_asked_for_than_the_context_holds(server: Server, wire: str, key: str) -> None:
    server.plays = [[{"type": "response.output_text.delta", "delta": "a", "choices": [{"delta": {"content": "a"}}]}]]
    engine = replace(server.engine(wire), context=4096)
    prompt = Transcript(engine.vocabulary, [Message.user("Hi")]).prompt()
    stream = engine.generate(prompt, Sampling(), stop=TURN_STOP_TOKENS, limit=32_000)
    async with aclosing(stream):
        await anext(stream)
    assert server.asked[0][key] == 4096 - len(prompt)
    assert [token async for token in engine.generate(prompt, Sampling(), stop=TURN_STOP_TOKENS, limit=0)] == []
    with pytest.raises(ModelError, match="takes up to 4095"):
        await anext(engine.generate([1] * 4096, Sampling(), stop=TURN_STOP_TOKENS, limit=9))
