"""An image for the Docker sandbox, made of this machine's own Python: no registry, nothing pulled.

What goes in: the interpreter, its standard library, the shared libraries that `ldd` finds, a shell with the usual small
commands, and a set of packages (`packages.py`). The same files give the same archive, to the byte; its digest is a
label, so that an image that is there already is not made again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .container import api_errors, connected, knock
from .packages import Tell, versions
from .sandbox import PACKAGES, SandboxError

PREFIX: Final = "usr/local"
VERSION: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
LIBRARY: Final = f"{PREFIX}/lib/python{VERSION}"
LEFT_OUT: Final = {"site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip"}
COMMANDS: Final = (
    "sh awk basename cat chmod cmp cp cut date diff dirname du echo env expr false find grep gzip head ln ls mkdir "
    "mktemp mv nl od paste printf pwd readlink realpath rm rmdir sed seq sha256sum sleep sort split stat tac tail tar "
    "tee test timeout touch tr true uname uniq wc which xargs"
).split()
LOADED_LATER: Final = ("libgcc_s.so.1",)
"""Libraries that libc opens by itself, for the end of a thread."""
ACCOUNTS: Final = {
    "etc/passwd": "root:x:0:0::/:/bin/false\nsandbox:x:1000:1000::/mnt/data:/bin/sh\n",
    "etc/group": "root:x:0:\nsandbox:x:1000:\n",
}
FOLDERS: Final = ("dev", "proc", "sys", "tmp", "mnt/data", "usr/bin")


@dataclass(frozen=True)
class Built:
    """tag: of the image; digest: of the archive it was made of; bytes: of that; new: whether it had to be made."""

    tag: str
    digest: str
    bytes: int
    new: bool


@dataclass
class Tree:
    """What the image holds: by its path there, a file of this machine's or a text."""

    files: dict[str, Path | str] = field(default_factory=dict)

    def add_folder(self, source: Path, target: str) -> None:
        """Everything below `source` but tests, other Pythons' compiled files, and what is no regular file."""
        for folder, folders, names in os.walk(source):
            folders[:] = sorted(set(folders) - LEFT_OUT)
            inside = Path(target, Path(folder).relative_to(source))
            for name in names:
                path = Path(folder, name)
                is_foreign = name.endswith(".pyc") and not name.endswith(f".{sys.implementation.cache_tag}.pyc")
                if path.is_file() and not is_foreign and not name.endswith(".a"):
                    self.files[str(inside / name)] = path

    def add_libraries(self) -> None:
        """What the loader wants beside the executables and libraries that are here already."""
        binaries = [path for path in self.files.values() if isinstance(path, Path) and _is_binary(path)]
        done = subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True, check=False)
        found = re.findall(r"(?:=> |^\s+)(/\S+) \(0x", done.stdout, re.MULTILINE)
        wanted = {Path(os.path.normpath(path)) for path in found}  # packages find their own by `..`
        beside = {path.parent for path in wanted}
        wanted |= {folder / name for folder in beside for name in LOADED_LATER if (folder / name).exists()}
        for path in wanted - {path for path in self.files.values() if isinstance(path, Path)}:
            inside = str(path) if path.parts[1] in ("lib", "lib64", "usr") else f"/usr/lib/{path.name}"
            self.files[inside.lstrip("/")] = path

    def write(self, archive: Path) -> str:
        """Raises OSError. Returns the digest."""
        with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as tar:
            for folder in sorted(_parents(self.files) | set(FOLDERS) | _parents(dict.fromkeys(FOLDERS, ""))):
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
                tar.addfile(entry)
            for name, source in sorted(self.files.items()):
                entry = tarfile.TarInfo(name)
                if isinstance(source, str):
                    data = source.encode()
                    entry.size, entry.mode = len(data), 0o644
                    tar.addfile(entry, io.BytesIO(data))
                    continue
                with source.open("rb") as file:
                    found = os.fstat(file.fileno())
                    entry.size, entry.mtime = found.st_size, int(found.st_mtime)  # compiled files name their source's
                    entry.mode = 0o755 if found.st_mode & 0o111 else 0o644
                    tar.addfile(entry, file)
        with archive.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def build(site: Path | None = None, *, tag: str, tell: Tell = lambda _: None) -> Built:
    """Make the image and give it to the daemon. Blocks for a minute or so. site: a set of packages for this Python.

    Raises:
        SandboxError: there is no daemon, or no `ldd`.
    """
    knock()
    if shutil.which("ldd") is None:
        raise SandboxError("cannot tell which libraries Python needs: there is no `ldd`")
    from docker.errors import ImageNotFound

    with tempfile.TemporaryDirectory(prefix="cadenza-image-") as scratch, api_errors(), connected() as client:
        client.ping()
        tell(f"collecting Python {sys.version.split()[0]} from {sys.base_prefix}")
        archive = Path(scratch, "image.tar")
        digest = _tree(site).write(archive)
        with suppress(ImageNotFound):
            if client.images.get(tag).labels.get("cadenza.digest") == digest:
                return Built(tag, digest, archive.stat().st_size, new=False)
        tell(f"importing {archive.stat().st_size >> 20} MiB as {tag}")
        labels = {
            "cadenza.python": sys.version.split()[0],
            PACKAGES: " ".join(versions(site, asked=True)),
            "cadenza.digest": digest,
        }
        changes = [f"LABEL {name}={json.dumps(value)}" for name, value in labels.items()]
        repository, _, version = tag.partition(":")
        answer = client.api.import_image_from_file(str(archive), repository, version or "latest", changes)
        if '"error"' in str(answer):
            raise SandboxError(f"the Docker daemon would not take the image: {str(answer).strip()[-300:]}")
        return Built(tag, digest, archive.stat().st_size, new=True)


def _tree(site: Path | None) -> Tree:
    tree = Tree(dict(ACCOUNTS))
    tree.add_folder(Path(sysconfig.get_path("stdlib")), LIBRARY)
    if site is not None:
        packages = "dist-packages" if "deb_system" in sysconfig.get_scheme_names() else "site-packages"
        tree.add_folder(site, f"{LIBRARY}/{packages}")
    python = Path(sys.base_prefix, "bin", f"python{VERSION}").resolve()
    for name in ("python3", f"python{VERSION}"):
        tree.files[f"{PREFIX}/bin/{name}"] = python
    for name in COMMANDS:
        if found := shutil.which(name, path="/usr/bin:/bin"):
            tree.files[f"bin/{name}"] = Path(found).resolve()
    if "bin/env" in tree.files:
        tree.files["usr/bin/env"] = tree.files["bin/env"]
    tree.add_libraries()
    return tree


def _is_binary(path: Path) -> bool:
    if path.suffix in (".py", ".pyc", ".txt"):
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _parents(files: dict[str, Path | str]) -> set[str]:
    return {str(parent) for name in files for parent in Path(name).parents} - {"."}
