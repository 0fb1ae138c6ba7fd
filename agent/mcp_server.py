"""Our tools as an MCP server, for other agents.

A client's session has its own tool sessions, opened and closed with its connection by the task that serves it. Whoever
starts the server decides which tools there are. The rules of a run hold here too: what would ask is refused, unless it
was granted beforehand, since nobody is there who could say yes.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

import anyio
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    BlobResourceContents,
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)

from cadenza.harmony import ToolNamespace
from cadenza.tools import (
    RESULT_BYTES,
    Artefact,
    ToolContext,
    ToolError,
    ToolResult,
    ToolSession,
    Toolset,
    Traits,
    compact_json,
    fit,
)

from .approval import Approvals, why_asked
from .secrets import Redactor
from .toolbox import Toolbox, call_of

_CUT = "[a call of this tool was cancelled: what earlier calls left in it, such as variables, may be lost]"
_NO_ARGUMENTS = {"type": "object", "properties": {}, "additionalProperties": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What every session is given: tools, the rules for their calls, and what is cut out of their results."""

    toolsets: Sequence[Toolset]
    approvals: Approvals
    redactor: Redactor


@dataclass(frozen=True, slots=True)
class _Entry:
    """A tool in one session. text: the one argument of a tool that takes text, such as the code of `python`."""

    tool: Tool
    recipient: str
    session: ToolSession
    text: str | None

    @property
    def namespace(self) -> str:
        return self.session.namespace.name


@dataclass(slots=True)
class _Desk:
    """The tools of one client's session.

    called: what its calls so far mean, for the rules; cut: namespaces whose last call was cancelled.
    """

    offer: Offer
    entries: dict[str, _Entry]
    called: list[Traits] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)

    def find(self, name: str) -> _Entry:
        """Raises MCPError for a tool that is not there."""
        if name not in self.entries:
            raise MCPError(INVALID_PARAMS, f"no tool {name[:80]!r}; there is {', '.join(self.entries)}")
        return self.entries[name]

    async def answer(self, entry: _Entry, arguments: dict[str, Any], context: ToolContext[None]) -> ToolResult:
        """Whatever comes of a call is a result."""
        text = compact_json(arguments) if entry.text is None else arguments.get(entry.text)
        if not isinstance(text, str):
            return ToolResult(text=f"{entry.text}: must be a string", status="error")
        if refused := self._refused(entry, text):
            return ToolResult(text=f"[not allowed: {refused}]", status="denied")
        traits = entry.session.traits(entry.recipient)
        self.called.append(traits)
        try:
            with context.active():
                result = self.offer.redactor.result(await call_of(entry.session, entry.recipient, text))
        except ToolError as error:
            result = ToolResult(text=self.offer.redactor.text(str(error)), status="error")
        except anyio.get_cancelled_exc_class():
            if traits.stateful:
                self.cut.add(entry.namespace)
            raise
        if entry.namespace in self.cut:
            self.cut.remove(entry.namespace)
            result = replace(result, text=f"{_CUT}\n{result.text}")
        return fit(result, traits.result_bytes or RESULT_BYTES)

    def _refused(self, entry: _Entry, text: str) -> str:
        """Why the call may not be made; empty if it may."""
        asks = why_asked(entry.session.traits(entry.recipient), self.called)
        is_text = entry.text is not None
        verdict = self.offer.approvals.decide(entry.recipient, text, is_text=is_text, asks=asks)
        if verdict.decision == "ask":
            return f"{verdict.reason}, and nobody is there to say yes; `agent mcp serve --allow RULE` does beforehand"
        return verdict.reason if verdict.decision == "deny" else ""


def server_of(offer: Offer) -> Server[_Desk]:
    """An MCP server whose every connection opens the tools, and closes them when it ends."""

    @asynccontextmanager
    async def lifespan(_: Server[_Desk]) -> AsyncIterator[_Desk]:
        async with Toolbox.open(offer.toolsets) as box:
            yield _Desk(offer, {entry.tool.name: entry for entry in _entries(box)})

    async def list_tools(context: ServerRequestContext[_Desk], _: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[entry.tool for entry in context.lifespan_context.entries.values()])

    async def call_tool(context: ServerRequestContext[_Desk], params: CallToolRequestParams) -> CallToolResult:
        desk = context.lifespan_context
        entry = desk.find(params.name)
        async with _progress(context) as tool_context:
            result = await desk.answer(entry, params.arguments or {}, tool_context)
        return CallToolResult(content=_content(result), is_error=result.status != "ok")

    return Server(
        "cadenza", version=version("cadenza"), lifespan=lifespan, on_list_tools=list_tools, on_call_tool=call_tool
    )


def _entries(box: Toolbox) -> Iterator[_Entry]:
    """`python`, `browser_search`, and functions without a namespace of their own by their bare names."""
    taken = set[str]()
    for space in (*box.built_in, *box.functions):
        _, session = box.find(space.name)
        assert session is not None
        for recipient, tool, text in _tools(space):
            name, number = tool.name, 2
            while tool.name in taken:
                tool, number = tool.model_copy(update={"name": f"{name}_{number}"}), number + 1
            taken.add(tool.name)
            yield _Entry(tool, recipient, session, text)


def _tools(space: ToolNamespace) -> Iterator[tuple[str, Tool, str | None]]:
    """Recipient, tool and, where the tool takes text, the name of that argument."""
    prefix = "" if space.name == "functions" else f"{space.name}_"
    for tool in space.tools:
        schema = dict(_NO_ARGUMENTS if tool.parameters is None else tool.parameters)
        described = Tool(name=f"{prefix}{tool.name}", description=tool.description, input_schema=schema)
        yield f"{space.name}.{tool.name}", described, None
    if not space.tools:
        text = "code" if space.name == "python" else "input"
        schema = {"type": "object", "properties": {text: {"type": "string"}}, "required": [text]}
        yield space.name, Tool(name=space.name, description=space.description, input_schema=schema), text


@asynccontextmanager
async def _progress(context: ServerRequestContext[_Desk]) -> AsyncIterator[ToolContext[None]]:
    """The context of a call, whose progress goes to the client."""
    texts, shown = anyio.create_memory_object_stream[str](100)

    def tell(text: str) -> None:
        with suppress(anyio.WouldBlock):  # a client that is slow misses some
            texts.send_nowait(text)

    async def forward() -> None:
        with shown:
            number = 0
            async for text in shown:
                number += 1
                await context.session.report_progress(number, None, text)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(forward)
        with texts:
            yield ToolContext(deps=None, on_progress=tell)


def _content(result: ToolResult) -> list[ContentBlock]:
    images = [
        ImageContent(type="image", data=base64.b64encode(image.data).decode(), mime_type=image.media_type)
        for image in result.images
    ]
    return [TextContent(type="text", text=result.text), *images, *map(_resource, result.artefacts)]


def _resource(file: Artefact) -> EmbeddedResource:
    contents = BlobResourceContents(
        uri=f"artefact:///{quote(file.name, errors='replace')}",
        mime_type=file.media_type,
        blob=base64.b64encode(file.data).decode(),
    )
    return EmbeddedResource(type="resource", resource=contents)
