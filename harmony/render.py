"""Messages -> token ids, in the header order that gpt-oss itself writes.

    <|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{...}<|call|>

- Every piece of text is encoded by itself and as ordinary text; token boundaries fall between pieces.
- A conversation is the concatenation of its messages' ids. Only the system message looks beyond itself: it
  names the channel of the functions that a developer message offers.
- The differences from openai-harmony 0.0.8: an assistant's recipient stands after the channel, where the model samples
  it, instead of before, so a sampled call renders back to its own ids; and schemas have types where the reference has
  none (see `typescript`). `mode="reference"` does as the reference does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from .conversation import (
    Channel,
    Content,
    DeveloperContent,
    Message,
    ResponseFormat,
    Role,
    SystemContent,
    TextContent,
    ToolDescription,
    ToolNamespace,
    has_functions,
)
from .errors import RenderError
from .typescript import Mode, typescript
from .vocabulary import Special, Vocabulary


def render(message: Message, vocabulary: Vocabulary, *, functions: bool = False, mode: Mode = "native") -> list[int]:
    """The ids of one message, from `<|start|>` to the token that ends it.

    functions: whether the conversation offers functions; matters to the system message alone.
    Raises RenderError for a tool message without a name, and for a response format that is no JSON.
    """
    ids = [int(Special.START)]
    for piece in _header(message, mode):
        ids.extend([piece] if isinstance(piece, Special) else vocabulary.encode(piece))
    ids.append(Special.MESSAGE)
    for part in message.content:
        ids.extend(vocabulary.encode(content_text(part, functions=functions, mode=mode)))
    calls = message.role is Role.ASSISTANT and message.recipient is not None
    ids.append(Special.CALL if calls else Special.END)
    return ids


def render_conversation(
    messages: Sequence[Message],
    vocabulary: Vocabulary,
    *,
    mode: Mode = "native",
    training: bool = False,
    functions: bool | None = None,
) -> list[int]:
    """The ids of the messages in order. Applies no reasoning policy: see `policy`.

    training: a final answer at the end closes with `<|return|>`, as the model is to sample it; functions: whether there
    are any, where the messages alone do not tell.
    """
    functions = has_functions(messages) if functions is None else functions
    ids = [id for message in messages for id in render(message, vocabulary, functions=functions, mode=mode)]
    if training and messages and messages[-1].role is Role.ASSISTANT and messages[-1].channel == Channel.FINAL:
        ids[-1] = int(Special.RETURN)
    return ids


def open_turn(vocabulary: Vocabulary, role: Role = Role.ASSISTANT) -> list[int]:
    """What a prompt ends in, so that the model goes on as `role`."""
    return [int(Special.START), *vocabulary.encode(role)]


def _header(message: Message, mode: Mode) -> Iterator[str | Special]:
    if message.role is Role.TOOL:
        if message.name is None:
            raise RenderError("a tool message needs the tool's name, such as 'python' or 'functions.weather'")
        yield message.name
    else:
        yield message.role
        if message.name is not None:
            yield f":{message.name}"
    recipient = None if message.recipient == "all" else message.recipient
    is_behind = mode == "native" and message.role is Role.ASSISTANT and message.channel is not None
    if recipient is not None and not is_behind:
        yield f" to={recipient}"
    if message.channel is not None:
        yield Special.CHANNEL
        yield message.channel
        if recipient is not None and is_behind:
            yield f" to={recipient}"
    if message.content_type is not None:
        constrained = message.content_type.removeprefix(Special.CONSTRAIN.text)
        if constrained != message.content_type:
            yield " "
            yield Special.CONSTRAIN
            yield constrained
        else:
            yield f" {message.content_type}"


def content_text(part: Content, *, functions: bool = False, mode: Mode = "native") -> str:
    """The text of one part as the model reads it."""
    match part:
        case TextContent(text):
            return text
        case SystemContent():
            return _system_text(part, functions, mode)
        case DeveloperContent():
            return _developer_text(part, mode)


def _system_text(content: SystemContent, functions: bool, mode: Mode) -> str:
    top = []
    if content.model_identity is not None:
        top.append(content.model_identity)
    if content.knowledge_cutoff is not None:
        top.append(f"Knowledge cutoff: {content.knowledge_cutoff}")
    if content.current_date is not None:
        top.append(f"Current date: {content.current_date}")
    sections = ["\n".join(top)] if top else []
    if content.effort is not None:
        sections.append(f"Reasoning: {content.effort}")
    if content.tools:
        sections.append(tools_text(content.tools, mode=mode))
    if content.channels:
        channels = f"# Valid channels: {', '.join(content.channels)}."
        if content.channel_required:
            channels += " Channel must be included for every message."
        if functions:
            channels += "\nCalls to these tools must go to the commentary channel: 'functions'."
        sections.append(channels)
    return "\n\n".join(sections)


def _developer_text(content: DeveloperContent, mode: Mode) -> str:
    sections = []
    if content.instructions is not None:
        sections += ["# Instructions", content.instructions]
    if content.tools:
        sections.append(tools_text(content.tools, mode=mode))
    if content.response_formats:
        sections += ["# Response Formats", *map(_format_text, content.response_formats)]
    return "\n\n".join(sections)


def _format_text(shape: ResponseFormat) -> str:
    try:
        schema = json.dumps(shape.schema, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        raise RenderError(f"the schema of the response format {shape.name!r} is nested too deeply") from None
    except (TypeError, ValueError) as error:  # a value that is none of JSON's, a cycle
        raise RenderError(f"the schema of the response format {shape.name!r} is no JSON: {error}") from None
    return f"## {shape.name}\n\n{_comment(shape.description or '')}{schema}"


def tools_text(namespaces: Sequence[ToolNamespace], *, mode: Mode = "native") -> str:
    """The `# Tools` section: namespaces in order of their keys' bytes, functions in their own order."""
    ordered = sorted(namespaces, key=lambda namespace: namespace.listed_as.encode())
    return "\n\n".join(["# Tools", *(_namespace_text(namespace, mode) for namespace in ordered)])


def _namespace_text(namespace: ToolNamespace, mode: Mode) -> str:
    lines = [f"## {namespace.name}\n"]
    mark = "// " if namespace.tools else ""
    lines += [mark + line for line in _lines(namespace.description or "")]
    if namespace.tools:
        lines.append(f"namespace {namespace.name} {{\n")
        lines += [_comment(tool.description) + _signature(tool, mode) for tool in namespace.tools]
        lines.append(f"}} // namespace {namespace.name}")
    return "\n".join(lines)


def _signature(tool: ToolDescription, mode: Mode) -> str:
    parameters = "" if tool.parameters is None else f"_: {typescript(tool.parameters, mode=mode)}"
    return f"type {tool.name} = ({parameters}) => any;\n"


def _comment(text: str) -> str:
    return "".join(f"// {line}\n" for line in _lines(text))


def _lines(text: str) -> list[str]:
    """Lines that end in LF or CRLF, as the reference splits them; a lone CR is text."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    ended = len(lines) if text.endswith("\n") else len(lines) - 1
    return [line.removesuffix("\r") if at < ended else line for at, line in enumerate(lines)]
