"""Tools: what an agent can call, and the sandboxes that it runs in."""

from .errors import ToolError
from .python import PythonTool, SandboxError, Spec
from .registry import BUILT_IN, built_in
from .toolset import ToolResult, ToolSession, Toolset

__all__ = [
    "BUILT_IN",
    "PythonTool",
    "SandboxError",
    "Spec",
    "ToolError",
    "ToolResult",
    "ToolSession",
    "Toolset",
    "built_in",
]
