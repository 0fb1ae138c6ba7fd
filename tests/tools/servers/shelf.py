"""An MCP server of the official SDK, for the tests: `shelf.py` on stdio, `shelf.py PORT` by streamable HTTP.

It adds, draws, fails, and keeps things as long as it lives.
"""

import base64
import sys
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import (
    AudioContent,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)
from pydantic import BaseModel

server = MCPServer("shelf", instructions="A shelf for things.", log_level="ERROR")
things: dict[str, str] = {}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Sum(BaseModel):
    total: int


@server.tool(annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False))
def add(a: int, b: int) -> Sum:
    """Adds two numbers."""
    return Sum(total=a + b)


@server.tool(name="put-thing")
def put(name: str, thing: str) -> str:
    """Puts a thing on the shelf."""
    things[name] = thing
    return f"{len(things)} on the shelf"


@server.tool(name="get.thing")
def get(name: str) -> str:
    """Takes a look at a thing."""
    return things.get(name, "nothing")


@server.tool()
def picture() -> CallToolResult:
    """A picture, a sound, a note and a link."""
    note = TextResourceContents(uri="shelf://note", text="dust")
    return CallToolResult(
        content=[
            TextContent(type="text", text="look:"),
            ImageContent(type="image", data=PIXEL, mime_type="image/png"),
            AudioContent(type="audio", data=base64.b64encode(b"RIFF").decode(), mime_type="audio/wav"),
            EmbeddedResource(type="resource", resource=note),
            ResourceLink(type="resource_link", name="all", uri="shelf://all"),
        ]
    )


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("out of shelves")


@server.tool()
def brittle() -> str:
    """Will not last."""
    return "still here"


@server.tool(name="break")
async def break_(context: Context[Any, Any]) -> str:
    """Offers `brittle` no longer."""
    server.remove_tool("brittle")
    await context.notify_tools_changed()
    return "broken"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run()
