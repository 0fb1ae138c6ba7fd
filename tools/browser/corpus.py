"""Search in a folder of documents, without any service: an index in SQLite, ranked by BM25 (FTS5).

- What is found are passages of some twenty lines, so a result leads to the place and not only to the document.
- Only what changed since the last time is read again: by size and time of change, then by the hash of the content.
- The index is a cache outside the folder, for its owner alone; one that is of another version is made anew.
- A document's address is its path in the folder. Pages come from the index, so no path that a model makes up is opened.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from pydantic import TypeAdapter

from ..errors import ToolError, ToolRetry
from ..toolset import Traits
from .page import Hit, Page
from .reader import without_links
from .reading import Reader

_log = logging.getLogger(__name__)

KINDS: Final = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
}
"""What is read, by the end of its name."""
MOST_BYTES: Final = 50 << 20
"""Of one document; a larger one is left out, and the log says so."""
_PASSAGE_LINES: Final = 20
_MOST_WORDS: Final = 64  # of a query
_BATCH: Final = 64  # documents that are written at once
_PASSAGE_BITS: Final = 20  # of a passage's number; above them is its document's
_LAST_PASSAGE: Final = (1 << _PASSAGE_BITS) - 1
_VERSION: Final = 1
_SCHEMA: Final = """
create table documents (
    id integer primary key, path text not null unique, size integer not null, changed integer not null,
    hash text not null, page text not null
) strict;
create virtual table passages using fts5 (
    title, text, path unindexed, line unindexed, tokenize = 'porter unicode61 remove_diacritics 2'
);
"""
_CANDIDATES: Final = 300  # passages that are looked at for a query
_RANKED: Final = (
    "select rowid, rank from passages where passages match ? and rank match 'bm25(4.0, 1.0)' order by rank limit ?"
)
_SHOWN: Final = (
    "select path, title, line, snippet(passages, 1, '', '', ' ... ', 48) from passages "
    "where passages match ? and rowid = ?"
)
_pages: Final = TypeAdapter(Page)


def cache_folder() -> Path:
    """Where indices and fetched pages are kept: below $XDG_CACHE_HOME."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cadenza"


@dataclass(frozen=True, slots=True)
class _Known:
    """What the index holds of a document, or is to hold. changed: nanoseconds; page: None where it is as it was."""

    size: int
    changed: int
    hash: str
    page: Page | None = None


class Corpus:
    """A folder of documents as a search backend. index: its file, by default in the user's cache."""

    name = "documents"
    traits = Traits(reads_private=True, reads_untrusted=True)

    def __init__(self, folder: Path, *, index: Path | None = None) -> None:
        self.folder = folder
        name = sha256(str(folder.resolve()).encode()).hexdigest()[:16]
        self._index = index or cache_folder() / "corpora" / f"{name}.db"

    async def prepare(self, reader: Reader) -> None:
        """Brings the index up to date. Raises ToolError."""
        if not self.folder.is_dir():
            raise ToolError(f"browser: corpus {self.folder}: no such folder")
        try:
            _create(self._index)
            await self._update(reader)
            with self._db() as db:
                (count,) = db.execute("select count(*) from documents").fetchone()
        except (OSError, sqlite3.Error) as error:
            where = f"its index {self._index} cannot be written"
            raise ToolError(f"browser: corpus {self.folder}: {where}: {error}") from None
        if not count:
            raise ToolError(f"browser: corpus {self.folder}: no document in it; these are: {', '.join(KINDS)}")

    async def search(self, query: str, limit: int) -> Sequence[Hit]:
        """The documents with the best passages, each once: its best one counts, and half of its others."""
        words = re.findall(r"\w+", query)[:_MOST_WORDS]
        if not words:
            return []
        wanted = " OR ".join(f'"{word}"' for word in words)
        scores: dict[int, float] = {}
        best: dict[int, int] = {}  # passage of a document
        with self._db() as db:
            for passage, rank in db.execute(_RANKED, (wanted, _CANDIDATES)):
                document = passage >> _PASSAGE_BITS
                scores[document] = scores.get(document, 0.0) + (rank / 2 if document in best else rank)
                best.setdefault(document, passage)
            chosen = sorted(scores, key=scores.__getitem__)[:limit]  # the better, the more below zero
            rows = [db.execute(_SHOWN, (wanted, best[document])).fetchone() for document in chosen]
        return [Hit(url=path, title=title, text=without_links(text), line=line) for path, title, line, text in rows]

    async def page(self, url: str) -> Page | None:
        """The document of that address, or of that path."""
        with self._db() as db:
            for path in (url, quote(url), quote(unquote(url))):
                row = db.execute("select page from documents where path = ?", (path.removeprefix("./"),)).fetchone()
                if row is not None:
                    return _pages.validate_json(row[0])
        return None

    @contextmanager
    def _db(self) -> Iterator[sqlite3.Connection]:
        """One connection for each use, so that runs share nothing; what is written inside is written at once."""
        with closing(sqlite3.connect(self._index, timeout=60)) as db, db:
            yield db

    async def _update(self, reader: Reader) -> None:
        with self._db() as db:
            rows = db.execute("select path, size, changed, hash from documents").fetchall()
        known = {path: _Known(*row) for path, *row in rows}
        news: dict[str, _Known | None] = {}
        for file in _files(self.folder):
            address = quote(os.fsencode(file.relative_to(self.folder).as_posix()))
            before = known.pop(address, None)
            try:
                now = await _looked_at(file, address, before, reader)
            except (OSError, ToolRetry) as error:
                _log.warning("corpus %s: left out: %s", self.folder, error)
                now = None
            if now != before:
                news[address] = now
            if len(news) >= _BATCH:
                self._write(news)
                news = {}
        self._write(news | dict.fromkeys(known))

    def _write(self, news: Mapping[str, _Known | None]) -> None:
        """Notes documents as they are now, None for those that are not there any more."""
        with self._db() as db:
            for address, now in news.items():
                if now is not None and now.page is None:
                    db.execute("update documents set changed = ? where path = ?", (now.changed, address))
                    continue
                for (id,) in db.execute("delete from documents where path = ? returning id", (address,)).fetchall():
                    first = id << _PASSAGE_BITS
                    db.execute("delete from passages where rowid between ? and ?", (first, first | _LAST_PASSAGE))
                if now is not None and now.page is not None:
                    page = _pages.dump_json(now.page).decode()
                    row = (address, now.size, now.changed, now.hash, page)
                    id = db.execute("insert into documents values (null, ?, ?, ?, ?, ?)", row).lastrowid
                    db.executemany(
                        "insert into passages (rowid, title, text, path, line) values (?, ?, ?, ?, ?)",
                        (
                            ((id or 0) << _PASSAGE_BITS | at, now.page.title, text, address, line)
                            for at, (line, text) in enumerate(_passages(now.page.lines))
                        ),
                    )


