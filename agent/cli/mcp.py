"""`agent mcp serve`: our tools for other agents, on stdio, or on loopback for whoever has the token."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from cadenza.tools import clean

from ..errors import UserError
from ..secrets import Redactor, of_environment
from ..toolbox import Toolbox, toolsets_of
from .run import ANSWERED, INTERRUPTED, told
from .tools import tools_named

if TYPE_CHECKING:
    from ..mcp_server import Offer

TOKEN: Final = "CADENZA_MCP_TOKEN"
"""The variable that may hold the token of --http; else there is a new one at each start."""
_HOST: Final = "127.0.0.1"


def serve(
    names: Sequence[str],
    task: Path | None,
    *,
    port: int | None,
    workspace: Path | None,
    granted: Sequence[str],
    unsafe_local: bool,
) -> int:
    """Serves until the client's input ends, or, with a port, until it is interrupted."""

    def work() -> int:
        from ..mcp_server import Offer  # the SDK takes most of a second

        tools, approvals = tools_named(
            [name.strip() for name in names],
            task,
            workspace=workspace,
            unsafe_local=unsafe_local,
            granted=granted,
        )
        offer = Offer(toolsets=toolsets_of(tools), approvals=approvals, redactor=Redactor(of_environment()))
        return anyio.run(_on_stdio, offer) if port is None else anyio.run(partial(_by_http, offer, port))

    return told(work)


async def _on_stdio(offer: Offer) -> int:
    from mcp.server.stdio import stdio_server

    from ..mcp_server import server_of

    server = server_of(offer)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
    return ANSWERED


async def _by_http(offer: Offer, port: int) -> int:
    """Raises UserError for a port that is taken, ToolError for tools that cannot be had."""
    import uvicorn

    from ..mcp_http import application
    from ..mcp_server import server_of

    class Uvicorn(uvicorn.Server):
        """Leaves signals to us: what it does with them ends the process before the sessions are closed."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    async with Toolbox.open(offer.toolsets) as box:  # rather now than at the first client
        names = ", ".join(box.names)
    given = os.environ.get(TOKEN)
    token = given or secrets.token_urlsafe(32)
    listening = _bound(port)
    ended_by = list[signal.Signals]()
    async with anyio.create_task_group() as sessions:
        app = application(server_of(offer), sessions, token)
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1)
        web = Uvicorn(config)

        async def stop_when_told() -> None:
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as told_to:
                async for sent in told_to:
                    ended_by.append(sent)
                    web.should_exit = True

        sessions.start_soon(stop_when_told)
        print(f"agent: {clean(names)} at http://{_HOST}:{listening.getsockname()[1]}/mcp", file=sys.stderr)
        if not given:
            print(f"agent: the token of this start: {token}", file=sys.stderr, flush=True)
        await web.serve(sockets=[listening])
        sessions.cancel_scope.cancel()
    return INTERRUPTED if signal.SIGINT in ended_by else ANSWERED


def _bound(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_HOST, port))
    except OSError as error:
        listening.close()
        raise UserError(f"--port {port}: cannot be listened on: {error.strerror}") from None
    return listening
