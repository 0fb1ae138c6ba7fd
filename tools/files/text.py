"""A file's text as lines that keep their own endings, so that a change of one leaves the others as they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from ..errors import ToolRetry

BOM: Final = "\ufeff"
_SAMPLE: Final = 8192  # bytes that are looked at to tell a binary file
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Line:
    """ending: "\\n", "\\r\\n", or nothing, which only the last line of a file may have."""

    text: str
    ending: str


@dataclass(frozen=True, slots=True)
class Text:
    """Lines of a file. marked: whether it begins with a byte order mark, which is no part of the first line."""

    lines: tuple[Line, ...]
    marked: bool = False

    @classmethod
    def of(cls, data: bytes, name: str) -> Self:
        """Raises ToolRetry for what is no text in UTF-8."""
        if data[:2] in _UTF16:
            raise ToolRetry(f"{name}: is text in UTF-16; only UTF-8 can be used")
        if b"\0" in data[:_SAMPLE]:
            raise ToolRetry(f"{name}: is a binary file of {len(data)} bytes")
        try:
            whole = data.decode()
        except UnicodeDecodeError as error:
            raise ToolRetry(f"{name}: is not UTF-8: byte {error.object[error.start]:#04x} at {error.start}") from None
        text = whole.removeprefix(BOM)
        pieces = text.split("\n")
        ended = [Line(piece[:-1], "\r\n") if piece.endswith("\r") else Line(piece, "\n") for piece in pieces[:-1]]
        last = [Line(pieces[-1], "")] if pieces[-1] else []
        return cls((*ended, *last), marked=len(text) < len(whole))

    @property
    def data(self) -> bytes:
        whole = "".join(line.text + line.ending for line in self.lines)
        return ((BOM if self.marked else "") + whole).encode("utf-8", "replace")

    def with_lines(self, lines: Iterable[Line | str]) -> Self:
        """Other lines; those without an ending get the file's. Whether the last one has one stays as it was."""
        usual = self.lines[0].ending or "\n" if self.lines else "\n"
        made = [line if isinstance(line, Line) else Line(line, usual) for line in lines]
        made = [Line(line.text, line.ending or usual) for line in made]
        if made and self.lines and not self.lines[-1].ending:
            made[-1] = Line(made[-1].text, "")
        return type(self)(tuple(made), self.marked)
