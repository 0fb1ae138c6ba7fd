"""MCP servers: programs and addresses that offer tools, as toolsets.

Read in this order: toolset, process, connection, offer, content, session. The SDK is imported when a server is.
"""

from .toolset import McpToolset

__all__ = ["McpToolset"]
