"""Changes of files below a root: all of them or none.

A file that is written is a new one that takes the old one's name, so that a reader sees the old or the new file and
never half of one, and a hard link that leads elsewhere is not written through. All new files are on the disk before the
first takes its place; if one cannot, those before it are put back. Between two of them a process that dies leaves the
first ones changed: there is no kernel call for several files.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from ..errors import ToolRetry
from .root import MAX_BYTES, Missing, Parts, Root, kind_of, shown, status_of, told

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Content:
    """What a file is to hold. like: the file whose rights it gets where there is none of its own name."""

    data: bytes
    like: Parts | None = None


def change(root: Root, changes: Mapping[Parts, Content | None]) -> None:
    """Writes files, None removes one. Folders are made as they are needed. Raises ToolRetry."""
    for parts, content in changes.items():
        if content is not None and len(content.data) > MAX_BYTES:
            size = len(content.data)
            raise ToolRetry(f"{shown(parts)}: would have {size} bytes; files of up to {MAX_BYTES} can be written")
    with ExitStack() as stack:
        staged = [_stage(root, parts, content, stack, alone=len(changes) == 1) for parts, content in changes.items()]
        with ExitStack() as undo:
            for each in staged:
                with told(each.parts):
                    each.take_place()
                undo.callback(each.put_back)
            undo.pop_all()


@dataclass(slots=True)
class _Staged:
    """A change that is ready. new: the name that its file has for now; old: another name of what is there."""

    parts: Parts
    folder: int
    new: str | None = None
    old: str | None = None

    @property
    def name(self) -> str:
        return self.parts[-1]

    def take_place(self) -> None:
        if self.new is not None:
            os.rename(self.new, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        else:
            os.unlink(self.name, dir_fd=self.folder)
        os.fsync(self.folder)

    def put_back(self) -> None:
        if self.old is not None:
            os.rename(self.old, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        else:
            os.unlink(self.name, dir_fd=self.folder)

    def clear(self) -> None:
        """Removes the names that are only for now."""
        for name in (self.new, self.old):
            if name is not None:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=self.folder)


def _stage(root: Root, parts: Parts, content: Content | None, stack: ExitStack, *, alone: bool) -> _Staged:
    """alone: nothing will have to be put back.

    Raises ToolRetry: a folder, a link or a device is not replaced, and what is not there is not removed.
    """
    if not parts:
        raise ToolRetry(".: is a folder, not a file")
    if content is not None:
        _make_folders(root, parts[:-1], stack)
    staged = _Staged(parts, stack.enter_context(root.folder(parts[:-1])))
    stack.callback(staged.clear)
    with told(parts):
        status = status_of(staged.folder, staged.name)
        if status is None and content is None:
            raise Missing(f"{shown(parts)}: is not there")
        if status is not None and not stat.S_ISREG(status.st_mode):
            raise ToolRetry(f"{shown(parts)}: is a {kind_of(status.st_mode)}, not a file")
        if content is not None:
            staged.new = _temporary()
            like = status if status is not None or content.like is None else root.status(content.like)
            _write(staged.folder, staged.new, content.data, like)
        if status is not None and not alone:
            staged.old = _temporary()
            os.link(
                staged.name,
                staged.old,
                src_dir_fd=staged.folder,
                dst_dir_fd=staged.folder,
                follow_symlinks=False,
            )
    return staged


def _write(folder: int, name: str, data: bytes, like: os.stat_result | None) -> None:
    """A new file with the rights and the owner of another; without one, and for root, the owner is the folder's."""
    fd = os.open(name, _NEW, 0o666 if like is None else 0o600, dir_fd=folder)
    with os.fdopen(fd, "wb") as file:
        if like is not None:
            os.fchmod(fd, stat.S_IMODE(like.st_mode) & 0o777)
        _own(fd, like or os.fstat(folder))
        file.write(data)
        file.flush()
        os.fsync(fd)


def _make_folders(root: Root, parts: Parts, stack: ExitStack) -> None:
    """Those that are not there; if the change fails, they are removed."""
    for depth, name in enumerate(parts):
        above = stack.enter_context(root.folder(parts[:depth]))
        with told(parts[: depth + 1]), suppress(FileExistsError):
            os.mkdir(name, dir_fd=above)
            stack.push(partial(_remove_if_failed, above, name))
            with root.folder(parts[: depth + 1]) as made:
                _own(made, os.fstat(above))


def _remove_if_failed(above: int, name: str, failure: type[BaseException] | None, *_: object) -> None:
    if failure is not None:
        with suppress(OSError):  # somebody has put something into it
            os.rmdir(name, dir_fd=above)


def _own(fd: int, like: os.stat_result) -> None:
    """Root works for the owner of the workspace."""
    if os.geteuid() == 0:
        os.fchown(fd, like.st_uid, like.st_gid)


def _temporary() -> str:
    return f".{secrets.token_hex(8)}.part"
