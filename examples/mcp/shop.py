"""A small MCP server, on stdio: what a shop has, and an order."""

from mcp.server import MCPServer

server = MCPServer("shop", instructions="A shop for fruit.", log_level="ERROR")
stock = {"pear": 3, "plum": 40}


@server.tool()
def in_stock(item: str) -> int:
    """How many of an item there are."""
    return stock.get(item, 0)


@server.tool()
def order(item: str, count: int) -> str:
    """Orders some of an item."""
    stock[item] = stock.get(item, 0) - count
    return f"ordered {count} of {item}, {stock[item]} are left"


if __name__ == "__main__":
    server.run()
