"""The `files` tool: the task's workspace, read and changed by the model.

Lines are numbered as gpt-oss knows them from its browser, `L12: ...`; changes have the form that it knows from Codex.
Every result fits: what is left out is counted, and the model is told how to get it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import regex

from ..decorator import tool
from ..errors import ToolError, ToolRetry
from ..functions import FunctionSession, FunctionToolset
from .apply import apply_patch
from .change import Content, change
from .root import Entry, Parts, Root, parts_of, shown
from .text import Text

_DESCRIPTION: Final = "Files of the workspace. Paths are relative to it, such as src/main.py. Links are not followed."
_MAX_CHARACTERS: Final = 24_000  # of a part of a file, and so less than a result may have
_MAX_LINE: Final = 1_000  # characters of a line
_MAX_ENTRIES: Final = 500
_MAX_MATCHES: Final = 100
_MAX_FILES: Final = 20_000  # that a search looks at
_SEARCH_SECONDS: Final = 20.0
_PLAIN: Final = 1_000  # characters of a pattern without repeats that is compiled at once
_TRIAL: Final = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
import regex
try:
    regex.compile(sys.stdin.buffer.read().decode())
except regex.error:
    pass
"""
_UNSEEN: Final = frozenset({".git"})  # folders that are named, not looked into


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesTool:
    """Files below one folder.

    folder: the workspace, made if it is not there; write: whether the model may change them, and not only read.
    """

    folder: Path
    write: bool = True

    @property
    def name(self) -> str:
        return "files"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FunctionSession]:
        """Raises ToolError if the folder cannot be had."""
        try:
            root = Root(self.folder)
        except OSError as error:
            raise ToolError(f"workspace {self.folder}: {error.strerror}") from None
        with root:
            files = _Files(root)
            tools = [tool(each, idempotent=True, reads_private=True) for each in (files.read, files.list, files.search)]
            if self.write:
                tools += [tool(files.write, idempotent=True), tool(files.apply_patch)]
            async with FunctionToolset(tools, name=self.name, description=_DESCRIPTION).open() as session:
                yield session


