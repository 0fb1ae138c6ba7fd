"""The ToolError tree: everything this package raises on purpose, each in one line."""


class ToolError(Exception):
    """A tool is unknown, or cannot be had on this machine."""
