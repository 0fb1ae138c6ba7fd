"""The Chat Completions API, as servers of gpt-oss speak it: reasoning in a field of its own, and passed back in it.

Source: OpenAI's API reference; `reasoning` (vLLM, Ollama, OpenRouter) or `reasoning_content` (llama.cpp, older vLLM).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

from .items import Asked, Called, Delta, Ended, Refused, Returned, Said, Thought, as_text, closed

_REASONING: Final = ("reasoning", "reasoning_content")


@dataclass(slots=True)
class Chat:
    """heard: how the server calls reasoning, once it has given any."""

    path: str = "/chat/completions"
    heard: str = field(default=_REASONING[0])

    def body(self, asked: Asked) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": asked.model,
            "messages": self._messages(asked),
            "reasoning_effort": asked.effort,
            "max_tokens": asked.limit,
            "seed": asked.sampling.seed,
            "stream": True,
            **asked.sampling.said,
        }
        if asked.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
                }
                for tool in asked.tools
            ]
        if asked.output is not None:
            shape = {"name": "answer", "schema": asked.output, "strict": closed(asked.output)}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        return body

    def _messages(self, asked: Asked) -> list[dict[str, Any]]:
        """Reasoning, a preamble and the calls after them are one message."""
        messages: list[dict[str, Any]] = []
        spoken: dict[str, Any] | None = None  # the assistant's message that is not finished
        for item in asked.items:
            if isinstance(item, Returned):
                spoken = None
                messages.append({"role": "tool", "content": item.text, "tool_call_id": item.id})
                continue
            if isinstance(item, Said) and item.role != "assistant":
                spoken = None
                messages.append({"role": item.role, "content": item.text})
                continue
            if spoken is None:
                spoken = {"role": "assistant", "content": ""}
                messages.append(spoken)
            if isinstance(item, Called):
                function = {"name": item.name, "arguments": item.arguments}
                spoken.setdefault("tool_calls", []).append({"id": item.id, "type": "function", "function": function})
            else:
                key = self.heard if isinstance(item, Thought) else "content"
                spoken[key] = "\n".join(filter(None, (spoken.get(key), item.text)))
        return messages

    async def deltas(self, events: AsyncIterator[dict[str, Any]]) -> AsyncGenerator[Delta, None]:
        calls: list[_Pieces] = []
        refusal = ""
        latest: dict[int | None, _Pieces] = {}  # by their index, which some servers leave out, or at 0
        async for event in events:
            if not (choices := event.get("choices")):
                continue
            delta = choices[0].get("delta") or {}
            for key in _REASONING:
                if text := delta.get(key):
                    self.heard = key
                    yield Thought(as_text(text))
                    break  # some servers say it under both names
            if text := delta.get("content"):
                yield Said("assistant", as_text(text))
            refusal += as_text(delta.get("refusal") or "")
            for call in delta.get("tool_calls") or ():
                index, id, function = call.get("index"), call.get("id") or "", call["function"]
                name, pieces = function.get("name") or "", latest.get(index)
                if pieces is None or (name and id not in ("", pieces.id)):  # an id alone: old vLLM has one per piece
                    calls.append(pieces := _Pieces(id))
                    latest[index] = pieces
                pieces.name += name
                pieces.arguments += function.get("arguments") or ""
            if reason := choices[0].get("finish_reason"):
                if reason == "abort":  # the server gave it up, not the model
                    return
                if reason == "content_filter":
                    raise Refused("the server's content filter ended the answer")
                if refusal:
                    raise Refused(f"the model refuses: {refusal}")
                for each in calls if reason != "length" else ():
                    yield Called("", each.name, each.arguments)
                yield Ended(cut=reason == "length")
                return


@dataclass(slots=True)
class _Pieces:
    """What has come of a call."""

    id: str
    name: str = ""
    arguments: str = ""
