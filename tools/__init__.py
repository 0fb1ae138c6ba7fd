"""Tools: what an agent can call, and the sandboxes that it runs in.

Read in this order: toolset, context, decorator, signature, invoke, functions, registry; then python, files, shell,
browser. The browser is imported by itself, as `cadenza.tools.browser`: what fetches takes a while to load.
"""

from .arguments import ArgumentError, ArgumentRepair, find_object
from .context import ToolContext
from .decorator import FunctionTool, tool
from .errors import ToolError, ToolFatal, ToolRetry
from .faults import fault_lines
from .files import FilesTool
from .functions import FunctionSession, FunctionToolset
from .python import PythonTool, SandboxError, Spec
from .registry import BUILT_IN, toolset_by_name, toolset_names
from .shell import ShellTool
from .thread import run_in_thread
from .toolset import Artefact, Citation, Citing, Restorable, ToolResult, ToolSession, Toolset, Traits, compact_json

__all__ = [
    "BUILT_IN",
    "ArgumentError",
    "ArgumentRepair",
    "Artefact",
    "Citation",
    "Citing",
    "FilesTool",
    "FunctionSession",
    "FunctionTool",
    "FunctionToolset",
    "PythonTool",
    "Restorable",
    "SandboxError",
    "ShellTool",
    "Spec",
    "ToolContext",
    "ToolError",
    "ToolFatal",
    "ToolResult",
    "ToolRetry",
    "ToolSession",
    "Toolset",
    "Traits",
    "compact_json",
    "fault_lines",
    "find_object",
    "run_in_thread",
    "tool",
    "toolset_by_name",
    "toolset_names",
]
