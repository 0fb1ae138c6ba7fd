"""The event log: every durable event of every run, in one SQLite file.

- An event is committed before what it announces is done, so a process may die anywhere: what is in the log has
  happened or was about to, what is not in it has not happened.
- `(run, seq)` is the key: two processes that go on with one run collide at the first event, before any effect.
- Each row carries a hash over the one before it. `verify` re-derives all that can be derived: the hashes, the order,
  and every prompt from the inputs, samples and results that made it.
- The file is for its owner alone (mode 0600): it holds all that was said.

Not here: how a run goes on from its events (`resume`).
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from pydantic import ValidationError

from .errors import JournalError
from .events import Durable, RunFailed, RunFinished, RunStarted, from_json, is_durable, to_json
from .resume import Progress

SCHEMA_VERSION: Final = 5

_SCHEMA = """
create table events (
    run text not null, seq integer not null, type text not null, at real not null,
    body text not null, hash text not null, primary key (run, seq)
) strict, without rowid;
create index events_by_type on events (type, at);
"""


def default_path() -> Path:
    """Where the command line logs the runs of tasks that do not say: below $XDG_STATE_HOME."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "cadenza" / "runs.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One line of `agent runs`. at: seconds since the epoch; end: the event that ended it, None if it has not ended."""

    run: str
    at: float
    model: str
    events: int
    end: RunFinished | RunFailed | None


class Journal:
    """An open log. Raises JournalError for a file that is none, or that a newer version wrote."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None)
            os.chmod(path, 0o600)
            with _told(path):
                self._db.execute("pragma journal_mode = wal")
                self._db.execute("pragma synchronous = full")
                self._prepare()
        except OSError as error:
            raise JournalError(f"{path}: cannot be opened: {error.strerror}") from None

    def _prepare(self) -> None:
        self._db.execute("begin immediate")
        (version,) = self._db.execute("pragma user_version").fetchone()
        if version == 0:
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
        if version < SCHEMA_VERSION:  # all later versions have the same table, and read what earlier ones wrote
            self._db.execute(f"pragma user_version = {SCHEMA_VERSION}")
        self._db.execute("commit")
        if version > SCHEMA_VERSION:
            raise JournalError(f"{self.path}: has schema version {version}, this program knows {SCHEMA_VERSION}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def append(self, *events: Durable) -> None:
        """Commits events of one run, all or none; their seqs must be the next ones.

        Raises JournalError if another process has written these, or the file cannot be written.
        """
        with _told(self.path), self._db:
            self._db.execute("begin immediate")
            run = events[0].run
            last, chain = self._db.execute(
                "select seq, hash from events where run = ? order by seq desc limit 1", (run,)
            ).fetchone() or (0, "")
            for event in events:
                last += 1
                if event.seq != last:
                    raise JournalError(f"run {run}: another process goes on with it; it has written event {last}")
                data = to_json(event)
                text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
                body = text.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair as JSON spells it
                chain = _link(chain, body)
                row = (run, event.seq, data["type"], event.at, body, chain)
                self._db.execute("insert into events values (?, ?, ?, ?, ?, ?)", row)

    def events(self, run: str) -> list[Durable]:
        """A run's events in order. run: its name, or the beginning of one. Raises JournalError: none, or several."""
        with _told(self.path):
            name = self._whole(run)
            bodies = self._db.execute("select body from events where run = ? order by seq", (name,)).fetchall()
        return [self._read(body) for (body,) in bodies]

    def runs(self) -> list[RunSummary]:
        """All runs, the latest first."""
        with _told(self.path):
            rows = self._db.execute(
                "select first.run, first.body, count(*), max(every.seq) "
                "from events first join events every on every.run = first.run "
                "where first.seq = 1 group by first.run order by first.at desc"
            ).fetchall()
        found = []
        for run, body, count, last in rows:
            started = self._read(body)
            (end,) = self._db.execute("select body from events where run = ? and seq = ?", (run, last)).fetchone()
            ended = self._read(end)
            found.append(
                RunSummary(
                    run=run,
                    at=started.at,
                    model=started.model if isinstance(started, RunStarted) else "?",
                    events=count,
                    end=ended if isinstance(ended, RunFinished | RunFailed) else None,
                )
            )
        return found

    def verify(self) -> Iterator[str]:
        """A line for each fault of the log; none for a whole one."""
        with _told(self.path):
            runs = self._db.execute("select distinct run from events order by run").fetchall()
        for (run,) in runs:  # one at a time: a log may be larger than memory
            with _told(self.path):
                rows = self._db.execute(
                    "select seq, body, hash from events where run = ? order by seq", (run,)
                ).fetchall()
            yield from self._faults(run, rows)

    def _faults(self, run: str, rows: Sequence[tuple[int, str, str]]) -> Iterator[str]:
        expected, chain = 1, ""
        events: list[Durable] = []
        for seq, body, link in rows:
            if seq != expected:
                yield f"run {run}: event {expected} is missing"
            chain = _link(chain, body)
            if link != chain:
                yield f"run {run}: event {seq} was changed after it was written"
            expected, chain = seq + 1, link
            try:
                events.append(self._read(body))
            except JournalError as error:
                yield str(error)
        yield from (f"run {run}: {fault}" for fault in Progress.faults(events))

    def _whole(self, run: str) -> str:
        names = [name for (name,) in self._db.execute("select run from events where seq = 1") if name.startswith(run)]
        if run in names:
            return run
        if len(names) != 1:
            what = "no run" if not names else f"{len(names)} runs"
            raise JournalError(f"{self.path}: {what} {run!r}; `agent runs` lists them")
        return str(names[0])

    def _read(self, body: str) -> Durable:
        try:
            event = from_json(json.loads(body))
        except (ValueError, ValidationError) as error:
            raise JournalError(f"{self.path}: an event cannot be read: {' '.join(str(error).split())[:200]}") from None
        if not is_durable(event):
            raise JournalError(f"{self.path}: an event cannot be read: {type(event).__name__} is not durable")
        return event


def _link(chain: str, body: str) -> str:
    return sha256(f"{chain}\n{body}".encode()).hexdigest()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """SQLite's complaints as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise JournalError(f"{path}: {error}") from None
