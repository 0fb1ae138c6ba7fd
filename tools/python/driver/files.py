"""The files of the working directory, for the host: regular ones only, reached without following a single link.

Cells may do with the directory what they like, also while it is read: every step is taken on an open descriptor, and
nothing that could block (a pipe), lead elsewhere (a link, "..") or be endless (a device) is opened.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import Tuple  # noqa: UP035 - Python 3.8 evaluates it

DEEP = 16  # folders in each other that are looked into
MANY = 5000  # entries that are looked at
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
Mark = Tuple[int, int, int, int]  # noqa: UP006 - inode, size, times: differs when a file was changed


class Files:
    """The regular files below a directory. Paths are relative, with `/` between names."""

    def __init__(self, root: str) -> None:
        self.root = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        self.seen: dict[str, Mark] = {}

    def get(self, path: str, limit: int) -> bytes:
        """A file's bytes. Raises OSError: there is none, it is no regular file, it is larger than `limit` bytes."""
        with self.folder(path) as (folder, name):
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError(errno.EINVAL, "is no regular file")
            data = file.read(limit + 1)  # its size may be a lie
        if len(data) > limit:
            raise OSError(errno.EFBIG, f"is larger than {limit} bytes")
        return data

    def put(self, path: str, data: bytes) -> None:
        """Write a file, whole or not at all; what had that name is replaced, also a link. Raises OSError."""
        with self.folder(path, make=True) as (folder, name):
            new = f".put-{os.urandom(8).hex()}"
            fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644, dir_fd=folder)
            try:
                with os.fdopen(fd, "wb") as file:
                    file.write(data)
                os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                os.unlink(new, dir_fd=folder)
                raise
            self.seen[path] = mark(os.stat(name, dir_fd=folder, follow_symlinks=False))

    def sizes(self) -> dict[str, int]:
        """The files and their sizes in bytes, the first thousands of them."""
        return {path: found.st_size for path, found in self.walk()}

    def changed(self) -> list[str]:
        """The files that are new or other than at the last call, but for hidden ones."""
        now = {path: mark(found) for path, found in self.walk() if not hidden(path)}
        before, self.seen = self.seen, now
        return sorted(path for path, found in now.items() if before.get(path) != found)

    def walk(self) -> Iterator[tuple[str, os.stat_result]]:
        folders, looked = [""], 0
        while folders:
            path = folders.pop()
            try:
                with self.folder(path + ".") as (folder, _), os.scandir(folder) as entries:
                    for entry in entries:
                        looked += 1
                        if looked > MANY:
                            return
                        if not is_text(entry.name):
                            continue
                        with contextlib.suppress(OSError):
                            found = entry.stat(follow_symlinks=False)
                            if stat.S_ISREG(found.st_mode):
                                yield path + entry.name, found
                            elif stat.S_ISDIR(found.st_mode) and path.count("/") < DEEP:
                                folders.append(f"{path}{entry.name}/")
            except OSError:  # it has gone meanwhile, or may not be read
                continue

    @contextlib.contextmanager
    def folder(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """A descriptor of the folder that a path is in, and its last name. Raises OSError."""
        *folders, name = path.split("/")
        if "\0" in path or any(part in ("", ".", "..") for part in folders) or name in ("", ".."):
            raise OSError(errno.EINVAL, "is no path below the working directory")
        fd = os.dup(self.root)
        try:
            for part in folders:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=fd)
                inner = os.open(part, FOLDER, dir_fd=fd)
                os.close(fd)
                fd = inner
            yield fd, name
        finally:
            os.close(fd)


def mark(found: os.stat_result) -> Mark:
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def hidden(path: str) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.split("/"))


def is_text(name: str) -> bool:
    """Whether a name can be sent: neither bytes that are no UTF-8, nor what would steer a terminal."""
    return name.isprintable() and len(name) <= 255
