"""Tools of MCP servers at an address that answer what no server should, or without end."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cadenza.tools import McpToolset, ToolError

pytestmark = pytest.mark.anyio
MUCH = b"x" * (1 << 20)
TOOLS = ("body", "event", "lines", "packed", "packed_event", "refused", "fine")


class Flood(BaseHTTPRequestHandler):
    """Answers calls of the tools by their names. early: the method that is answered without end instead."""

    early = ""
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        return

    def handle(self) -> None:
        with suppress(ConnectionError):  # the other side had enough
            super().handle()

    def do_GET(self) -> None:
        self.send(b"", status=405)

    def do_DELETE(self) -> None:
        self.send(b"", status=405)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method = asked["method"]
        if "id" not in asked:
            self.send(b"", status=202)
        elif method == self.early:
            self.flood("application/json", b'{"jsonrpc": "2.0", "result": "', MUCH)
        elif method == "initialize":
            about = {"capabilities": {"tools": {}}, "serverInfo": {"name": "flood", "version": "0"}}
            self.reply(asked, {"protocolVersion": asked["params"]["protocolVersion"], **about})
        elif method == "tools/list":
            self.reply(asked, {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]})
        elif method == "tools/call":
            self.call(asked, asked["params"]["name"])
        else:
            self.send(
                json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": ""}}).encode()
            )

    def call(self, asked: dict[str, Any], name: str) -> None:
        match name:
            case "body":
                self.flood("application/json", b'{"jsonrpc": "2.0", "result": "', MUCH)
            case "event":
                self.flood("text/event-stream", b"data: ", MUCH)
            case "lines":
                self.flood("text/event-stream", b"", b"data: " + MUCH + b"\n")
            case "packed":
                self.send(gzip.compress(b"{}"), extra={"Content-Encoding": "gzip"})
            case "packed_event":
                self.send(gzip.compress(b"data: {}\n\n"), "text/event-stream", extra={"Content-Encoding": "gzip"})
            case "refused":
                self.flood("application/json", b'{"jsonrpc": "2.0", "error": "', MUCH, status=400)
            case _:
                self.reply(asked, {"content": [{"type": "text", "text": "fine"}]})

    def reply(self, asked: dict[str, Any], result: dict[str, Any]) -> None:
        self.send(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode())

    def send(
        self,
        body: bytes,
        kind: str = "application/json",
        *,
        status: int = 200,
        extra: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(extra or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def flood(self, kind: str, begin: bytes, more: bytes, *, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.close_connection = True
        self.wfile.write(begin)
        while True:
            self.wfile.write(more)


@contextmanager
def flooding(early: str = "") -> Iterator[McpToolset]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Early", (Flood,), {"early": early}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield McpToolset(url=f"http://127.0.0.1:{server.server_port}/mcp", name="flood")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


TOO_LARGE = "it sends a message of more than 33,554,432 bytes"
PACKED = "it sends a packed message, which was not asked for"


async def test_an_answer_without_end_is_left_and_told_of_and_the_session_goes_on() -> None:
    with flooding() as toolset:
        async with toolset.open() as session:
            for name, why in (
                ("body", TOO_LARGE),
                ("event", TOO_LARGE),
                ("lines", TOO_LARGE),
                ("packed", PACKED),
                ("packed_event", PACKED),
            ):
                result = await session.call(f"flood.{name}", "{}")
                told = f"the answer of the server flood cannot be used: {why}; whether the call took effect is unknown"
                assert (result.text, result.status, result.state) == (told, "error", "kept")
            assert (await session.call("flood.refused", "{}")).text == "Server returned an error response"
            assert (await session.call("flood.fine", "{}")).text == "fine"


@pytest.mark.parametrize("method", ["initialize", "tools/list"])
async def test_a_server_that_begins_without_end_cannot_be_used(method: str) -> None:
    with flooding(method) as toolset, pytest.raises(ToolError) as caught:
        async with toolset.open():
            pass
    assert str(caught.value) == f"{toolset.title} cannot be used: {TOO_LARGE}"
