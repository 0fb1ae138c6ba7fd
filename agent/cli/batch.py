"""`agent run TASK --inputs rows.jsonl --out out.jsonl`: one run for each row of params, several at once.

A row is a JSON object of params. Each result is one line, written as soon as it is there, with the number of its row:
started again, the command does only what has no answer yet.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, TextIO, TypeAlias

import anyio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cadenza.harmony import HarmonyError
from cadenza.model import ModelError
from cadenza.tools import ToolError

from ..agent import Agent
from ..errors import AgentError, UserError
from ..events import RunFinished, RunStarted
from ..task import TaskError
from .origin import Origin

_MOST_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Row:
    """number: from 1, the line of the file."""

    number: int
    params: Mapping[str, str]
    agent: Agent[Any]
    question: str


Prepare: TypeAlias = Callable[[Origin], tuple[Agent[Any], str]]


async def run_rows(origin: Origin, prepare: Prepare, inputs: Path, out: Path, *, parallel: int, quiet: bool) -> int:
    """Runs what has no answer yet; returns how many rows failed. Raises UserError before anything runs."""
    rows, answered = list(_rows(origin, prepare, inputs)), _answered(out)
    todo = [row for row in rows if row.number not in answered]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    failed = 0
    with (
        _opened(out) as results,
        Progress(*columns, console=Console(stderr=True, quiet=quiet)) as progress,
    ):
        bar = progress.add_task(inputs.name, total=len(rows), completed=len(rows) - len(todo))
        free = anyio.CapacityLimiter(parallel)

        async def one(row: Row) -> None:
            nonlocal failed
            async with free:
                failed += not await _run(row, results)
                progress.update(
                    bar, advance=1, description=f"{inputs.name}, {failed} failed" if failed else inputs.name
                )

        async with anyio.create_task_group() as group:
            for row in todo:
                group.start_soon(one, row)
    return failed


async def _run(row: Row, results: TextIO) -> bool:
    """Runs one row and writes its line; whether it was answered."""
    line: dict[str, Any] = {"row": row.number, "params": row.params}
    try:
        async with aclosing(row.agent.stream(row.question)) as events:
            async for event in events:
                if isinstance(event, RunStarted):
                    line["run"] = event.run
                if isinstance(event, RunFinished):
                    line["answer"] = event.answer if row.agent.output is None else json.loads(event.answer)
                    if event.citations:
                        line["citations"] = [asdict(citation) for citation in event.citations]
    except (AgentError, ModelError, ToolError, HarmonyError) as error:
        line["error"] = str(error)
    results.write(json.dumps(line, ensure_ascii=False) + "\n")
    results.flush()
    return "answer" in line


def _rows(origin: Origin, prepare: Prepare, inputs: Path) -> Iterator[Row]:
    """Every row, ready to run. Raises TaskError with a line for each fault, up to what a screen takes."""
    faults = []
    for number, text in enumerate(_read(inputs, or_stdin=True).split("\n"), 1):
        if not text.strip():
            continue
        try:
            params = json.loads(text)
            if not isinstance(params, dict):
                raise ValueError(f"a row is a JSON object of params, not {type(params).__name__}")
            named = {**origin.params, **{key: _text(value) for key, value in params.items()}}
            agent, question = prepare(replace(origin, params=named))
            yield Row(number, named, agent, question)
        except TaskError as error:
            faults += [f"{inputs}:{number}: {fault.removeprefix('--param ')}" for fault in error.faults]
        except ValueError as error:
            faults.append(f"{inputs}:{number}: {error}")
    if len(faults) > _MOST_TOLD:
        faults[_MOST_TOLD:] = [f"{inputs}: {len(faults) - _MOST_TOLD:,} more faults"]
    if faults:
        raise TaskError(faults)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read(path: Path, *, or_stdin: bool = False) -> str:
    try:
        return sys.stdin.read() if or_stdin and str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _opened(out: Path) -> TextIO:
    try:
        return out.open("a", encoding="utf-8")
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written: {error.strerror}") from None


def _answered(out: Path) -> set[int]:
    """Rows that have an answer in what an earlier command wrote. Raises UserError for a file that is none of ours."""
    if not out.exists():
        return set()
    answered = set()
    for number, text in enumerate(_read(out).split("\n"), 1):  # JSON may hold other line ends
        if not text:
            continue
        try:
            line = json.loads(text)
            row = int(line["row"])
            if "answer" in line:
                answered.add(row)
        except (ValueError, TypeError, KeyError):
            raise UserError(f"{out}:{number}: not a line of results; give another --out") from None
    return answered
