"""A patch on the files of a root: where each hunk fits, what the files become, and that in one step.

A hunk fits where its context and its removed lines stand: exactly; else but for blanks at the ends of lines; else but
for blanks at both. Of several places the first counts that comes after the hunk before. Lines that stay keep what the
file has. One hunk that fits nowhere, and nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Final

from ..errors import ToolRetry
from .change import Content, change
from .patch import Add, Delete, Hunk, HunkLine, Operation, Update, read_patch
from .root import Parts, Root, parts_of, shown
from .text import Line, Text

_STRICTNESS: Final[tuple[Callable[[str], str], ...]] = (str, str.rstrip, str.strip)
_EMPTY: Final = HunkLine(" ", "")
_QUOTED: Final = 80  # characters of a line, in a message


def apply_patch(root: Root, patch: str) -> str:
    """Changes the files; returns a line for each, and under it what changed where. Raises ToolRetry: nothing is."""
    desk = _Desk(root)
    told = [line for operation in read_patch(patch) for line in desk.do(operation)]
    change(root, desk.changes)
    return "\n".join(told)


@dataclass(slots=True)
class _Desk:
    """The files as the operations so far leave them."""

    root: Root
    changes: dict[Parts, Content | None] = field(default_factory=dict)

    def do(self, operation: Operation) -> Iterator[str]:
        """What is told of it. Raises ToolRetry."""
        parts = parts_of(operation.path)
        match operation:
            case Add(lines=lines):
                self._vacant(parts)
                self.changes[parts] = Content(Text(()).with_lines(lines).data)
                yield f"A {shown(parts)} (+{len(lines)})"
            case Delete():
                if parts in self.changes or self.root.kind(parts) != "file":
                    self._content(parts)
                self._remove(parts)
                yield f"D {shown(parts)}"
            case Update(to=to, hunks=hunks):
                content = self._content(parts)
                text, excerpt = _update(Text.of(content.data, shown(parts)), hunks, shown(parts))
                target = parts if to is None else parts_of(to)
                if target != parts:
                    self._vacant(target)
                    self._remove(parts)
                self.changes[target] = Content(text.data, like=content.like)
                moved = "" if target == parts else f" -> {shown(target)}"
                signs = [line.sign for hunk in hunks for line in hunk.lines]
                yield f"M {shown(parts)}{moved} (+{signs.count('+')} -{signs.count('-')})"
                yield from excerpt

    def _content(self, parts: Parts) -> Content:
        if parts not in self.changes:
            return Content(self.root.read(parts), like=parts)
        content = self.changes[parts]
        if content is None:
            raise ToolRetry(f"{shown(parts)}: an earlier part of the patch removes it")
        return content

    def _remove(self, parts: Parts) -> None:
        if self.root.kind(parts) is None:  # the patch itself has made it
            del self.changes[parts]
        else:
            self.changes[parts] = None

    def _vacant(self, parts: Parts) -> None:
        kind = self.root.kind(parts)
        if kind == "folder":
            raise ToolRetry(f"{shown(parts)}: is a folder, not a file")
        there = self.changes[parts] is not None if parts in self.changes else kind is not None
        if there:
            raise ToolRetry(f"{shown(parts)}: is there already; change it with *** Update File:")


def _update(text: Text, hunks: Sequence[Hunk], name: str) -> tuple[Text, list[str]]:
    """The text after the hunks, and an excerpt. Raises ToolRetry that names the hunk and the line at fault."""
    old = [line.text for line in text.lines]
    new: list[Line | str] = []
    excerpt: list[str] = []
    at = 0
    for number, hunk in enumerate(hunks, 1):
        begin, lines, note = _place(hunk, old, at, f"{name}: hunk {number} of {len(hunks)}")
        new += text.lines[at:begin]
        excerpt.append(f"@@ -{begin + 1} +{len(new) + 1} @@{note}")
        at = begin
        for line in lines:
            excerpt.append(line.sign + (line.text if line.sign == "+" else old[at]))
            if line.sign != "-":
                new.append(line.text if line.sign == "+" else text.lines[at])
            if line.sign != "+":
                at += 1
    new += text.lines[at:]
    return text.with_lines(new), excerpt


def _place(hunk: Hunk, lines: Sequence[str], start: int, where: str) -> tuple[int, list[HunkLine], str]:
    """The first line that a hunk stands for, its lines as they fit, and what is to be said if others fit too."""
    begin = start
    for place in hunk.places:
        found = _fitting([place], lines, begin)
        if not found:
            raise ToolRetry(_misfit([place], lines, begin, f"{where}, after @@"))
        begin = found[0] + 1
    own = list(hunk.lines)
    while True:
        wanted = [line.text for line in own if line.sign != "+"]
        if not wanted:
            return (begin if hunk.places and not hunk.at_end else len(lines)), own, ""
        if hunk.at_end:
            begin = max(begin, len(lines) - len(wanted))
        if found := _fitting(wanted, lines, begin):
            return found[0], own, f" (fits at line {found[1] + 1} too)" if len(found) > 1 else ""
        if own[-1] != _EMPTY:  # which many write between two parts of a patch, and do not mean
            raise ToolRetry(_misfit([line.text for line in hunk.lines if line.sign != "+"], lines, begin, where))
        own.pop()


def _fitting(wanted: Sequence[str], lines: Sequence[str], start: int) -> list[int]:
    """Up to two places where the wanted lines stand, by the strictest comparison that finds any."""
    for plain in _STRICTNESS:
        goal, have = list(map(plain, wanted)), list(map(plain, lines))
        last = len(have) - len(goal)
        fitting = (at for at in range(start, last + 1) if have[at] == goal[0] and have[at : at + len(goal)] == goal)
        if found := list(islice(fitting, 2)):
            return found
    return []


def _misfit(wanted: Sequence[str], lines: Sequence[str], start: int, where: str) -> str:
    """Why wanted lines fit nowhere: where they come closest, and what is there instead."""
    if earlier := _fitting(wanted, lines, 0):
        return f"{where}: fits at line {earlier[0] + 1}, which comes too early; hunks stand in the order of the file"
    goal, have = [line.strip() for line in wanted], [line.strip() for line in lines]

    def common(at: int) -> int:
        return sum(
            1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(goal, have[at : at + len(goal)], strict=False))
        )

    best = max(range(start, len(lines)), key=common, default=start)
    same = common(best) if best < len(lines) else 0
    expected = f"expected {_quoted(wanted[same])}"
    if not same:
        return f"{where}: {expected}, which is nowhere after line {start}"
    there = _quoted(lines[best + same]) if best + same < len(lines) else "the end of the file"
    return f"{where}: {expected} at line {best + same + 1}, found {there}"


def _quoted(line: str) -> str:
    return repr(line if len(line) <= _QUOTED else line[:_QUOTED] + "...")
