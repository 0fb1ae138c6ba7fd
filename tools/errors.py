"""The ToolError tree: everything this package raises on purpose, each in one line; and what a tool's code may raise."""


class ToolError(Exception):
    """A tool is unknown, cannot be had on this machine, or is declared wrongly."""


class ToolFatal(ToolError):  # noqa: N818 - users read it as what happens
    """Raised by a tool's code to stop the run. The message is what the user reads."""


class ToolRetry(Exception):  # noqa: N818 - users read it as what happens
    """Raised by a tool's code to tell the model what to do differently. It becomes an error result; the run goes on."""
