"""The engines of servers that take messages, against one on loopback: it reads them back into ids and asks nano."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import pytest

from cadenza.agent import Agent, tool
from cadenza.agent.events import Event, RunFinished, RunStarted, ToolCallReady, ToolFinished, TurnFinished
from cadenza.harmony import (
    TURN_STOP_TOKENS,
    DeveloperContent,
    Message,
    Provenance,
    Role,
    SystemContent,
    ToolDescription,
    ToolNamespace,
    Transcript,
    TurnSpec,
    is_call,
    parse,
    turn_grammar,
)
from cadenza.model import ModelError, Sampling
from cadenza.model.engines import http as endpoint
from cadenza.model.engines.chat import Chat
from cadenza.model.engines.items import closed
from cadenza.model.engines.messages import MessagesEngine
from cadenza.model.engines.responses import Responses
from cadenza.model.engines.torch import TorchEngine
from cadenza.model.resolve import find

QUESTION, DATE = "What is 48 * 17?", "2026-01-31"
NANO = TorchEngine.load(find("nano"))
WIRES = {"chat": Chat, "responses": Responses}


class Server(ThreadingHTTPServer):
    """plays: answers written down, of events each, before nano is asked; breaks_after: events of the next answer; says:
    headers and what follows them, instead of an answer.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Requests)
        self.plays: list[list[dict[str, Any]]] = []
        self.breaks_after: int | None = None
        self.busy = 0
        self.says: tuple[dict[str, str], bytes] | None = None
        self.asked: list[dict[str, Any]] = []
        self.prompts: list[tuple[int, ...]] = []

    def engine(self, wire: str, **fields: Any) -> MessagesEngine:
        server = endpoint.Server(base_url=f"http://127.0.0.1:{self.server_address[1]}/v1", **fields)
        return MessagesEngine(server=server, name="nano", wire=WIRES[wire]())


class Requests(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        if self.server.busy:
            self.server.busy -= 1
            self.send_response(429)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        if self.server.says is not None:
            headers, body = self.server.says
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        chat = self.path == "/v1/chat/completions"
        if self.server.plays:
            events = self.server.plays.pop(0)
        else:
            prompt = (prompt_of_chat if chat else prompt_of_responses)(asked)
            self.server.prompts.append(prompt)
            spoken = anyio.run(partial(spoken_by_nano, prompt))
            events = list((chat_events if chat else responses_events)(spoken))
        for event in events[: self.server.breaks_after]:
            self.wfile.write(b"data: %s\n\n" % json.dumps(event).encode())
        self.server.breaks_after = None


def transcript(effort: Any, tools: list[dict[str, Any]], messages: list[Message]) -> tuple[int, ...]:
    """What a server of gpt-oss makes of a request; `python` is its own tool there."""
    (python,) = [each for each in tools if each["name"] == "python"]
    space = ToolNamespace(name="python", description=python["description"])
    system = Message.system(SystemContent(current_date=DATE, effort=effort, tools=(space,)))
    return Transcript(NANO.vocabulary, [system, *messages]).prompt()


def call(function: dict[str, Any]) -> Message:
    code = json.loads(function["arguments"])["code"]
    return Message.assistant(code, channel="analysis", recipient=function["name"], content_type="code")


def prompt_of_chat(asked: dict[str, Any]) -> tuple[int, ...]:
    messages, names = [], {}
    for said in asked["messages"]:
        if said["role"] == "system":
            messages.append(Message.developer(DeveloperContent(instructions=said["content"])))
        elif said["role"] == "user":
            messages.append(Message.user(said["content"]))
        elif said["role"] == "tool":
            messages.append(Message.tool(names[said["tool_call_id"]], said["content"], channel="analysis"))
        else:
            if "reasoning" in said:
                messages.append(Message.assistant(said["reasoning"], channel="analysis"))
            for each in said.get("tool_calls", ()):
                names[each["id"]] = each["function"]["name"]
                messages.append(call(each["function"]))
    return transcript(asked["reasoning_effort"], [each["function"] for each in asked["tools"]], messages)


def prompt_of_responses(asked: dict[str, Any]) -> tuple[int, ...]:
    messages, names = [], {}
    for item in asked["input"]:
        if item["type"] == "reasoning":
            messages.append(Message.assistant(item["content"][0]["text"], channel="analysis"))
        elif item["type"] == "function_call":
            names[item["call_id"]] = item["name"]
            messages.append(call(item))
        elif item["type"] == "function_call_output":
            messages.append(Message.tool(names[item["call_id"]], item["output"], channel="analysis"))
        elif item["role"] == "system":
            messages.append(Message.developer(DeveloperContent(instructions=item["content"])))
        else:
            messages.append(Message.user(item["content"]))
    return transcript(asked["reasoning"]["effort"], asked["tools"], messages)


async def spoken_by_nano(prompt: tuple[int, ...]) -> list[Message]:
    stream = NANO.generate(prompt, Sampling(), stop=TURN_STOP_TOKENS, limit=200)
    ids = [token.id async for token in stream]
    return [each.message for each in parse(ids, NANO.vocabulary, role=Role.ASSISTANT)]


def pieces(text: str) -> list[str]:
    return [text[at : at + 3] for at in range(0, len(text), 3)]


def chat_events(messages: list[Message]) -> Iterator[dict[str, Any]]:
    for message in messages:
        if is_call(message):
            arguments = pieces(json.dumps({"code": message.text}))
            functions = [{"name": message.recipient, "arguments": ""}, *({"arguments": each} for each in arguments)]
            deltas: list[dict[str, Any]] = [{"tool_calls": [{"index": 0, "function": each}]} for each in functions]
        else:
            key = "reasoning" if message.channel == "analysis" else "content"
            deltas = [{key: each} for each in pieces(message.text)]
        for delta in deltas:
            yield {"choices": [{"delta": delta, "finish_reason": None}]}
    yield {"choices": [{"delta": {}, "finish_reason": "tool_calls" if is_call(messages[-1]) else "stop"}]}
    yield {"choices": [], "usage": {"completion_tokens": 1}}


def responses_events(messages: list[Message]) -> Iterator[dict[str, Any]]:
    output: list[dict[str, Any]] = []
    for message in messages:
        if is_call(message):
            arguments = json.dumps({"code": message.text})
            item = {"type": "function_call", "name": message.recipient, "arguments": arguments}
        else:
            thought = message.channel == "analysis"
            kind = "response.reasoning_text.delta" if thought else "response.output_text.delta"
            for each in pieces(message.text):
                yield {"type": kind, "delta": each}
            item = {"type": "reasoning" if thought else "message", "content": [{"text": message.text}]}
        output.append(item)
        yield {"type": "response.output_item.done", "item": item}
    yield {"type": "response.completed", "response": {"output": output}}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.shutdown()


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
