"""`agent run` and `agent resume`: from the task file to the exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio

from cadenza.harmony import Effort, HarmonyError
from cadenza.model import ModelError
from cadenza.tools import ToolError, clean

from ..errors import AgentError, JournalError, UserError
from ..events import Artefact, Durable, Event, RunFinished, RunStarted, TurnFinished, to_json
from ..journal import Journal, default_path
from ..task import TaskError
from ..taskfile import read
from .ask import terminal
from .batch import run_rows
from .made import keep, make_folder
from .origin import Origin
from .view import LiveView, complain

ANSWERED, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def run_task(
    source: str,
    *,
    params: Sequence[str],
    effort: Effort | None,
    model: str | None,
    workspace: Path | None,
    journal: Path | None,
    out: Path | None,
    quiet: bool,
    as_json: bool,
    granted: Sequence[str],
    unsafe_local: bool,
) -> int:
    """Runs a task file (`-` for stdin) and returns the exit code. The answer alone goes to stdout.

    out: a folder for what the calls make.
    """

    def events() -> AsyncGenerator[Event, None]:
        if out is not None:
            make_folder(out)
        origin = _origin(source, params, effort, model, workspace)
        agent, question = origin.prepare(journal=journal, granted=granted, unsafe_local=unsafe_local)
        return replace(agent, approver=terminal(shows_call=quiet or as_json)).stream(question)

    return told(partial(_follow, events, LiveView(quiet=quiet or as_json), as_json, out))


def run_batch(
    source: str,
    inputs: Path,
    out: Path | None,
    *,
    params: Sequence[str],
    effort: Effort | None,
    model: str | None,
    workspace: Path | None,
    journal: Path | None,
    parallel: int,
    quiet: bool,
    as_json: bool,
    granted: Sequence[str],
    unsafe_local: bool,
) -> int:
    """Runs a task once for each row of `inputs`; fails if any row does."""

    def batch() -> int:
        if out is None:
            raise UserError("--inputs wants --out: a file for the results, a line each")
        if as_json:
            raise UserError("--json is for a single run; the results of --inputs are JSON lines in --out")
        origin = _origin(source, params, effort, model, workspace)
        prepare = partial(Origin.prepare, journal=journal, granted=granted, unsafe_local=unsafe_local)
        failed = anyio.run(partial(run_rows, origin, prepare, inputs, out, parallel=parallel, quiet=quiet))
        return FAILED if failed else ANSWERED

    return told(batch)


def _origin(
    source: str, params: Sequence[str], effort: Effort | None, model: str | None, workspace: Path | None
) -> Origin:
    """Raises UserError."""
    name, text = ("<stdin>", sys.stdin.read()) if source == "-" else (source, read(Path(source)))
    return Origin(
        source=name,
        text=text,
        folder=str(Path(name).parent.resolve()),
        params=_named(params),
        model=model,
        effort=effort,
        workspace=None if workspace is None else str(workspace.resolve()),
    )


def resume_run(
    run: str, *, journal: Path | None, quiet: bool, as_json: bool, granted: Sequence[str], unsafe_local: bool
) -> int:
    """Goes on with a run that has no answer yet, and returns the exit code."""

    def events() -> AsyncGenerator[Event, None]:
        path, known = logged(run, journal)
        first, last = known[0], known[-1]
        if isinstance(last, RunFinished):  # whatever has become of its task and its model since
            return _alone(last)
        if not isinstance(first, RunStarted) or first.task is None:
            raise UserError(f"run {run}: was started from Python; Agent.resume goes on with it")
        turns = sum(isinstance(event, TurnFinished) for event in known)
        origin = Origin(**first.task)
        agent, _ = origin.prepare(journal=path, granted=granted, unsafe_local=unsafe_local, after=turns)
        return replace(agent, approver=terminal(shows_call=quiet or as_json)).stream_resumed(first.run)

    return told(partial(_follow, events, LiveView(quiet=quiet or as_json), as_json))


async def _alone(event: Event) -> AsyncGenerator[Event, None]:
    yield event


def logged(run: str, journal: Path | None) -> tuple[Path, list[Durable]]:
    """The journal that a run is in, and its events. Raises UserError where there is none."""
    path = must_be_there(journal)
    with Journal(path) as log:
        try:
            return path, log.events(run)
        except JournalError as error:
            raise UserError(str(error)) from None


def must_be_there(journal: Path | None) -> Path:
    """To look into a journal makes none. Raises UserError."""
    path = journal or default_path()
    if not path.exists():
        raise UserError(f"{path}: no such journal; a run makes it")
    return path


def _follow(
    events: Callable[[], AsyncGenerator[Event, None]], view: LiveView, as_json: bool, out: Path | None = None
) -> int:
    """Shows a run as it goes, keeps what it makes, and prints its answer."""
    finished = anyio.run(_finished, events(), view, as_json, out)
    if not as_json:
        print_answer(finished, view)
    return ANSWERED


def print_answer(finished: RunFinished, view: LiveView) -> None:
    """The answer on stdout, its sources below it on stderr."""
    print(clean(finished.answer) if sys.stdout.isatty() else finished.answer, flush=True)
    view.sources(finished)


def told(work: Callable[[], int]) -> int:
    """The exit code of `work`; what it raises is told in a line."""
    try:
        return work()
    except TaskError as error:  # each line names its own place
        print("\n".join(map(clean, error.faults)), file=sys.stderr)
        return WRONG_USAGE
    except UserError as error:
        complain(str(error))
        return WRONG_USAGE
    except (AgentError, ModelError, ToolError, HarmonyError) as error:
        complain(str(error))
        return FAILED
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED


async def _finished(
    events: AsyncGenerator[Event, None], view: LiveView, as_json: bool, out: Path | None
) -> RunFinished:
    async with aclosing(events):
        async for event in events:
            view.show(event)
            if out is not None and isinstance(event, Artefact):
                keep(out, event.name, event.data)
            if as_json:
                print(json.dumps(to_json(event), ensure_ascii=False), flush=True)
            if isinstance(event, RunFinished):
                finished = event
    return finished


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
