"""`agent run`: from the task file to the exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import anyio

from cadenza.harmony import Effort, HarmonyError
from cadenza.model import ModelError, find
from cadenza.tools import ToolError

from .. import task as tasks
from ..agent import Agent
from ..errors import AgentError, UserError
from ..events import RunFinished
from .view import LiveView, clean

ANSWERED, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def run_task(
    source: str,
    *,
    params: Sequence[str],
    effort: Effort | None,
    model: str | None,
    quiet: bool,
    unsafe_local: bool,
) -> int:
    """Runs a task file (`-` for stdin) and returns the exit code. The answer alone goes to stdout."""
    try:
        task = tasks.parse(sys.stdin.read(), "<stdin>") if source == "-" else tasks.load(Path(source))
        values = task.fill(_named(params))
        agent = task.agent(values, model=model, effort=effort, unsafe_local=unsafe_local)
        _must_exist(agent.model)
        answer = anyio.run(_answer, agent, task.question(values), LiveView(quiet=quiet))
    except tasks.TaskError as error:  # each line names its own place
        print("\n".join(map(clean, error.faults)), file=sys.stderr)
        return WRONG_USAGE
    except UserError as error:
        _complain(str(error))
        return WRONG_USAGE
    except (AgentError, ModelError, ToolError, HarmonyError) as error:
        _complain(str(error))
        return FAILED
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    print(clean(answer) if sys.stdout.isatty() else answer)
    return ANSWERED


async def _answer(agent: Agent, question: str, view: LiveView) -> str:
    answer = ""
    async with aclosing(agent.stream(question)) as events:
        async for event in events:
            view.show(event)
            if isinstance(event, RunFinished):
                answer = event.answer
    return answer


def _named(params: Sequence[str]) -> dict[str, str]:
    """Raises UserError for what is not NAME=VALUE, or names one twice."""
    values: dict[str, str] = {}
    for param in params:
        name, equals, value = param.partition("=")
        if not equals:
            raise UserError(f"--param {param}: must be NAME=VALUE")
        if name in values:
            raise UserError(f"--param {name}: given twice")
        values[name] = value
    return values


def _must_exist(model: object) -> None:
    """A name that leads nowhere is wrong usage; a checkpoint that is not whole is a failure."""
    if isinstance(model, str):
        try:
            find(model)
        except ModelError as error:
            raise UserError(str(error)) from None


def _complain(what: str) -> None:
    for line in what.splitlines():
        print(f"agent: {clean(line)}", file=sys.stderr)
