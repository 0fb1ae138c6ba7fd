"""The journal: whole whatever happens, and enough to go on from any of its events."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cadenza.agent import Agent, Event, JournalError, LimitError, Limits, UserError
from cadenza.agent.calls import STATE_LOST
from cadenza.agent.events import (
    Durable,
    RunFailed,
    RunFinished,
    ToolFinished,
    TurnFinished,
    from_json,
    is_durable,
    to_json,
)
from cadenza.agent.journal import Journal
from cadenza.agent.resume import Progress
from cadenza.harmony import Message, Special, o200k_harmony
from cadenza.model.engines.scripted import ScriptedEngine
from cadenza.tools import ToolError, ToolSession

COMMAND = [sys.executable, "-m", "cadenza.agent"]
MILL = """
import time
time.sleep(0.2)
print(6 * 7)
"""


def think(text: str) -> Message:
    return Message.assistant(text, channel="analysis")


def python(code: str) -> Message:
    return Message.assistant(code, channel="analysis", recipient="python", content_type="code")


TURNS = [[think("a"), python("print(6 * 7)")], [python("print(43)")], [Message.assistant("43", channel="final")]]


def scripted(journal: Path | None, *, after: int = 0) -> Agent:
    return Agent(model=ScriptedEngine(TURNS[after:]), tools=["python"], journal=journal, current_date="2026-01-01")


async def durable_events(journal: Path) -> list[Durable]:
    return [event async for event in scripted(journal).stream("go") if is_durable(event)]


@pytest.mark.anyio
async def test_every_event_is_in_the_log_and_reads_back_as_it_was(tmp_path: Path) -> None:
    events = await durable_events(tmp_path / "runs.db")
    with Journal(tmp_path / "runs.db") as journal:
        assert journal.events(events[0].run) == events
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert list(journal.verify()) == []
        (summary,) = journal.runs()
    assert (summary.run, summary.events, summary.end) == (events[0].run, len(events), events[-1])
    assert (tmp_path / "runs.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.anyio
async def test_half_a_surrogate_pair_is_logged_as_it_came(tmp_path: Path) -> None:
    """An argument or a file's name that is no UTF-8 has them."""
    events = [event async for event in scripted(tmp_path / "runs.db").stream("\udcff \\udcff ü")]
    with Journal(tmp_path / "runs.db") as journal:
        assert journal.events("") == list(filter(is_durable, events))
        assert list(journal.verify()) == []


@pytest.mark.anyio
async def test_every_event_survives_json() -> None:
    events = [event async for event in scripted(None).stream("go")]
    assert [from_json(json.loads(json.dumps(to_json(event)))) for event in events] == events


@pytest.mark.anyio
async def test_a_run_that_died_after_any_event_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    events = await durable_events(tmp_path / "whole.db")
    whole = events[-1]
    assert isinstance(whole, RunFinished)
    for kept in range(2, len(events)):
        path = tmp_path / f"{kept}.db"
        with Journal(path) as journal:
            journal.append(*events[:kept])
        turns = sum(isinstance(event, TurnFinished) for event in events[:kept])
        result = await scripted(path, after=turns).resume(whole.run[:6])
        calls_before = sum(isinstance(event, ToolFinished) for event in events[:kept])
        if calls_before != 1:  # else the second result says that the interpreter is a new one
            assert result.transcript.ids == whole.ids, kept
        assert (result.output, result.turns, result.usage.sampled) == ("43", 3, whole.usage.sampled)
        with Journal(path) as journal:
            assert list(journal.verify()) == []


@pytest.mark.anyio
async def test_the_model_is_told_of_lost_variables_with_the_next_result(tmp_path: Path) -> None:
    events = await durable_events(tmp_path / "whole.db")
    first_call = next(at for at, event in enumerate(events) if isinstance(event, ToolFinished))
    with Journal(tmp_path / "cut.db") as journal:
        journal.append(*events[: first_call + 1])
    resumed = [event async for event in scripted(tmp_path / "cut.db", after=1).stream_resumed(events[0].run)]
    (told,) = (event for event in resumed if isinstance(event, ToolFinished))
    assert told.text == f"{STATE_LOST}\n43\n"


@pytest.mark.anyio
async def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    events = await durable_events(tmp_path / "runs.db")
    agent = replace(scripted(tmp_path / "runs.db"), model="which has been deleted since")
    again = [event async for event in agent.stream_resumed(events[0].run)]
    assert again == [events[-1]]
    result, last = await agent.resume(events[0].run), events[-1]
    assert isinstance(last, RunFinished)
    assert (result.output, result.transcript.ids) == ("43", last.ids)
    with pytest.raises(UserError, match="without a journal"):  # before its model is looked for
        await replace(agent, journal=None).resume(events[0].run)


