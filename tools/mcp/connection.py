"""One connection to a server, from its start to its end, in a task of its own.

The SDK's contexts must be left by the task that entered them, and a run is a generator that anybody may go on with or
close. So the connection has a task: `open` waits until it is ready, `close` until it is over. Calls come from any task.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx2
from mcp import Client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    METHOD_NOT_FOUND,
    Implementation,
    ListToolsResult,
    Tool,
    ToolListChangedNotification,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ..errors import ToolError
from ..plain import clean_line
from . import http
from .process import Program, Streams

if TYPE_CHECKING:
    from .toolset import McpToolset

CLOSE_SECONDS: Final = 5.0
LIST_SECONDS: Final = 1.0
"""For a list of tools that has changed."""
MOST_PAGES: Final = 200
"""Of a server's list of tools."""

for _name in ("mcp", "client"):  # the SDK's loggers: what a server says is not for the screen
    logging.getLogger(_name).addHandler(logging.NullHandler())


class Connection:
    """A client, and what its server offers. Made by `open`.

    tools: as listed last; forgotten: the server has ended the session, and refused what was sent since.
    """

    def __init__(self, toolset: McpToolset) -> None:
        self._toolset = toolset
        self._program = None
        if toolset.url is None:
            self._program = Program(toolset.command, toolset.environment(), toolset.folder)
        self._scope = anyio.CancelScope()
        self._task: asyncio.Task[None] | None = None
        self._ready, self._over = anyio.Event(), anyio.Event()
        self._stale, self._listed = anyio.Event(), anyio.Event()
        self._error: BaseException | None = None
        self._client: Client | None = None
        self._broken = False
        self.tools: list[Tool] = []
        self.forgotten = False

    @classmethod
    async def open(cls, toolset: McpToolset) -> Connection:
        """Raises ToolError that says what the server died of."""
        connection = cls(toolset)
        connection._task = asyncio.create_task(connection._live(), name=f"mcp {toolset.name}")
        try:
            with anyio.move_on_after(toolset.start_timeout):
                await connection._ready.wait()
            if not connection._ready.is_set():
                raise ToolError(f"was not ready within {toolset.start_timeout:g} seconds{connection.last_words}")
            if connection._error is not None:
                raise ToolError(f"{told(connection._error)}{connection.last_words}")
        except BaseException:
            await connection.close()
            raise
        return connection

    async def close(self) -> None:
        """Ends the client, and the program if it is one. Never interrupted; may be called twice."""
        self._scope.cancel()
        with anyio.CancelScope(shield=True), anyio.move_on_after(CLOSE_SECONDS):
            await self._over.wait()

    @property
    def client(self) -> Client:
        assert self._client is not None  # it is ready
        return self._client

    @property
    def alive(self) -> bool:
        """As far as is known."""
        ended = self._program is not None and self._program.has_ended
        return not (ended or self._broken or self._over.is_set())

    async def is_broken_by(self, error: MCPError) -> bool:
        """Whether that was the end of the connection, and not the server's word on a call."""
        if error.code == CONNECTION_CLOSED and not http.breach(error.message):
            self._broken = True
            if self._program is not None:
                await self._program.ended()  # for its last words
        return not self.alive

    async def listed(self) -> None:
        """Waits, for a moment, until `tools` are those that the server has announced last."""
        with anyio.move_on_after(LIST_SECONDS if self.alive else 0):
            await self._listed.wait()

    @property
    def instructions(self) -> str:
        return self.client.instructions or ""

    @property
    def last_words(self) -> str:
        """Of a program: to follow what went wrong."""
        return "" if self._program is None else self._program.last_words

    async def _live(self) -> None:
        try:
            with self._scope:
                async with self._streams() as streams, self._client_of(streams) as self._client:
                    self.tools = await _list(self.client)
                    self._listed.set()
                    self._ready.set()
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(self._subscribe)
                        await self._keep_listed()
        except Exception as error:  # whatever a server makes of the SDK
            self._error = error
        finally:
            self._ready.set()
            self._over.set()

    @asynccontextmanager
    async def _streams(self) -> AsyncIterator[Any]:
        if self._program is not None:
            async with self._program.streams() as streams:
                yield streams
            return
        assert self._toolset.url is not None
        async with http.streams(self._toolset.url, self._toolset.request_headers(), self._look_at) as streams:
            yield streams

    async def _look_at(self, response: httpx2.Response) -> None:
        """By this status a server says that it no longer knows the session, and did not take the message."""
        if response.status_code == HTTPStatus.NOT_FOUND and "mcp-session-id" in response.request.headers:
            self._broken = self.forgotten = True

    def _client_of(self, streams: Streams) -> Client:
        """Without callbacks: what a server asks of us (sampling, elicitation, roots) the SDK declines."""
        return Client(
            _Opened(streams),
            client_info=Implementation(name="cadenza", version=version("cadenza")),
            message_handler=self._heard,
            cache=None,
        )

    async def _heard(self, message: object) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._announce()

    async def _subscribe(self) -> None:
        """Newer servers tell of changes to whom asked for it."""
        offered = self.client.server_capabilities.tools
        if self.client.protocol_version not in MODERN_PROTOCOL_VERSIONS or not (offered and offered.list_changed):
            return
        try:
            async with self.client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    self._announce()
        except (MCPError, ListenNotSupportedError, SubscriptionLost, TimeoutError):
            return  # the list stays as it is

    def _announce(self) -> None:
        """The server's list is another one."""
        self._stale.set()
        if self._listed.is_set():
            self._listed = anyio.Event()

    async def _keep_listed(self) -> None:
        while True:
            await self._stale.wait()
            self._stale = anyio.Event()
            with suppress(MCPError, ToolError, ValueError):  # the list stays as it was
                self.tools = await _list(self.client)
            if not self._stale.is_set():
                self._listed.set()


class _Opened:
    """Streams that are open already, as the SDK's transport."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    async def __aenter__(self) -> Streams:
        return self._streams

    async def __aexit__(self, *_: object) -> None:
        return None


def told(error: BaseException) -> str:
    """What went wrong with a server, in one line; of a group of errors the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, MCPError) and (breach := http.breach(error.message)):
        return breach
    if isinstance(error, MCPError) and error.code == CONNECTION_CLOSED:
        return "it closed the connection"
    if isinstance(error, ToolError | MCPError):
        return clean_line(str(error)) or "an error without a message"
    if isinstance(error, ValueError):  # pydantic's are many lines long
        return "it does not keep to the protocol"
    return clean_line(f"{type(error).__name__}: {error}").rstrip(": ")


async def _list(client: Client) -> list[Tool]:
    """All that the server offers, page by page. Raises ToolError for a list without an end."""
    tools, cursor = list[Tool](), None
    for _ in range(MOST_PAGES):
        try:
            page: ListToolsResult = await client.list_tools(cursor=cursor)
        except MCPError as error:
            if error.code == METHOD_NOT_FOUND:
                return []
            raise
        tools += page.tools
        if page.next_cursor is None:
            return tools
        cursor = page.next_cursor
    raise ToolError(f"its list of tools has more than {MOST_PAGES} pages")
