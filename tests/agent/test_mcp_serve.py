"""The other way round: our tools for the official client, and for clients that misbehave."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
import uvicorn
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import EmbeddedResource, TextContent

from cadenza.agent.approval import Approvals
from cadenza.agent.mcp_http import application
from cadenza.agent.mcp_server import Offer, server_of
from cadenza.agent.secrets import Redactor
from cadenza.tools import FunctionToolset, ToolContext, ToolSession, tool

SERVE = ("-m", "cadenza.agent", "mcp", "serve")


def text(result: Any) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@pytest.mark.anyio
async def test_the_official_client_calls_our_tools_on_stdio(tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text(
        "import os\nfrom cadenza.tools import Artefact, ToolContext, ToolResult, tool\n"
        "@tool\ndef draw(size: int, context: ToolContext[None]) -> Artefact:\n    '''Draws.'''\n"
        "    context.progress('sharpens a pencil')\n    return Artefact('dot.png', 'image/png', b'dot')\n"
        "@tool(needs_approval=True)\ndef pay() -> str:\n    return 'paid'\n"
        "@tool\ndef table() -> Artefact:\n    return Artefact('a b #1?.csv', 'text/csv', b'1,2')\n"
        "@tool\ndef leak() -> str:\n    return os.environ['SOME_API_KEY']\n"
    )
    (tmp_path / "task.yaml").write_text(
        "input: a\ntools: [python, file: ./tools.py]\napprove: {deny: ['python(*forbidden*)']}"
    )
    shown: list[str | None] = []

    async def show(progress: float, total: float | None, message: str | None) -> None:
        shown.append(message)

    parameters = StdioServerParameters(
        command=sys.executable,
        args=[*SERVE, "--task", str(tmp_path / "task.yaml")],
        env={"SOME_API_KEY": "sk-0123456789", "XDG_STATE_HOME": str(tmp_path)},
    )
    async with Client(parameters) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == ["python", "draw", "pay", "table", "leak"]
        assert tools["draw"].input_schema["properties"]["size"] == {"type": "integer"}
        await client.call_tool("python", {"code": "x = 20"})
        assert text(await client.call_tool("python", {"code": "print(x + 1)"})) == "21\n"
        drawn = await client.call_tool("draw", {"size": 3}, progress_callback=show)
        assert [content.type for content in drawn.content] == ["text", "image"]
        assert shown == ["sharpens a pencil"]
        _, file = (await client.call_tool("table")).content
        assert isinstance(file, EmbeddedResource)
        assert file.resource.uri == "artefact:///a%20b%20%231%3F.csv"
        wrong = await client.call_tool("draw", {"size": "x"})
        assert (wrong.is_error, text(wrong)) == (True, 'size: input should be a valid integer, not "x"')
        assert "nobody is there to say yes" in text(await client.call_tool("pay"))
        assert "the rule python(*forbidden*) denies it" in text(await client.call_tool("python", {"code": "forbidden"}))
        assert text(await client.call_tool("leak")) == "[secret SOME_API_KEY]"
        with pytest.raises(MCPError, match="no tool 'drw'; there is python, draw, pay, table, leak"):
            await client.call_tool("drw")


@contextmanager
def served_by_http(*options: str) -> Iterator[tuple[str, str]]:
    """Address and token."""
    environment = os.environ | {"CADENZA_MCP_TOKEN": ""}  # as good as none
    process = subprocess.Popen(
        [sys.executable, *SERVE, "--http", "--port", "0", *options], stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stderr is not None
    try:
        yield process.stderr.readline().split()[-1], process.stderr.readline().split()[-1]
        process.terminate()
        assert process.wait(timeout=30) == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield client


@pytest.mark.anyio
async def test_by_http_every_client_with_the_token_has_a_session_of_its_own() -> None:
    with served_by_http() as (url, token):
        async with connected(url, token) as one, connected(url, token) as other:
            await one.call_tool("python", {"code": "x = 20"})
            assert text(await one.call_tool("python", {"code": "print(x + 1)"})) == "21\n"
            assert "NameError" in text(await other.call_tool("python", {"code": "print(x + 1)"}))
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient() as http:
            for wrong, status in (
                ({}, 401),
                ({"Authorization": "Bearer wrong"}, 401),
                ({"Authorization": "Bearer \u00e4".encode()}, 401),
                (headers | {"Origin": "http://evil.example"}, 403),
                (headers | {"Host": "evil.example"}, 421),
                (headers | {"Mcp-Session-Id": "x"}, 404),
            ):
                for method in ("POST", "GET", "DELETE"):
                    assert (await http.request(method, url, json={}, headers=wrong)).status_code == status
            later = await http.post(url, json={}, headers=headers | {"Mcp-Protocol-Version": "2026-07-28"})
            assert json.loads(later.text)["error"]["data"]["requested"] == "2026-07-28"


# --- clients that give up, and that go away ---------------------------------------------------------------------------

PATIENT = """
import asyncio
from cadenza.tools import ToolContext, tool
seen = []

@tool
async def wait(context: ToolContext[None]) -> str:
    context.progress("waiting")
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        seen.append("cancelled")
        raise