@pytest.mark.anyio
async def test_two_processes_cannot_go_on_with_one_run(tmp_path: Path) -> None:
    events = await durable_events(tmp_path / "runs.db")
    with Journal(tmp_path / "runs.db") as journal, pytest.raises(JournalError, match="another process goes on with it"):
        journal.append(replace(events[-1], seq=events[-1].seq))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        ("update events set body = replace(body, '42', '44') where seq = 7", "event 7 was changed"),
        ("delete from events where seq = 5", "event 5 is missing"),
        ("delete from events where seq = 1", "events begin with RunStarted"),
        ("update events set body = '{}' where seq = 3", "no event has the type None"),
    ],
)
async def test_verify_finds_what_was_changed(tmp_path: Path, harm: str, fault: str) -> None:
    await durable_events(tmp_path / "runs.db")
    with sqlite3.connect(tmp_path / "runs.db") as raw:
        raw.execute(harm)
    with Journal(tmp_path / "runs.db") as journal:
        assert fault in "\n".join(journal.verify())


@pytest.mark.anyio
async def test_a_run_that_could_not_begin_is_not_in_the_log(tmp_path: Path) -> None:
    class Broken:
        name = "broken"

        @asynccontextmanager
        async def open(self) -> AsyncIterator[ToolSession]:
            raise ToolError("broken: cannot be started")
            yield

    agent = replace(scripted(tmp_path / "runs.db"), tools=[Broken()])
    events = agent.stream("go")
    assert isinstance(await anext(events), RunFailed)
    with pytest.raises(ToolError, match="cannot be started"):
        await anext(events)
    with Journal(tmp_path / "runs.db") as journal:
        assert (journal.runs(), list(journal.verify())) == ([], [])


def test_a_file_that_is_no_journal_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database " * 100)
    with pytest.raises(JournalError, match="not a database"):
        Journal(tmp_path / "text")
    with sqlite3.connect(tmp_path / "newer") as raw:
        raw.execute("pragma user_version = 9")
    with pytest.raises(JournalError, match="schema version 9"):
        Journal(tmp_path / "newer")
    with Journal(tmp_path / "empty") as journal, pytest.raises(JournalError, match="no run 'x'"):
        journal.events("x")


def events_of(journal: Path) -> list[Event]:
    with Journal(journal) as log:
        return [*log.events("")]


@pytest.mark.parametrize("seed", range(3))
def test_kill_9_at_random_moments_changes_no_answer(tmp_path: Path, seed: int) -> None:
    journal = tmp_path / "runs.db"
    cells = [[{"channel": "analysis", "recipient": "python", "content": MILL}] for _ in range(3)]
    task = {
        "model": {"engine": "scripted", "turns": [*cells, [{"channel": "final", "content": "Done."}]]},
        "input": "go",
        "tools": ["python"],
    }
    draw = random.Random(seed)
    command = [*COMMAND, "run", "-", "--quiet", "--journal", str(journal)]
    for attempt in range(12):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(task))
            process.stdin.close()
            # Time only counts from the first event on: before, there is nothing to go on with.
            while not journal.exists() and process.poll() is None:
                time.sleep(0.01)
            try:
                # A slow machine gets further each time, and ends in the end.
                process.wait(draw.uniform(0.3, 1.5) * (1 + attempt / 3) if attempt < 11 else None)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
            answer = process.stdout.read()
        if process.returncode == 0:
            break
        with Journal(journal) as log:
            begun = log.runs()
        if begun:
            command = [*COMMAND, "resume", begun[0].run, "--quiet", "--journal", str(journal)]
    assert answer == "Done.\n"
    progress = Progress.of(events_of(journal), o200k_harmony())  # type: ignore[arg-type]
    assert (progress.calls, progress.turns) == (3, 4)
    with Journal(journal) as log:
        assert list(log.verify()) == []
        assert len(log.runs()) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("header", ["analysis to=python code", "final"])
async def test_what_a_limit_cut_short_is_neither_called_nor_the_answer_afterwards(tmp_path: Path, header: str) -> None:
    path, encode = tmp_path / "runs.db", o200k_harmony().encode
    cut = [Special.CHANNEL, *encode(header), Special.MESSAGE, *encode("print('half of it, and")]
    agent = replace(scripted(path), model=ScriptedEngine([cut]), limits=Limits(turn_tokens=len(cut)))
    with pytest.raises(LimitError, match="tokens in one turn"):
        await agent.run("go")
    with Journal(path) as journal:
        (summary,) = journal.runs()
    resumed = [event async for event in scripted(path, after=2).stream_resumed(summary.run)]
    assert not [event for event in resumed if isinstance(event, ToolFinished)]
    assert isinstance(resumed[-1], RunFinished)
    assert resumed[-1].answer == "43"
    with Journal(path) as journal:
        assert list(journal.verify()) == []


def test_a_limit_does_not_end_a_run_for_good(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    agent = replace(scripted(path), limits=Limits(turns=1))
    with pytest.raises(Exception, match="1 of 1 turns"):
        agent.run_sync("go")
    with Journal(path) as journal:
        (summary,) = journal.runs()
    import anyio

    result = anyio.run(scripted(path, after=1).resume, summary.run)
    assert result.output == "43"
