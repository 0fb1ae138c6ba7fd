"""Tools: what an agent can call, and the sandboxes that it runs in.

Read in this order: toolset, context, decorator, signature, invoke, functions, registry; then python.
"""

from .arguments import ArgumentRepair
from .context import ToolContext
from .decorator import FunctionTool, tool
from .errors import ToolError, ToolFatal, ToolRetry
from .faults import fault_lines
from .functions import FunctionSession, FunctionToolset
from .python import PythonTool, SandboxError, Spec
from .registry import BUILT_IN, toolset_by_name, toolset_names
from .toolset import Artefact, ToolResult, ToolSession, Toolset, compact_json

__all__ = [
    "BUILT_IN",
    "ArgumentRepair",
    "Artefact",
    "FunctionSession",
    "FunctionTool",
    "FunctionToolset",
    "PythonTool",
    "SandboxError",
    "Spec",
    "ToolContext",
    "ToolError",
    "ToolFatal",
    "ToolResult",
    "ToolRetry",
    "ToolSession",
    "Toolset",
    "compact_json",
    "fault_lines",
    "tool",
    "toolset_by_name",
    "toolset_names",
]