async def _looked_at(file: Path, address: str, known: _Known | None, reader: Reader) -> _Known:
    """A document as it is now: `known` if it did not change. Raises OSError, ToolRetry."""
    now, data = _content(file, known)
    if data is None:
        return now
    page = await reader.page(KINDS[file.suffix.lower()], data, url=address, title=file.stem)
    return replace(now, page=page)


def _content(file: Path, known: _Known | None) -> tuple[_Known, bytes | None]:
    """A document as it is now, and what it says if that is not known. Raises OSError, ToolRetry."""
    found = file.stat()
    if known is not None and (found.st_size, found.st_mtime_ns) == (known.size, known.changed):
        return known, None
    if found.st_size > MOST_BYTES:
        raise ToolRetry(f"{file.name}: larger than {MOST_BYTES >> 20} MB")
    data = file.read_bytes()
    now = _Known(found.st_size, found.st_mtime_ns, sha256(data).hexdigest())
    return now, None if known is not None and now.hash == known.hash else data


def _files(folder: Path) -> Iterator[Path]:
    """Every document in the folder; none whose path leads out of it, and no hidden one."""
    top = folder.resolve()
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(base, name)
            is_document = not name.startswith(".") and file.suffix.lower() in KINDS
            if is_document and file.is_file() and (not file.is_symlink() or file.resolve().is_relative_to(top)):
                yield file


def _passages(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Pieces of a page with the line where each begins; a heading begins a new one."""
    begin = 0
    for at in range(1, len(lines) + 1):
        is_full = at - begin >= _PASSAGE_LINES
        if at == len(lines) or is_full or (lines[at].startswith("#") and at - begin > 2):
            if text := "\n".join(lines[begin:at]).strip():
                yield begin, text
            begin = at


def _create(path: Path) -> None:
    """An empty index, unless there is one of this version. Raises OSError, sqlite3.Error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for is_last in (False, True):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as db:
            try:
                db.execute("pragma journal_mode = wal")
                db.execute("begin immediate")
                (version,) = db.execute("pragma user_version").fetchone()
                if version == 0:
                    for statement in _SCHEMA.split(";"):
                        db.execute(statement)
                    db.execute(f"pragma user_version = {_VERSION}")
                db.execute("commit")
                if version in (0, _VERSION):
                    return
            except sqlite3.DatabaseError:
                if is_last:
                    raise
        path.unlink()  # damaged, or of another version: it is made anew
