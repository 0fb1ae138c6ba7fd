"""`agent runs` and `agent show`: what the journal holds."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cadenza.harmony import Parser, o200k_harmony
from cadenza.tools import clean

from ..events import Artefact, RunFailed, RunFinished, TurnFinished, to_json
from ..journal import Journal, RunSummary
from ..turn import Turn
from .made import keep
from .run import ANSWERED, FAILED, logged, must_be_there, print_answer, told
from .view import LiveView, complain


def list_runs(journal: Path | None, *, verify: bool) -> int:
    """A line for each run, the latest first; with `verify`, a line for each fault instead."""
    return told(partial(_list, journal, verify))


def _list(journal: Path | None, verify: bool) -> int:
    path = must_be_there(journal)
    with Journal(path) as log:
        if verify:
            faults = list(log.verify())
            print("\n".join(map(clean, faults)) or f"{path}: whole, {len(log.runs())} runs")
            return FAILED if faults else ANSWERED
        runs = log.runs()
    table = Table("run", "started", "model", "events", "end", box=None, pad_edge=False)
    for run in runs:
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.at))
        table.add_row(run.run, started, Text(clean(run.model)), str(run.events), Text(clean(_end(run))))
    Console(highlight=False, markup=False).print(table)
    return ANSWERED


def _end(run: RunSummary) -> str:
    match run.end:
        case RunFinished(answer=answer):
            return " ".join(answer.split())[:60]
        case RunFailed(error=error):
            return f"failed: {error}"
        case None:
            return f"no end yet; agent resume {run.run}"


def show_run(run: str, journal: Path | None, *, as_json: bool, out: Path | None) -> int:
    """A run as its live view showed it, or its events as JSON lines. out: a folder for what its calls made.

    To have shown it is a success, also of a run that failed.
    """
    return told(partial(_show, run, journal, as_json, out))


def _show(run: str, journal: Path | None, as_json: bool, out: Path | None) -> int:
    _, events = logged(run, journal)
    if out is not None:
        for made in events:
            if isinstance(made, Artefact):
                keep(out, made.name, made.data)
    view = LiveView()
    for event in events:
        if as_json:
            print(json.dumps(to_json(event), ensure_ascii=False))
            continue
        if isinstance(event, TurnFinished):
            parser, turn = Parser(o200k_harmony()), Turn(event.run)
            for said in turn.hear(parser.feed(event.ids) + parser.finish()):
                view.show(said)
        view.show(event)
        if isinstance(event, RunFinished):
            print_answer(event, view)
        if isinstance(event, RunFailed):
            complain(event.error)
    return ANSWERED