@tool
def tell() -> list[str]:
    return seen
"""


async def give_up(client: Client) -> None:
    """Calls `wait`, and no longer wants it as soon as it runs."""
    with anyio.CancelScope() as scope:

        async def enough(*_: Any) -> None:
            scope.cancel()

        await client.call_tool("wait", progress_callback=enough)
    assert scope.cancelled_caught


@pytest.mark.anyio
@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_a_call_that_the_client_cancels_is_ended(tmp_path: Path, way: str) -> None:
    (tmp_path / "tools.py").write_text(PATIENT)
    (tmp_path / "task.yaml").write_text("input: a\ntools: [file: ./tools.py]")
    options = ("--task", str(tmp_path / "task.yaml"))
    async with AsyncExitStack() as stack:
        if way == "stdio":
            client = await stack.enter_async_context(
                Client(StdioServerParameters(command=sys.executable, args=[*SERVE, *options]))
            )
        else:
            client = await stack.enter_async_context(connected(*stack.enter_context(served_by_http(*options))))
        await give_up(client)
        with anyio.fail_after(30):
            while text(await client.call_tool("tell")) != '["cancelled"]':
                pass


class Bench:
    """Tools with a state. told: what became of its sessions."""

    name = "functions"

    def __init__(self) -> None:
        self.told: list[str] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ToolSession]:
        @tool
        async def wait(context: ToolContext[None]) -> None:
            context.progress("waiting")
            try:
                await anyio.sleep_forever()
            finally:
                self.told.append("cancelled")

        @tool
        def greet() -> str:
            return "hello"

        self.told.append("opened")
        try:
            async with FunctionToolset([wait, greet], stateful=True).open() as session:
                yield session
        finally:
            self.told.append("closed")


TOKEN = "0123456789"


@asynccontextmanager
async def serving(bench: Bench, *, gone: float) -> AsyncIterator[str]:
    """The address."""
    offer = Offer(toolsets=[bench], approvals=Approvals(), redactor=Redactor({}))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        async with anyio.create_task_group() as tasks:
            app = application(server_of(offer), tasks, TOKEN, gone=gone)
            web = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1))
            tasks.start_soon(web.serve, [listening])
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
            web.should_exit = True
            tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_after_a_cancelled_call_the_client_is_told_what_may_be_lost() -> None:
    async with serving(Bench(), gone=60) as url, connected(url, TOKEN) as client:
        await give_up(client)
        told = (
            "[a call of this tool was cancelled: what earlier calls left in it, such as variables, may be lost]\nhello"
        )
        assert text(await client.call_tool("greet")) == told
        assert text(await client.call_tool("greet")) == "hello"


CLIENT = """
import asyncio, sys, httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

async def show(*_):
    print("waiting", flush=True)

async def main(url, token):
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=600) as http:
        async with Client(streamable_http_client(url, http_client=http)) as client:
            await client.call_tool("wait", progress_callback=show)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.anyio
async def test_what_a_client_had_ends_when_it_goes_away_in_the_middle_of_a_call() -> None:
    bench = Bench()
    async with serving(bench, gone=0.1) as url, connected(url, TOKEN) as other:
        command = [sys.executable, "-c", CLIENT, url, TOKEN]
        async with await anyio.open_process(command, stderr=None) as client:
            assert client.stdout is not None
            assert (await client.stdout.receive()).strip() == b"waiting"
            client.kill()
            assert await eventually(lambda: bench.told == ["opened", "opened", "cancelled", "closed"]), bench.told
        assert text(await other.call_tool("greet")) == "hello"  # who is there is kept, however long it says nothing


async def eventually(check: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether `check()` becomes true within that time."""
    with anyio.move_on_after(seconds):
        while not check():  # noqa: ASYNC110 - nobody tells
            await anyio.sleep(0.02)
    return check()


def below(pid: int) -> list[int]:
    """The processes that a process has started, and those have."""
    found = list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    return [*found, *(inner for child in found for inner in below(child))]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.anyio
async def test_a_sandbox_ends_when_the_client_on_stdio_goes_away_in_the_middle_of_a_cell() -> None:
    def message(id: int | None, method: str, **params: Any) -> bytes:
        numbered = {} if id is None else {"id": id}
        return json.dumps({"jsonrpc": "2.0", **numbered, "method": method, "params": params}).encode() + b"\n"

    def cell(id: int, code: str) -> bytes:
        return message(id, "tools/call", name="python", arguments={"code": code})

    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "0"}}
    async with await anyio.open_process([sys.executable, *SERVE], stderr=None) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        await server.stdin.send(message(1, "initialize", **about) + message(None, "notifications/initialized"))
        await server.stdin.send(cell(2, "print('r' + 'eady')"))
        said = b""
        while b"ready" not in said:
            said += await server.stdout.receive()
        sandbox = below(server.pid)
        assert any(map(is_running, sandbox))
        await server.stdin.send(cell(3, "import time; time.sleep(600)"))
        await server.stdin.aclose()
        with anyio.fail_after(30):
            assert await server.wait() == 0
        assert await eventually(lambda: not any(map(is_running, sandbox)))