class _Files:
    """What the model calls. Changes are made one after the other, also where calls run side by side."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._changing = threading.Lock()

    def read(self, path: str, start: int = 1, lines: int = 400) -> str:
        """Lines of a text file.

        Args:
            path: The file.
            start: The first line, from 1.
            lines: How many.
        """
        if start < 1 or lines < 1:
            raise ToolRetry("start and lines must be at least 1")
        parts = parts_of(path)
        text = Text.of(self._root.read(parts), shown(parts))
        total = len(text.lines)
        if not total:
            return f"{shown(parts)} is empty"
        if start > total:
            raise ToolRetry(f"{shown(parts)}: has {_count(total, 'line')}")
        told, room = list[str](), _MAX_CHARACTERS
        for number, line in enumerate(text.lines[start - 1 : start - 1 + lines], start):
            told.append(f"L{number}: {_shortened(line.text)}")
            room -= len(told[-1])
            if room < 0:
                break
        end = start + len(told) - 1
        more = f"; go on with start={end + 1}" if end < total else ""
        return "\n".join([f"{shown(parts)}, lines {start} to {end} of {total}{more}", *told])

    def list(self, path: str = ".", depth: int = 2) -> str:
        """Names of files and folders.

        Args:
            path: The folder.
            depth: How many levels of folders.
        """
        if depth < 1:
            raise ToolRetry("depth must be at least 1")
        told = list[str]()
        for parts, entry in self._walk(parts_of(path), depth):
            if len(told) == _MAX_ENTRIES:
                return "\n".join([*told, f"[more than {_MAX_ENTRIES}; list a folder below, or with less depth]"])
            told.append(_described(parts, entry))
        return "\n".join(told) or f"{shown(parts_of(path))} is empty"

    def search(self, pattern: str, path: str = ".", glob: str = "*") -> str:
        """Lines of text files that a regular expression matches.

        Args:
            pattern: A regular expression, as in Python.
            path: A folder or a file.
            glob: Which files, such as *.py or src/**/*.md.
        """
        wanted = _compiled(pattern)
        told, files, deadline = list[str](), set[Parts](), time.monotonic() + _SEARCH_SECONDS
        notes = list[str]()
        for seen, parts in enumerate(self._files(parts_of(path), glob)):
            if seen == _MAX_FILES:
                notes.append(f"[only the first {_MAX_FILES} files were searched]")
                break
            _left(deadline)
            try:
                text = Text.of(self._root.read(parts), "")
            except ToolRetry:  # no text, or gone meanwhile
                continue
            for number, line in enumerate(text.lines, 1):
                if not _matches(wanted, line.text, deadline):
                    continue
                if len(told) == _MAX_MATCHES:
                    return "\n".join([f"the first {_MAX_MATCHES} matches; there are more", *told])
                files.add(parts)
                told.append(f"{shown(parts)}:{number}: {_shortened(line.text.strip())}")
        return "\n".join([f"{_count(len(told), 'match', 'matches')} in {_count(len(files), 'file')}", *told, *notes])

    def write(self, path: str, text: str) -> str:
        """Writes a whole file; folders are made as they are needed.

        Args:
            path: The file; what it had before is lost.
            text: All that it is to hold.
        """
        parts, data = parts_of(path), text.encode("utf-8", "replace")
        with self._changing:
            before = self._root.kind(parts)
            change(self._root, {parts: Content(data)})
        return f"{'wrote' if before is None else 'replaced'} {shown(parts)}, {_count(len(data), 'byte')}"

    def apply_patch(self, input: str) -> str:
        """Changes files, all or none.

        Args:
            input: From *** Begin Patch to *** End Patch, with *** Add File: path, *** Update File: path,
                *** Move to: path, *** Delete File: path, and hunks below @@ of lines that begin with blank, - or +.
        """
        with self._changing:
            return apply_patch(self._root, input)

    def _walk(self, top: Parts, depth: int) -> Iterator[tuple[Parts, Entry]]:
        """What there is, a folder before what it has. Raises ToolRetry for a top that is none."""
        for entry in self._root.entries(top):
            parts = (*top, entry.name)
            yield parts, entry
            if entry.kind == "folder" and depth > 1 and entry.name not in _UNSEEN:
                try:
                    yield from self._walk(parts, depth - 1)
                except ToolRetry:  # gone meanwhile, or not ours to read
                    continue

    def _files(self, top: Parts, glob: str) -> Iterator[Parts]:
        if self._root.kind(top) == "file":
            yield top
            return
        for parts, entry in self._walk(top, 64):
            if entry.kind == "file" and _fits("/".join(parts), glob):
                yield parts


def _compiled(pattern: str) -> regex.Pattern[str]:
    """Raises ToolRetry.

    Repeats multiply: a short pattern can take hours and all memory, or crash the process, and nothing interrupts that.
    So one with repeats is compiled by another process first.
    """
    if len(pattern) > _PLAIN or re.search("[+{]", pattern):
        try:
            ended = subprocess.run(
                [sys.executable, "-P", "-c", _TRIAL],
                input=pattern.encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_SEARCH_SECONDS,
            ).returncode
        except subprocess.TimeoutExpired:
            ended = -1
        if ended < 0:  # by a signal
            raise ToolRetry("pattern: too large; write it shorter, or with fewer and smaller repeats")
    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise ToolRetry(f"pattern: {error}") from None


def _matches(wanted: regex.Pattern[str], line: str, deadline: float) -> bool:
    """Other threads run meanwhile. Raises ToolRetry at the deadline: a pattern can take longer than anybody lives."""
    try:
        return wanted.search(line, concurrent=True, timeout=_left(deadline)) is not None
    except TimeoutError:
        raise _late() from None


def _left(deadline: float) -> float:
    """Seconds. Raises ToolRetry if there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise _late()
    return left


def _late() -> ToolRetry:
    return ToolRetry(f"the search took longer than {_SEARCH_SECONDS:g} seconds; search less, or more simply")


def _fits(path: str, glob: str) -> bool:
    name = path.rpartition("/")[2]
    return any(fnmatchcase(each, form) for each in (path, name) for form in (glob, glob.replace("**/", "")))


def _described(parts: Parts, entry: Entry) -> str:
    match entry.kind:
        case "folder":
            return f"{shown(parts)}/"
        case "file":
            return f"{shown(parts)} ({_count(entry.size, 'byte')})"
        case kind:
            return f"{shown(parts)} ({kind})"


def _shortened(line: str) -> str:
    return line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]} [{len(line) - _MAX_LINE} more characters]"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
