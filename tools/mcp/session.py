"""One run's calls to a server: arguments are looked at here, a call has its time, and a server that died comes back.

Once: where it dies again with the next call, or does not come back, the model is told to go on without it.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp.shared.exceptions import MCPError

from cadenza.harmony import ToolNamespace

from ..arguments import ArgumentError, find_object
from ..context import ToolContext
from ..errors import ToolError
from ..functions import no_function
from ..plain import clean, clean_line
from ..result import encodable, timed_out
from ..toolset import ToolResult, Traits
from . import http
from .changes import Changes
from .connection import Connection, told
from .content import result_of_answer
from .offer import DESCRIPTION_CHARACTERS, Offer, allowed, offers

if TYPE_CHECKING:
    from .toolset import McpToolset

BACK_OFF_SECONDS: Final = (0.2, 1.0)
"""Before each attempt to start a server anew."""
_LOST: Final = "what earlier calls left in it is lost"


@asynccontextmanager
async def opened(toolset: McpToolset) -> AsyncIterator[McpSession]:
    """Raises ToolError that names the server."""
    try:
        connection = await Connection.open(toolset)
        try:
            session = McpSession(toolset, connection)
        except ToolError:
            await connection.close()
            raise
    except ToolError as error:
        raise ToolError(f"{toolset.title} cannot be used: {error}") from None
    try:
        yield session
    finally:
        await session.close()


class McpSession:
    """The tools of one server in one run."""

    def __init__(self, toolset: McpToolset, connection: Connection) -> None:
        self._toolset = toolset
        self._connection = connection
        self._offers = offers(connection.tools, toolset.allow)
        own = [offer.name for offer in self._offers.values()]
        self._changes = Changes(own, allowed(connection.tools, toolset.allow))
        self._deaths = 0  # in a row, without an answer between them; those of one connection are one
        self._died: Connection | None = None
        self._gone = ""  # why no more calls are made
        self._lock = anyio.Lock()  # around starting anew
        self.namespace = ToolNamespace(
            name=toolset.name,
            description=clean(connection.instructions)[:DESCRIPTION_CHARACTERS] or None,
            tools=tuple(offer.described for offer in self._offers.values()),
        )

    async def close(self) -> None:
        await self._connection.close()

    def traits(self, recipient: str) -> Traits:
        """The worst that can be: nobody knows what a server does. A program's state ends with the run's process."""
        return Traits(
            stateful=self._toolset.url is None,
            needs_approval=True,
            reads_private=True,
            reads_untrusted=True,
            sends_out=True,
        )

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        """Answers one call; whatever the server does becomes a result."""
        begin = time.perf_counter()
        offer = self._offers.get(recipient.removeprefix(f"{self.namespace.name}."))
        if offer is None:
            return no_function(recipient, self.namespace)
        try:
            text, repairs = find_object(arguments)
        except ArgumentError as error:
            return ToolResult(text=str(error), status="error", backend="mcp", reached=False)
        values = json.loads(text)
        if faults := offer.faults(values):
            result = ToolResult(text="\n".join(faults), status="error", backend="mcp", reached=False)
        else:
            result = await self._with_changes(await self._answer(offer, values))
        return encodable(replace(result, repairs=repairs, seconds=time.perf_counter() - begin))

    async def _answer(self, offer: Offer, values: dict[str, Any]) -> ToolResult:
        try:
            notice = await self._ready()
        except ToolError as error:
            self._gone = str(error)
        if self._gone:
            return ToolResult(text=f"{self._gone}; go on without it", status="error", backend="mcp")
        if offer.name not in (tool.name for tool in self._connection.tools):
            text = f"{clean_line(offer.name)} is no longer offered by the server; go on without it"
            return ToolResult(text=text, status="error", backend="mcp")
        result = await self._ask(offer, values)
        if notice:
            return replace(result, text=f"[{notice}]\n{result.text}", state="lost")
        return result

    async def _with_changes(self, result: ToolResult) -> ToolResult:
        """The result, and what has become of the server's tools meanwhile."""
        await self._connection.listed()
        told = self._changes.since(allowed(self._connection.tools, self._toolset.allow))
        return replace(result, text=f"{result.text}\n[{told}]") if told else result

    async def _ready(self) -> str:
        """Sees to a connection. What the model has to know if it is a new one. Raises ToolError if there is none."""
        async with self._lock:
            if self._connection.alive or self._gone:
                return ""
            was_told = self._deaths > 0
            await self._connection.close()
            for pause in BACK_OFF_SECONDS:
                await anyio.sleep(pause)
                try:
                    self._connection = await Connection.open(self._toolset)
                except ToolError as error:
                    failure = ToolError(f"the server {self._toolset.name} does not come back: {error}")
                    continue
                return "" if was_told else f"the server was started anew: {_LOST}"
            raise failure

    async def _ask(self, offer: Offer, values: dict[str, Any]) -> ToolResult:
        """One call of a server that is there. Whatever comes of it is a result."""
        context, timeout, connection = ToolContext.current(), self._toolset.timeout, self._connection

        async def show(progress: float, total: float | None, message: str | None) -> None:
            of = "" if total is None else f" of {total:g}"
            context.progress(clean_line(message or f"{progress:g}{of}"))

        try:
            with anyio.move_on_after(timeout):
                answer = await connection.client.call_tool(offer.name, values, progress_callback=show)
                self._deaths = 0
                return result_of_answer(answer)
            return replace(timed_out(timeout), backend="mcp")
        except Exception as error:  # the SDK's own, and whatever a server makes of it
            return await self._failed(error, connection)

    async def _failed(self, error: Exception, connection: Connection) -> ToolResult:
        """A call that got no answer: an error that the server tells of, or the end of the server."""
        if isinstance(error, MCPError) and not await connection.is_broken_by(error):
            self._deaths = 0
            if not http.breach(error.message):
                return ToolResult(text=told(error), status="error", backend="mcp")
        if connection.alive:
            text = f"the answer of the server {self._toolset.name} cannot be used: {told(error)}"
            return ToolResult(text=f"{text}; whether the call took effect is unknown", status="error", backend="mcp")
        self._deaths += connection is not self._died
        self._died = connection
        text = f"the server ended during this call; whether it took effect is unknown{connection.last_words}"
        if connection.forgotten:
            text = "the server has ended the session, and did not take this call"
        if self._deaths > 1:
            self._gone = f"the server {self._toolset.name} ended twice in a row"
            return ToolResult(text=f"{text}; go on without it", status="killed", state="lost", backend="mcp")
        return ToolResult(text=f"{text}\n[{_LOST}]", status="killed", state="lost", backend="mcp")
