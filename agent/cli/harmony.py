"""`agent harmony`: the format at work, JSON lines in, JSON lines out. A bad line is answered by its error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from cadenza.harmony import (
    POLICIES,
    Conversation,
    DeveloperContent,
    HarmonyError,
    Message,
    MessageFinished,
    Mode,
    Role,
    ToolDescription,
    ToolNamespace,
    content_text,
    has_functions,
    mend_calls,
    o200k_harmony,
    open_turn,
    parse,
    parse_like_reference,
    render,
    render_conversation,
)
from cadenza.tools import clean

ParseMode: TypeAlias = Literal["native", "strict", "lenient"]
Purpose: TypeAlias = Literal["completion", "conversation", "training"]
Answer: TypeAlias = Callable[[Mapping[str, Any]], dict[str, Any]]


def render_lines(mode: Mode, purpose: Purpose, keep_analysis: bool) -> int:
    return _answer_lines(partial(_render, mode, purpose, keep_analysis))


def parse_lines(mode: ParseMode) -> int:
    return _answer_lines(partial(_parse, mode))


def tools_lines(mode: Mode) -> int:
    return _answer_lines(partial(_tools, mode))


def show_lines() -> int:
    """Prints the messages of each line, framed; a line has `messages` or `tokens`."""
    console = Console(highlight=False, markup=False, emoji=False)
    for line in _lines():
        try:
            _show(console, _read(line))
        except _BAD as error:
            console.print(Text(f"error: {clean(_told(error))}", style="red"))
    return 0


# --- lines ------------------------------------------------------------------------------------------------------------

_BAD = (HarmonyError, ValueError, TypeError, RecursionError)


def _answer_lines(answer: Answer) -> int:
    for line in _lines():
        try:
            told = answer(_read(line))
        except _BAD as error:
            told = {"error": _told(error)}
        print(json.dumps(told, ensure_ascii=False), flush=True)
    return 0


def _lines() -> Iterator[bytes]:
    return (line for line in sys.stdin.buffer if line.strip())


def _read(line: bytes) -> Mapping[str, Any]:
    """Raises ValueError for what is no JSON object."""
    try:
        value = json.loads(line)
    except ValueError as error:  # also for what is not UTF-8
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"a line is a JSON object, not {type(value).__name__}")
    return value


def _told(error: BaseException) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())


def _role(name: object) -> Role:
    if name not in list(Role):
        raise ValueError(f"role: {name!r} is none of {', '.join(Role)}")
    return Role(str(name))


def _tokens(data: Mapping[str, Any]) -> list[int]:
    tokens = data.get("tokens")
    if not isinstance(tokens, list) or not all(type(token) is int for token in tokens):
        raise ValueError("tokens: must be a list of integers")
    return tokens


# --- answers ----------------------------------------------------------------------------------------------------------


def _render(mode: Mode, purpose: Purpose, keep_analysis: bool, data: Mapping[str, Any]) -> dict[str, Any]:
    vocabulary, messages = o200k_harmony(), Conversation.from_json(data).messages
    policy = POLICIES["keep_all" if keep_analysis else "reference" if mode == "reference" else "per_turn"]
    functions, training = has_functions(messages), purpose == "training"
    kept = policy(messages) if mode == "reference" else mend_calls(policy(messages))
    ids = render_conversation(kept, vocabulary, mode=mode, training=training, functions=functions)
    if purpose == "completion":
        ids += open_turn(vocabulary, _role(data.get("next_role", "assistant")))
    return {"tokens": ids, "text": _text(ids)}


def _parse(mode: ParseMode, data: Mapping[str, Any]) -> dict[str, Any]:
    if mode == "native":
        finished = _parsed(data)
        messages = [each.message for each in finished]
        repairs = [str(repair) for each in finished for repair in each.repairs]
    else:
        messages = parse_like_reference(_tokens(data), o200k_harmony(), _given_role(data), strict=mode == "strict")
        repairs = []
    return {"messages": [message.to_json() for message in messages], "repairs": repairs}


def _parsed(data: Mapping[str, Any]) -> list[MessageFinished]:
    return parse(_tokens(data), o200k_harmony(), role=_given_role(data))


def _given_role(data: Mapping[str, Any]) -> Role | None:
    return None if data.get("role") is None else _role(data["role"])


def _tools(mode: Mode, data: Mapping[str, Any]) -> dict[str, Any]:
    name, description, parameters = data.get("name"), data.get("description") or "", data.get("parameters")
    if not isinstance(name, str) or not isinstance(description, str):
        raise ValueError("a tool needs a name, and both name and description are strings")
    tool = ToolDescription(name=name, description=description, parameters=parameters)
    content = DeveloperContent(tools=(ToolNamespace(name="functions", tools=(tool,)),))
    return {"text": content_text(content, mode=mode)}


def _text(ids: Iterable[int]) -> str:
    return b"".join(map(o200k_harmony().token_bytes, ids)).decode("utf-8", "replace")


_STYLES = {Role.SYSTEM: "magenta", Role.DEVELOPER: "blue", Role.USER: "white", Role.TOOL: "green"}


def _show(console: Console, data: Mapping[str, Any]) -> None:
    if "tokens" in data:
        finished = _parsed(data)
        messages = [each.message for each in finished]
        notes = [(len(each.ids), each.repairs) for each in finished]
        functions = has_functions(messages)
    else:
        messages = list(Conversation.from_json(data).messages)
        functions = has_functions(messages)
        notes = [(len(render(message, o200k_harmony(), functions=functions)), ()) for message in messages]
    for message, (size, repairs) in zip(messages, notes, strict=True):
        console.print(_panel(message, size, repairs, functions))
    console.print(Text(f"{len(messages)} messages, {sum(size for size, _ in notes):,} tokens", style="dim"))


def _panel(message: Message, size: int, repairs: Iterable[str], functions: bool) -> Panel:
    speaker = message.name if message.role is Role.TOOL and message.name else str(message.role)
    head = [speaker, message.channel, message.recipient and f"to {message.recipient}", message.content_type]
    style = _STYLES.get(message.role, "dim" if message.channel == "analysis" else "cyan")
    body = "".join(content_text(part, functions=functions) for part in message.content)
    foot = ", ".join([f"{size:,} tokens", *(f"repaired: {repair}" for repair in repairs)])
    return Panel(
        Text(clean(body)),
        title=Text(clean(" · ".join(filter(None, head)))),
        subtitle=Text(foot),
        title_align="left",
        subtitle_align="right",
        border_style=style,
        box=box.ROUNDED,
    )
