"""Third-party packages for cells: installed once, mounted by bubblewrap, copied into Docker's image.

A set goes by the name of the image that is built with it, one for each kind of Python that imports it: compiled modules
fit no other. It is a link to a folder that is named by its contents and never changes, so that a set is replaced in one
step, and a session that began with the one before keeps it. What no set wants any more goes with the next build.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Final
from urllib.parse import quote

from .identity import identity, is_root
from .sandbox import SandboxError

MOUNT: Final = "/opt/packages"
"""Where cells find the set in a sandbox that shows them the host's folder."""
Tell = Callable[[str], None]


def store() -> Path:
    """Where sets are: below $XDG_CACHE_HOME, else in the user's cache; root's, where also `nobody` may read."""
    usual = Path("/var/cache") if is_root() else Path.home() / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or usual) / "cadenza" / "packages"


def find_packages(name: str, python: Path) -> Path | None:
    """The folder of a set for that Python; None if none was built."""
    for link in store().glob(f"{_file(name)}.*"):  # mostly there is none, and no need to ask what the Python is
        if link.name == f"{_file(name)}.{kind(python)}" and link.is_dir():
            return link.resolve()
    return None


def versions(folder: Path | None, *, asked: bool = False) -> tuple[str, ...]:
    """What is in a set, as name==version. asked: without what came as a dependency."""
    found = distributions(path=[str(folder)]) if folder else ()
    return tuple(sorted(f"{one.name}=={one.version}" for one in found if not asked or one.read_text("REQUESTED") == ""))


@cache
def kind(python: Path) -> str:
    """Which compiled modules it imports, such as cpython-311-x86_64-linux-gnu. Raises SandboxError."""
    ask = "import sysconfig; print(sysconfig.get_config_var('SOABI'))"
    return _output(str(python), "-I", "-S", "-c", ask).strip()


def install(packages: Sequence[str], name: str, python: Path, tell: Tell = lambda _: None) -> Path | None:
    """Make the set of that name these packages, for that Python; the folder. No packages: none.

    Raises:
        SandboxError: a package cannot be had, or sandboxes could not read the folder.
    """
    for package in packages:
        if not re.match(r"[A-Za-z0-9]", package):
            raise SandboxError(f"--with {package!r}: is no package")
    folder, link = store(), store() / f"{_file(name)}.{kind(python)}"
    try:
        with _locked(folder):
            _sweep(folder)
            if not packages:
                link.unlink(missing_ok=True)
                return None
            tell(f"installing {', '.join(packages)} for {kind(python)}")
            with tempfile.TemporaryDirectory(prefix="new-", dir=folder) as scratch:
                made = _installed(packages, Path(scratch, "site"), python)
                target = folder / _digest(made, kind(python))
                if not target.exists():
                    made.rename(target)
                _see_readable(target)
                fresh = Path(scratch, "link")
                fresh.symlink_to(target.name)
                fresh.replace(link)
    except OSError as error:
        raise SandboxError(f"packages: {error.filename or folder}: {error.strerror}") from None
    return target


def _see_readable(folder: Path) -> None:
    """Raises SandboxError."""
    if subprocess.run(["test", "-r", folder, "-a", "-x", folder], **identity()).returncode:
        who = "nobody, as whom root's sandbox runs; does XDG_CACHE_HOME lead where only root may go?"
        raise SandboxError(f"packages: {folder}: cannot be read by {who}")


def _installed(packages: Sequence[str], site: Path, python: Path) -> Path:
    """In a folder, compiled, and the same to the byte whenever it is made of the same."""
    other = [] if kind(python) == kind(Path(sys.executable)) else ["--python", str(python)]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", *other, "install", "--quiet"]
    _output(*pip, "--no-compile", "--only-binary=:all:", "--target", str(site), *packages)
    shutil.rmtree(site / "bin", ignore_errors=True)
    for path in site.rglob("*"):
        os.utime(path, (0, 0), follow_symlinks=False)
    compiling = ("compileall", "-q", "-j0", "--invalidation-mode", "unchecked-hash", "-s", str(site), str(site))
    _output(str(python) if other else sys.executable, "-m", *compiling)
    for path in (site, *site.rglob("*")):
        if path.suffix == ".pyc":
            os.utime(path, (0, 0))
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o111 else 0o644)
    return site


def _digest(site: Path, compiled_for: str) -> str:
    """Each wheel's list of its files has their hashes."""
    records = sorted(path.read_bytes() for path in site.glob("*.dist-info/RECORD"))
    return hashlib.sha256(b"\0".join([compiled_for.encode(), *records])).hexdigest()[:16]


def _sweep(folder: Path) -> None:
    """Remove what no set wants, and what a build left that was killed."""
    wanted = {path.resolve() for path in folder.iterdir() if path.is_symlink()}
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink() and path.resolve() not in wanted:
            shutil.rmtree(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One build at a time. The folders are made if they are not there, for all to read: the packages are public."""
    for each in (folder.parent, folder):
        if not each.exists():
            each.mkdir(parents=True)
            each.chmod(0o755)
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _output(*command: str) -> str:
    """Raises SandboxError with the last line that it complained with."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise SandboxError(f"{' '.join(command[:3])}: {lines[-1] if lines else f'exit code {done.returncode}'}")
    return done.stdout


def _file(name: str) -> str:
    return quote(name, safe="")
