"""Messages as values: who says what, on which channel, to whom.

Everything is frozen and comparable. `to_json` and `from_json` speak the JSON form of openai-harmony 0.0.8.
Rendering lives in `render`, parsing in `parse`; nothing here knows a token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias, get_args

from .errors import HarmonyError

JsonObject: TypeAlias = Mapping[str, Any]


class Role(StrEnum):
    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Channel(StrEnum):
    """Where an assistant speaks: reasoning, calls and preambles, the answer.

    Models may sample any word here, so a message's channel is a plain string.
    """

    ANALYSIS = "analysis"
    COMMENTARY = "commentary"
    FINAL = "final"


Effort: TypeAlias = Literal["low", "medium", "high"]
EFFORTS: tuple[Effort, ...] = get_args(Effort)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDescription:
    """One function as the model sees it. parameters: a JSON Schema, None for a function without arguments."""

    name: str
    description: str
    parameters: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolNamespace:
    """A group of functions. One without functions (such as `python`) is prose, and is called by its own name.

    key: what the JSON form lists it under, where that is not its name.
    """

    name: str
    description: str | None = None
    tools: tuple[ToolDescription, ...] = ()
    key: str | None = None

    @property
    def listed_as(self) -> str:
        """What decides its place in the text, and whether it holds the functions."""
        return self.name if self.key is None else self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseFormat:
    """A shape that the final answer has to take. schema: a JSON Schema."""

    name: str
    schema: JsonObject
    description: str | None = None


@dataclass(frozen=True, slots=True)
class TextContent:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemContent:
    """What the model is told about itself: identity, dates, effort, built-in tools, channels.

    Dates are free text, as in "2024-06" and "2026-01-31". A None leaves its line out.
    """

    model_identity: str | None = "You are ChatGPT, a large language model trained by OpenAI."
    knowledge_cutoff: str | None = "2024-06"
    current_date: str | None = None
    effort: Effort | None = "medium"
    tools: tuple[ToolNamespace, ...] = ()
    channels: tuple[str, ...] = (Channel.ANALYSIS, Channel.COMMENTARY, Channel.FINAL)
    channel_required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeveloperContent:
    """What the author of the agent tells the model: instructions, functions, response formats."""

    instructions: str | None = None
    tools: tuple[ToolNamespace, ...] = ()
    response_formats: tuple[ResponseFormat, ...] = ()


Content: TypeAlias = TextContent | SystemContent | DeveloperContent


NO_TOOL: Final = (None, "all", "user", Role.ASSISTANT)
"""Recipients that make no call of a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message.

    role: who speaks; name: the tool's name for role `tool` ("python", "functions.weather");
    channel, recipient ("functions.weather", "assistant"), content_type ("<|constrain|>json", "code"): the header.
    content: its parts, each encoded by itself.
    """

    role: Role
    content: tuple[Content, ...] = field(default=())
    name: str | None = None
    channel: str | None = None
    recipient: str | None = None
    content_type: str | None = None

    def __post_init__(self) -> None:
        for part in self.content:
            for kind, role in ((SystemContent, Role.SYSTEM), (DeveloperContent, Role.DEVELOPER)):
                if isinstance(part, kind) and self.role != role:
                    raise HarmonyError(f"{kind.__name__} may only appear in {role} messages, found in {self.role}")

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "".join(part.text for part in self.content if isinstance(part, TextContent))

    @classmethod
    def system(cls, content: SystemContent | str) -> Message:
        return cls(role=Role.SYSTEM, content=(_part(content),))

    @classmethod
    def developer(cls, content: DeveloperContent | str) -> Message:
        return cls(role=Role.DEVELOPER, content=(_part(content),))

    @classmethod
    def user(cls, text: str) -> Message:
        return cls(role=Role.USER, content=(TextContent(text),))

    @classmethod
    def assistant(
        cls, text: str, *, channel: str, recipient: str | None = None, content_type: str | None = None
    ) -> Message:
        return cls(
            role=Role.ASSISTANT,
            content=(TextContent(text),),
            channel=channel,
            recipient=recipient,
            content_type=content_type,
        )

    @classmethod
    def tool(cls, name: str, text: str, *, channel: str | None = Channel.COMMENTARY) -> Message:
        """A tool's result, addressed to the assistant on the channel of the call."""
        content = (TextContent(text),)
        return cls(role=Role.TOOL, name=name, content=content, channel=channel, recipient=Role.ASSISTANT)

    def to_json(self) -> dict[str, Any]:
        """The JSON form of openai-harmony: absent keys instead of nulls, a single text as a plain string."""
        only_text = len(self.content) == 1 and isinstance(self.content[0], TextContent)
        content: str | list[dict[str, Any]] = self.text if only_text else [_part_to_json(p) for p in self.content]
        header = {"name": self.name, "channel": self.channel, "recipient": self.recipient}
        header["content_type"] = self.content_type
        return {"role": str(self.role), "content": content} | {k: v for k, v in header.items() if v is not None}

    @classmethod
    def from_json(cls, data: JsonObject) -> Message:
        """Raises HarmonyError that names the field at fault. Unknown keys are ignored, a null counts as absent."""
        if not isinstance(data, Mapping):
            raise HarmonyError(f"a message must be an object, not {type(data).__name__}")
        role = data.get("role")
        if role not in list(Role):
            raise HarmonyError(f"role: {role!r} is none of {', '.join(Role)}")
        raw = data.get("content")
        if isinstance(raw, str):
            parts: tuple[Content, ...] = (TextContent(raw),)
        elif isinstance(raw, Sequence):
            parts = tuple(_part_from_json(part, f"content[{at}]") for at, part in enumerate(raw))
        else:
            raise HarmonyError("content: must be a string or a list of parts")
        return cls(
            role=Role(role),
            content=parts,
            name=_optional_text(data, "name"),
            channel=_optional_text(data, "channel"),
            recipient=_optional_text(data, "recipient"),
            content_type=_optional_text(data, "content_type"),
        )


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages in order."""

    messages: tuple[Message, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {"messages": [message.to_json() for message in self.messages]}

    @classmethod
    def from_json(cls, data: JsonObject) -> Conversation:
        """Raises HarmonyError that names the message and the field at fault."""
        messages = data.get("messages") if isinstance(data, Mapping) else None
        if not isinstance(messages, list):
            raise HarmonyError("messages: must be a list")
        parsed = []
        for at, message in enumerate(messages):
            try:
                parsed.append(Message.from_json(message))
            except HarmonyError as error:
                raise HarmonyError(f"messages[{at}]: {error}") from None
        return cls(tuple(parsed))


def is_call(message: Message) -> bool:
    """Whether a tool is to answer: the recipient decides, not the channel."""
    return message.role is Role.ASSISTANT and message.recipient not in NO_TOOL


def has_functions(messages: Sequence[Message]) -> bool:
    """Whether any developer message offers functions: the system message then names their channel."""
    return any(
        namespace.listed_as == "functions" and namespace.tools
        for message in messages
        for part in message.content
        if isinstance(part, DeveloperContent)
        for namespace in part.tools
    )


def _part(content: Content | str) -> Content:
    return TextContent(content) if isinstance(content, str) else content


# JSON of the parts. The reference keys tools by namespace and spells efforts with a capital letter.


def _part_to_json(part: Content) -> dict[str, Any]:
    match part:
        case TextContent(text):
            return {"type": "text", "text": text}
        case SystemContent():
            fields = {
                "model_identity": part.model_identity,
                "reasoning_effort": part.effort.capitalize() if part.effort else None,
                "conversation_start_date": part.current_date,
                "knowledge_cutoff": part.knowledge_cutoff,
                "channel_config": {
                    "valid_channels": [str(channel) for channel in part.channels],
                    "channel_required": part.channel_required,
                },
                "tools": _namespaces_to_json(part.tools),
            }
            return {"type": "system_content"} | {key: value for key, value in fields.items() if value is not None}
        case DeveloperContent():
            formats = [
                {"name": shape.name, "description": shape.description, "schema": shape.schema}
                for shape in part.response_formats
            ]
            told = {
                "instructions": part.instructions,
                "tools": _namespaces_to_json(part.tools),
                "response_formats": formats or None,
            }
            return {"type": "developer_content"} | {key: value for key, value in told.items() if value is not None}


def _namespaces_to_json(namespaces: tuple[ToolNamespace, ...]) -> dict[str, Any] | None:
    def tool_to_json(tool: ToolDescription) -> dict[str, Any]:
        return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}

    return {
        space.listed_as: {
            "name": space.name,
            "description": space.description,
            "tools": [tool_to_json(tool) for tool in space.tools],
        }
        for space in namespaces
    } or None


def _part_from_json(data: Any, where: str) -> Content:
    if not isinstance(data, Mapping):
        raise HarmonyError(f"{where}: must be an object")
    match data.get("type"):
        case "text":
            text = data.get("text")
            if not isinstance(text, str):
                raise HarmonyError(f"{where}.text: must be a string")
            return TextContent(text)
        case "system_content":
            effort = (_optional_text(data, "reasoning_effort") or "").lower()
            if effort and effort not in EFFORTS:
                raise HarmonyError(f"{where}.reasoning_effort: {effort!r} is none of {', '.join(EFFORTS)}")
            channels = data.get("channel_config") or {}
            listed = channels.get("valid_channels", []) if isinstance(channels, Mapping) else None
            if not isinstance(listed, list) or not all(isinstance(channel, str) for channel in listed):
                raise HarmonyError(f"{where}.channel_config: must be an object with valid_channels, a list of strings")
            return SystemContent(
                model_identity=_optional_text(data, "model_identity"),
                knowledge_cutoff=_optional_text(data, "knowledge_cutoff"),
                current_date=_optional_text(data, "conversation_start_date"),
                effort=next((known for known in EFFORTS if known == effort), None),
                tools=_namespaces_from_json(data.get("tools"), f"{where}.tools"),
                channels=tuple(listed),
                channel_required=bool(channels.get("channel_required", False)),
            )
        case "developer_content":
            return DeveloperContent(
                instructions=_optional_text(data, "instructions"),
                tools=_namespaces_from_json(data.get("tools"), f"{where}.tools"),
                response_formats=_formats_from_json(data.get("response_formats"), f"{where}.response_formats"),
            )
        case other:
            raise HarmonyError(f"{where}.type: {other!r} is none of text, system_content, developer_content")


def _namespaces_from_json(data: Any, where: str) -> tuple[ToolNamespace, ...]:
    if data is None:
        return ()
    if not isinstance(data, Mapping):
        raise HarmonyError(f"{where}: must map a namespace's name to its tools")
    try:
        return tuple(
            ToolNamespace(
                key=None if key == space["name"] else key,
                name=_text(space, "name"),
                description=_optional_text(space, "description"),
                tools=tuple(
                    ToolDescription(
                        name=_text(tool, "name"),
                        description=_optional_text(tool, "description") or "",
                        parameters=tool.get("parameters"),
                    )
                    for tool in space.get("tools", ())
                ),
            )
            for key, space in data.items()
        )
    except (HarmonyError, KeyError, TypeError, AttributeError) as error:
        raise HarmonyError(f"{where}: a namespace needs a name, and each of its tools one: {error}") from None


def _formats_from_json(data: Any, where: str) -> tuple[ResponseFormat, ...]:
    try:
        return tuple(
            ResponseFormat(
                name=_text(shape, "name"), schema=shape["schema"], description=_optional_text(shape, "description")
            )
            for shape in data or ()
        )
    except (HarmonyError, KeyError, TypeError, AttributeError) as error:
        raise HarmonyError(f"{where}: each needs a name and a schema: {error}") from None


def _text(data: JsonObject, key: str) -> str:
    value = data[key]
    if isinstance(value, str):
        return value
    raise HarmonyError(f"{key}: must be a string, not {type(value).__name__}")


def _optional_text(data: JsonObject, key: str) -> str | None:
    return None if data.get(key) is None else _text(data, key)
