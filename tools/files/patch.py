"""The patch format that gpt-oss knows from Codex, read: files to add, to delete and to update.

    *** Begin Patch
    *** Add File: notes.txt
    +a line
    *** Update File: src/app.py
    *** Move to: src/main.py
    @@ def greet():
    -print("Hi")
    +print("Hello")
    *** End of File
    *** Delete File: old.txt
    *** End Patch

What models get wrong and has one meaning is taken as it is meant: blanks around a marker, an empty line for an empty
line of context, a first hunk without `@@`, the line numbers of a unified diff after `@@`.

Source: the instructions of OpenAI's Codex for `apply_patch`. Not here: where a hunk fits (`apply`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from ..errors import ToolRetry
from .root import printable

_NUMBERS: Final = re.compile(r"-\d+(,\d+)? \+\d+(,\d+)? @@.*")


@dataclass(frozen=True, slots=True)
class HunkLine:
    sign: Literal[" ", "-", "+"]
    text: str


@dataclass(slots=True)
class Hunk:
    """places: lines to go to first, one after the other; at_end: its last line is the file's."""

    places: list[str] = field(default_factory=list)
    lines: list[HunkLine] = field(default_factory=list)
    at_end: bool = False


@dataclass(frozen=True, slots=True)
class Add:
    path: str
    lines: list[str]


@dataclass(frozen=True, slots=True)
class Delete:
    path: str


@dataclass(slots=True)
class Update:
    """to: its new path, if it gets one."""

    path: str
    to: str | None = None
    hunks: list[Hunk] = field(default_factory=list)


Operation: TypeAlias = Add | Delete | Update


def read_patch(text: str) -> list[Operation]:
    """The operations of a patch, in order. Raises ToolRetry that names the line at fault."""
    lines = [line.removesuffix("\r") for line in text.strip().split("\n")]
    if lines[0].strip() != "*** Begin Patch":
        raise ToolRetry("the patch must begin with the line *** Begin Patch")
    if lines[-1].strip() != "*** End Patch":
        raise ToolRetry("the patch must end with the line *** End Patch")
    reader = _Reader()
    for number, line in enumerate(lines[1:-1], 2):
        try:
            reader.take(line)
        except _Fault as fault:
            raise ToolRetry(f"line {number} of the patch, {printable(line)[:80]!r}: {fault}") from None
    reader.close()
    if not reader.operations:
        raise ToolRetry("the patch has no *** Add File:, *** Update File: or *** Delete File:")
    return reader.operations


class _Fault(Exception):  # noqa: N818 - told with its line
    """What is wrong with a line."""


class _Reader:
    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._hunk: Hunk | None = None

    def take(self, line: str) -> None:
        """Raises _Fault."""
        in_update = self.operations and isinstance(self.operations[-1], Update)  # where a blank begins context
        if (line if in_update else line.lstrip()).startswith("*** "):
            self._marker(line.strip())
            return
        match self.operations[-1:]:
            case [Add(lines=lines)] if line.startswith("+"):
                lines.append(line[1:])
            case [Add() | Delete()] if not line.strip():
                pass
            case [Add()]:
                raise _Fault("every line of an added file begins with +")
            case [Update() as update]:
                self._in_update(update, line)
            case _:
                raise _Fault("expected *** Add File:, *** Update File: or *** Delete File:")

    def close(self) -> None:
        """Ends the operation that is open. Raises ToolRetry for an update that changes nothing."""
        self._hunk = None
        match self.operations[-1:]:
            case [Update(path=path, to=to, hunks=hunks)]:
                if not hunks and to is None:
                    raise ToolRetry(f"{printable(path)}: the update has no hunk")
                for number, hunk in enumerate(hunks, 1):
                    if not hunk.lines:
                        raise ToolRetry(f"{printable(path)}: hunk {number} has no lines")

    def _marker(self, marker: str) -> None:
        kind, _, rest = marker.removeprefix("*** ").partition(":")
        path = rest.strip()
        if kind in ("Add File", "Delete File", "Update File", "Move to") and not path:
            raise _Fault("expected a path after the colon")
        match kind:
            case "Add File":
                self._begin(Add(path, []))
            case "Delete File":
                self._begin(Delete(path))
            case "Update File":
                self._begin(Update(path))
            case "Move to":
                match self.operations[-1:]:
                    case [Update(to=None, hunks=[]) as update]:
                        update.to = path
                    case _:
                        raise _Fault("stands only directly below *** Update File:")
            case "End of File":
                if self._hunk is None:
                    raise _Fault("stands only at the end of a hunk")
                self._hunk.at_end, self._hunk = True, None
            case _:
                raise _Fault("no such marker")

    def _begin(self, operation: Operation) -> None:
        self.close()
        self.operations.append(operation)

    def _in_update(self, update: Update, line: str) -> None:
        if line.startswith("@@"):
            place = line[2:].strip()
            if _NUMBERS.fullmatch(place):
                place = ""
            if self._hunk is None or self._hunk.lines or not place:
                self._hunk = Hunk()
                update.hunks.append(self._hunk)
            if place:
                self._hunk.places.append(place)
        elif self._hunk is None and update.hunks:
            if line.strip():
                raise _Fault("expected @@ after *** End of File")
        else:
            if self._hunk is None:
                self._hunk = Hunk()
                update.hunks.append(self._hunk)
            self._hunk.lines.append(_hunk_line(line))


def _hunk_line(line: str) -> HunkLine:
    match line[:1]:
        case " " | "-" | "+" as sign:
            return HunkLine(sign, line[1:])
        case "":
            return HunkLine(" ", "")
        case _:
            raise _Fault("every line of a hunk begins with a blank, - or +")
