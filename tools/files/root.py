"""`Root`: a folder, and nothing but what is below it.

Paths come from a model, and a sandbox may change the folder at the same time. So a path is never given to the kernel
whole: it is walked name by name from an open folder, and a symbolic link is refused wherever it stands. Whatever
another process puts in the way meanwhile, the walk ends below the root or not at all. Only regular files are read.

A reason to refuse is a ToolRetry of one line, for the model.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeAlias

from ..errors import ToolRetry
from ..workspace import make_workspace

MAX_BYTES: Final = 10 * 1024 * 1024
"""Of one file that is read or written."""
MAX_DEPTH: Final = 64
"""Names in a path."""

Parts: TypeAlias = tuple[str, ...]
"""A path below the root, name by name; empty for the root itself."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A FIFO must not be waited for, and a terminal must not become ours.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS: Final = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
}


class Missing(ToolRetry):
    """There is no such file or folder."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder has. kind: "file", "folder", "symbolic link", "pipe", "socket" or "device"; size: in bytes."""

    name: str
    kind: str
    size: int


def parts_of(path: str) -> Parts:
    """The names of a path that stays below the root. Raises ToolRetry for any other."""
    if path.startswith("/"):
        raise ToolRetry(f"{printable(path)}: is absolute; paths start at the workspace, such as src/main.py")
    parts = tuple(name for name in path.split("/") if name not in ("", "."))
    if ".." in parts:
        raise ToolRetry(f"{printable(path)}: .. is not allowed; paths start at the workspace, such as src/main.py")
    if "\0" in path or len(parts) > MAX_DEPTH or not _is_utf8(path):
        raise ToolRetry(f"{printable(path)}: is no path")
    return parts


def shown(parts: Parts) -> str:
    """A path in one line."""
    return printable("/".join(parts)) or "."


def printable(name: str) -> str:
    """A name in one line: whoever made it may have put anything into it."""
    text = name.encode("utf-8", "backslashreplace").decode()
    return (text if text.isprintable() else text.encode("unicode_escape").decode("ascii"))[:300]


def kind_of(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "device")


class Root:
    """An open folder; it is made if it is not there. Raises OSError if it cannot be had."""

    def __init__(self, folder: Path) -> None:
        make_workspace(folder)
        self._fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    @contextmanager
    def folder(self, parts: Parts) -> Iterator[int]:
        """A descriptor of a folder. Raises ToolRetry."""
        fd = os.dup(self._fd)
        try:
            for depth, name in enumerate(parts, 1):
                with told(parts[:depth]):
                    fd, above = _open_folder(fd, name), fd
                    os.close(above)
            yield fd
        finally:
            os.close(fd)

    def read(self, parts: Parts) -> bytes:
        """A regular file's bytes. Raises ToolRetry."""
        if not parts:
            raise ToolRetry(".: is a folder, not a file")
        with self.folder(parts[:-1]) as folder, told(parts):
            fd = _open(parts[-1], _READ, folder)
            try:
                status = os.fstat(fd)
                if not stat.S_ISREG(status.st_mode):
                    raise ToolRetry(f"{shown(parts)}: is a {kind_of(status.st_mode)}, not a file")
                with open(fd, "rb", closefd=False) as file:
                    data = file.read(MAX_BYTES + 1)
            finally:
                os.close(fd)
        if len(data) > MAX_BYTES:
            raise ToolRetry(f"{shown(parts)}: has {status.st_size} bytes; files of up to {MAX_BYTES} can be used")
        return data

    def entries(self, parts: Parts) -> list[Entry]:
        """What a folder has, by name. Raises ToolRetry."""
        with self.folder(parts) as folder, told(parts):
            found = []
            for name in sorted(os.listdir(folder)):
                with suppress(FileNotFoundError):  # it has gone meanwhile
                    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    found.append(Entry(name, kind_of(status.st_mode), status.st_size))
            return found

    def status(self, parts: Parts) -> os.stat_result | None:
        """Of what there is, a link not followed; None for nothing. Raises ToolRetry for a path through no folder."""
        try:
            with self.folder(parts[:-1]) as folder, told(parts):
                return status_of(folder, parts[-1]) if parts else os.fstat(folder)
        except Missing:
            return None

    def kind(self, parts: Parts) -> str | None:
        """As in `Entry`; None for nothing. Raises ToolRetry for a path through no folder."""
        status = self.status(parts)
        return None if status is None else kind_of(status.st_mode)


def status_of(folder: int, name: str) -> os.stat_result | None:
    """Of what an open folder has, a link not followed; None for nothing. Raises OSError."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


@contextmanager
def told(parts: Parts) -> Iterator[None]:
    """The kernel's refusals as ours."""
    try:
        yield
    except FileNotFoundError:
        raise Missing(f"{shown(parts)}: is not there") from None
    except OSError as error:
        raise ToolRetry(f"{shown(parts)}: {(error.strerror or str(error)).lower()}") from None


def _open_folder(above: int, name: str) -> int:
    return _open(name, _FOLDER, above)


def _open(name: str, flags: int, folder: int) -> int:
    """Raises OSError; for a link, and for what is no folder, with words of ours."""
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP, errno.ENXIO):
            raise
        kind = kind_of(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        what = "is a symbolic link, which is not followed" if kind == "symbolic link" else f"is a {kind}"
        raise OSError(error.errno, what) from None


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
