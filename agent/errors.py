"""The AgentError tree: everything this package raises on purpose, each in one line."""

from __future__ import annotations


def told(error: BaseException) -> str:
    """One line of what somebody's code raised by mistake, such as `KeyError: 'name'`."""
    return ": ".join(filter(None, (type(error).__name__, " ".join(str(error).split()))))


class AgentError(Exception):
    """A run cannot go on, or cannot begin."""


class UserError(AgentError):
    """The usage is wrong: an unknown tool, a task file with faults. Nothing was run."""


class RunError(AgentError):
    """The run ended without an answer."""


class LimitError(RunError):
    """A limit was hit. kind: which one; limit: what it allows; value: what was reached."""

    def __init__(self, kind: str, *, limit: float, value: float) -> None:
        reached, allowed = (number if isinstance(number, int) else f"{number:.1f}" for number in (value, limit))
        super().__init__(f"limit reached: {reached} of {allowed} {kind}, and no final answer yet")
        self.kind = kind
        self.limit = limit
        self.value = value


class OutputError(RunError):
    """The answer never became what it has to be. text: the last one; faults: a line for each fault."""

    def __init__(self, text: str, faults: list[str]) -> None:
        super().__init__(f"the answer does not fit its format: {'; '.join(faults)}")
        self.text = text
        self.faults = faults


class JournalError(AgentError):
    """The event log cannot be read or written, or does not hold what was asked for."""
