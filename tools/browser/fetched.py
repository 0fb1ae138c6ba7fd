"""What was fetched, kept on disk for a while: one SQLite file for its owner alone, the oldest is dropped first."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KEEP_SECONDS: Final = 3600.0
KEEP_BYTES: Final = 256 << 20
_SCHEMA: Final = """
create table if not exists fetched (
    asked text primary key, url text not null, kind text not null, charset text not null, data blob not null,
    at real not null
) strict
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """url: where redirects led; kind: as of `reader.read`; charset: what the server says."""

    url: str
    kind: str
    charset: str
    data: bytes


class FetchCache:
    """path: its file; a folder that cannot be written to is no reason to fail: then nothing is kept."""

    def __init__(self, path: Path, *, seconds: float = KEEP_SECONDS, most: int = KEEP_BYTES) -> None:
        self._path = path
        self._seconds = seconds
        self._most = most

    def get(self, asked: str) -> Fetched | None:
        """What that address gave, unless it is too long ago."""
        try:
            with self._open() as db:
                row = db.execute(
                    "select url, kind, charset, data from fetched where asked = ? and at > ?",
                    (asked, time.time() - self._seconds),
                ).fetchone()
        except (OSError, sqlite3.Error):
            return None
        return None if row is None else Fetched(url=row[0], kind=row[1], charset=row[2], data=row[3])

    def put(self, asked: str, fetched: Fetched) -> None:
        now = time.time()
        row = (asked, fetched.url, fetched.kind, fetched.charset, fetched.data, now)
        try:
            with self._open() as db:
                db.execute("insert or replace into fetched values (?, ?, ?, ?, ?, ?)", row)
                db.execute("delete from fetched where at <= ?", (now - self._seconds,))
                db.execute(
                    "delete from fetched where asked in (select asked from (select asked, "
                    "sum(length(data)) over (order by at desc, asked) as size from fetched) where size > ?)",
                    (self._most,),
                )
        except (OSError, sqlite3.Error):
            return

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        with closing(sqlite3.connect(self._path, timeout=5)) as db, db:
            db.execute(_SCHEMA)
            yield db
