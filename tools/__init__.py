"""Tools: what an agent can call, and the sandboxes that it runs in.

Read in this order: toolset, context, decorator, signature, invoke, functions, registry; then python, files, shell, mcp,
browser. The browser is imported by itself, as `cadenza.tools.browser`: what fetches takes a while to load.
"""

from .arguments import ArgumentError, ArgumentRepair, find_object, read_json
from .context import ToolContext
from .decorator import FunctionTool, tool
from .errors import ToolError, ToolFatal, ToolRetry
from .faults import fault_lines, schema_fault_line
from .files import FilesTool
from .functions import FunctionSession, FunctionToolset
from .invoke import Tally
from .mcp import McpToolset
from .plain import clean, clean_line
from .python import PythonTool, SandboxError, Spec
from .registry import BUILT_IN, toolset_by_name, toolset_names
from .result import RESULT_BYTES, fit
from .shell import ShellTool
from .thread import run_in_thread
from .toolset import Artefact, Citation, Citing, Restorable, ToolResult, ToolSession, Toolset, Traits, compact_json

__all__ = [
    "BUILT_IN",
    "RESULT_BYTES",
    "ArgumentError",
    "ArgumentRepair",
    "Artefact",
    "Citation",
    "Citing",
    "FilesTool",
    "FunctionSession",
    "FunctionTool",
    "FunctionToolset",
    "McpToolset",
    "PythonTool",
    "Restorable",
    "SandboxError",
    "ShellTool",
    "Spec",
    "Tally",
    "ToolContext",
    "ToolError",
    "ToolFatal",
    "ToolResult",
    "ToolRetry",
    "ToolSession",
    "Toolset",
    "Traits",
    "clean",
    "clean_line",
    "compact_json",
    "fault_lines",
    "find_object",
    "fit",
    "read_json",
    "run_in_thread",
    "schema_fault_line",
    "tool",
    "toolset_by_name",
    "toolset_names",
]
