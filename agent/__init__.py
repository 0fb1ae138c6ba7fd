"""Agents: a configuration, the loop that runs it, and the events that tell what happened.

from cadenza.agent import Agent

result = Agent(tools=["python"]).run_sync("What is 48 * 17?")
print(result.output)
"""

from cadenza.tools import ToolContext, ToolFatal, ToolResult, ToolRetry, tool

from .agent import Agent, RunResult
from .approval import Approvals, Approver
from .errors import AgentError, JournalError, LimitError, OutputError, RunError, UserError
from .events import ApprovalAsked, Durable, Ephemeral, Event, Usage
from .limits import Limits

__all__ = [
    "Agent",
    "AgentError",
    "ApprovalAsked",
    "Approvals",
    "Approver",
    "Durable",
    "Ephemeral",
    "Event",
    "JournalError",
    "LimitError",
    "Limits",
    "OutputError",
    "RunError",
    "RunResult",
    "ToolContext",
    "ToolFatal",
    "ToolResult",
    "ToolRetry",
    "Usage",
    "UserError",
    "tool",
]
