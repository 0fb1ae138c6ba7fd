"""A server on loopback that takes messages: it reads them back into ids and asks nano, or plays what is written."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import pytest

from cadenza.harmony import (
    TURN_STOP_TOKENS,
    DeveloperContent,
    Message,
    Role,
    SystemContent,
    ToolNamespace,
    Transcript,
    is_call,
    parse,
)
from cadenza.model import Sampling
from cadenza.model.engines import http as endpoint
from cadenza.model.engines.chat import Chat
from cadenza.model.engines.messages import MessagesEngine
from cadenza.model.engines.responses import Responses
from cadenza.model.engines.torch import TorchEngine
from cadenza.model.resolve import find

DATE = "2026-01-31"
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
