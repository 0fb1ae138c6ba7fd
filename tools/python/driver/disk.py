"""What folders of an ordinary file system hold, where no file system of the session's own has a limit."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable

EXITING = 4  # of the flags of a process


class Hidden(Exception):  # noqa: N818 - an outcome
    """Something cannot be looked into, and so could hold any amount."""


def used(folder: str) -> tuple[int, int]:
    """Bytes in a folder, and how many files. Raises Hidden."""
    size, count, folders = 0, 0, [folder]
    seen: set[int] = set()
    while folders:
        path = folders.pop()
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    count += 1
                    with contextlib.suppress(FileNotFoundError):
                        found = entry.stat(follow_symlinks=False)
                        if stat.S_ISDIR(found.st_mode):
                            folders.append(entry.path)
                        if found.st_ino not in seen:
                            seen.add(found.st_ino)
                            size += found.st_blocks * 512
        except (FileNotFoundError, NotADirectoryError):
            continue  # it has gone meanwhile
        except OSError:
            raise Hidden("a folder") from None
    return size, count


def nameless(pids: Iterable[int], folder: str) -> int:
    """Bytes in files that were removed and that these processes still have open. Raises Hidden."""
    sizes: dict[int, int] = {}
    mapped: set[int] = set()
    for pid in pids:
        for task in listed(f"/proc/{pid}/task"):
            for fd in listed(f"/proc/{pid}/task/{task}/fd"):
                with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                    found = os.stat(f"/proc/{pid}/task/{task}/fd/{fd}")
                    if stat.S_ISREG(found.st_mode) and not found.st_nlink:
                        sizes[found.st_ino] = found.st_blocks * 512
        with contextlib.suppress(OSError), open(f"/proc/{pid}/maps", errors="replace") as maps:
            for line in maps:
                if line.endswith(" (deleted)\n") and folder in line:
                    mapped.add(int(line.split()[4]))
    if mapped - sizes.keys():
        raise Hidden("a file")  # that is in memory alone has a size that the kernel does not tell
    return sum(sizes.values())


def listed(folder: str) -> list[str]:
    """Of /proc. Raises Hidden if its process is there and closed to us."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, ProcessLookupError):
        return []
    except PermissionError:
        with contextlib.suppress(OSError, IndexError), open(os.path.dirname(folder) + "/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
            if fields[0] not in (b"Z", b"X") and not int(fields[6]) & EXITING:
                raise Hidden("a process") from None
        return []
