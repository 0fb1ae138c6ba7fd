"""An MCP server by streamable HTTP: a session is a connection, and whoever has no token gets none.

The SDK's own manager opens a server's resources once for all clients, and knows sessions only until version 2025-11-25
of the protocol; later ones have none. Here every client gets a session, since tools keep state: one that speaks a later
version is told so by its first request, and opens with the earlier handshake.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import anyio
from anyio.abc import TaskGroup, TaskStatus
from mcp.server.lowlevel import Server
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER, StreamableHTTPServerTransport
from mcp.server.transport_security import (
    DEFAULT_MAX_REQUEST_BODY_SIZE,
    RequestBodyLimitMiddleware,
    TransportSecuritySettings,
)
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types import UNSUPPORTED_PROTOCOL_VERSION
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cadenza.tools import clean_line

_log = logging.getLogger(__name__)
logging.getLogger("mcp").addHandler(logging.NullHandler())  # the SDK's: what a client says is not for the screen

MOST_SESSIONS: Final = 32
"""At once: each may hold a sandbox."""
IDLE_SECONDS: Final = 30 * 60.0
"""Without a request, after which a session is closed."""
GONE_SECONDS: Final = 60.0
"""The same, where a client has had a stream open for what we may tell it, as the SDK does, and has it no more."""

_LOOPBACK: Final = ("127.0.0.1:*", "localhost:*", "[::1]:*")
_SECURITY: Final = TransportSecuritySettings(
    allowed_hosts=list(_LOOPBACK), allowed_origins=[f"http://{host}" for host in _LOOPBACK]
)


def application(server: Server[Any], tasks: TaskGroup, token: str, *, gone: float = GONE_SECONDS) -> ASGIApp:
    """What uvicorn serves, at /mcp. tasks: in which the sessions live; gone: see GONE_SECONDS."""
    sessions = Sessions(server, tasks, gone)
    return _Guard(RequestBodyLimitMiddleware(sessions, DEFAULT_MAX_REQUEST_BODY_SIZE), token)


class _Guard:
    """Lets through who has the token. Host and Origin are for the transport to check."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        given = Headers(scope=scope).get("authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._wanted):
            refusal = PlainTextResponse("a bearer token is needed", 401, {"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
        elif scope["path"] != "/mcp":
            await PlainTextResponse("the server is at /mcp", 404)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


@dataclass(slots=True)
class _Client:
    """listens: has it ever opened a stream; open: its requests that are being answered, that stream among them."""

    transport: StreamableHTTPServerTransport
    listens: bool = False
    open: int = 0

    async def handle(self, scope: Scope, receive: Receive, send: Send, gone: float) -> None:
        self.listens = self.listens or scope["method"] == "GET"
        self.open += 1
        try:
            await self.transport.handle_request(scope, receive, send)
        finally:
            self.open -= 1
            if self.listens and not self.open and self.transport.idle_scope is not None:
                self.transport.idle_scope.deadline = anyio.current_time() + gone


class Sessions:
    """A transport for each client, by its id."""

    def __init__(self, server: Server[Any], tasks: TaskGroup, gone: float) -> None:
        self._server = server
        self._tasks = tasks
        self._gone = gone
        self._open: dict[str, _Client] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        id = Headers(scope=scope).get(MCP_SESSION_ID_HEADER)
        if id is None:
            await self._begin(scope, receive, send)
        elif id in self._open:
            await self._open[id].handle(scope, receive, send, self._gone)
        else:
            await PlainTextResponse("no such session", 404)(scope, receive, send)

    async def _begin(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Opens a session for a first request; one that the request does not really begin is closed again."""
        spoken = Headers(scope=scope).get(MCP_PROTOCOL_VERSION_HEADER)
        if spoken is not None and spoken not in HANDSHAKE_PROTOCOL_VERSIONS:
            await _other_version(spoken)(scope, receive, send)
            return
        if len(self._open) >= MOST_SESSIONS:
            await PlainTextResponse("too many sessions; try again later", 503)(scope, receive, send)
            return
        transport = StreamableHTTPServerTransport(
            mcp_session_id=uuid4().hex, security_settings=_SECURITY, idle_timeout=IDLE_SECONDS
        )
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._tasks.start(self._serve, transport)
            await transport.handle_request(scope, receive, watch)
        finally:
            if status >= 400:
                with anyio.CancelScope(shield=True):
                    await transport.terminate()

    async def _serve(
        self, transport: StreamableHTTPServerTransport, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """One session, until the client ends it, or says nothing for long."""
        id = transport.mcp_session_id
        assert id is not None
        try:
            async with transport.connect() as (read, write):
                self._open[id] = _Client(transport)
                task_status.started()
                with transport.idle_scope or anyio.CancelScope():
                    await self._server.run(read, write, self._server.create_initialization_options())
        except Exception as error:  # the end of one session, and of no other
            _log.warning("a session ended: %s", clean_line(f"{type(error).__name__}: {error}"))
        finally:
            self._open.pop(id, None)
            with anyio.CancelScope(shield=True):
                await transport.terminate()


def _other_version(spoken: str) -> JSONResponse:
    """Names the versions that have sessions; a client falls back to the latest of them."""
    data = {"requested": spoken, "supported": list(HANDSHAKE_PROTOCOL_VERSIONS)}
    error = {"code": UNSUPPORTED_PROTOCOL_VERSION, "message": "only versions with sessions are spoken", "data": data}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, 400)
