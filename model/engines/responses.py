"""The Responses API: a conversation of items, reasoning among them. Nothing is stored on the server.

Calls are read from finished items, since some servers of gpt-oss stream no arguments. Source: OpenAI's API reference.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

from .items import Asked, Called, Delta, Ended, Item, Refused, Returned, Said, Thought, as_text, closed


@dataclass(slots=True)
class Responses:
    path: str = "/responses"

    def body(self, asked: Asked) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": asked.model,
            "input": [_item(item, at) for at, item in enumerate(asked.items)],
            "reasoning": {"effort": asked.effort},
            "max_output_tokens": asked.limit,
            "store": False,
            "stream": True,
            **asked.sampling.said,
        }
        if asked.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                    "strict": False,
                }
                for tool in asked.tools
            ]
        if asked.output is not None:
            shape = {"type": "json_schema", "name": "answer", "schema": asked.output}
            body["text"] = {"format": {**shape, "strict": closed(asked.output)}}
        return body

    async def deltas(self, events: AsyncIterator[dict[str, Any]]) -> AsyncGenerator[Delta, None]:
        heard: set[str] = set()  # the kinds of text that came in pieces: their whole items say nothing new
        called = False
        foreign: list[Called] = []  # which the server has not answered, if it says nothing after them
        async for event in events:
            kind = event["type"]
            if kind in ("response.reasoning_text.delta", "response.reasoning_summary_text.delta"):
                heard.add("reasoning")
                yield Thought(as_text(event["delta"]))
            elif kind == "response.output_text.delta":
                heard.add("message")
                foreign.clear()
                yield Said("assistant", as_text(event["delta"]))
            elif kind == "response.output_item.done":
                item = event["item"]
                foreign += _foreign(item)
                for delta in _whole(item, heard):
                    called = called or isinstance(delta, Called)
                    if isinstance(delta, Said):
                        foreign.clear()
                    yield delta
                heard.discard(item["type"])
            elif kind in ("response.completed", "response.incomplete"):
                for item in () if called else event["response"].get("output") or ():
                    if item["type"] == "function_call":
                        yield _called(item)
                for call in foreign:
                    yield call
                if (event["response"].get("incomplete_details") or {}).get("reason") == "content_filter":
                    raise Refused("the server's content filter ended the answer")
                yield Ended(cut=kind == "response.incomplete")
                return
            elif kind in ("response.failed", "error"):
                error = event.get("response", event).get("error") or event
                raise Refused(f"the server failed: {error.get('message') or error}")


def _whole(item: dict[str, Any], heard: set[str]) -> list[Delta]:
    """What a finished item says that its pieces have not. Raises Refused for one that refuses."""
    if item["type"] == "function_call":
        return [_called(item)]
    for part in item.get("content") or ():
        if part.get("type") == "refusal":
            raise Refused(f"the model refuses: {part.get('refusal')}")
    if item["type"] in heard:
        return []
    parts = [as_text(part.get("text", "")) for part in item.get("content") or ()]
    if item["type"] == "reasoning":
        parts = parts or [as_text(part.get("text", "")) for part in item.get("summary") or ()]
        return [Thought(text) for text in parts if text]
    return [Said("assistant", text) for text in parts if text] if item["type"] == "message" else []


def _called(item: dict[str, Any]) -> Called:
    return Called("", as_text(item["name"]), as_text(item["arguments"]))


def _foreign(item: dict[str, Any]) -> list[Called]:
    """A call that the server takes for one of a tool of its own: vLLM so tells of `python`, `browser.*` and recipients
    that it does not know, offered or not, and runs none of them.
    """
    kind = item["type"]
    if kind == "mcp_call":
        space, name = as_text(item["server_label"]), as_text(item["name"])
        return [Called("", name if space == name else f"{space}_{name}", as_text(item["arguments"]))]
    if kind == "code_interpreter_call":
        return [Called("", "python", json.dumps({"code": as_text(item["code"])}))]
    if kind == "web_search_call":
        action, *_ = as_text(item["action"]["type"]).split("_")  # search, open_page, find_in_page
        given = {key: value for key, value in item["action"].items() if key != "type"}
        return [Called("", f"browser_{action}", json.dumps(given))]
    return []


def _item(item: Item, at: int) -> dict[str, Any]:
    match item:
        case Said(role, text):
            return {"type": "message", "role": role, "content": text}
        case Thought(text):
            content = [{"type": "reasoning_text", "text": text}]
            return {"type": "reasoning", "id": f"rs_{at}", "summary": [], "content": content}
        case Called(id, name, arguments):
            return {"type": "function_call", "call_id": id, "name": name, "arguments": arguments}
        case Returned(id, text):
            return {"type": "function_call_output", "call_id": id, "output": text}
