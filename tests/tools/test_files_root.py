"""No way out of a root: whatever a path says, and whatever another process does meanwhile."""

import os
import shutil
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.tools import ToolRetry
from cadenza.tools.files.change import Content, change
from cadenza.tools.files.root import MAX_BYTES, Root, parts_of

SECRET = b"what nobody may read"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(SECRET)
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def root(folder: Path) -> Iterator[Root]:
    with Root(folder) as root:
        yield root


def write(root: Root, path: str, data: bytes = b"new") -> None:
    change(root, {parts_of(path): Content(data)})


PIECES = st.sampled_from(
    ["..", ".", "", "a", "link", "outside", "secret", "root", "\0", "/", "\ud800", "~", "...", "a\n"]
)


@given(st.lists(PIECES, max_size=6).map("/".join))
def test_no_path_leads_out(tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    base = tmp_path_factory.mktemp("out")
    (base / "outside").mkdir()
    (base / "outside" / "secret").write_bytes(SECRET)
    (base / "root" / "a").mkdir(parents=True)
    (base / "root" / "link").symlink_to(base / "outside")
    (base / "root" / "a" / "link").symlink_to("../../outside/secret")
    with Root(base / "root") as root:
        for act in (root.read, root.entries, partial(change, root)):
            with suppress(ToolRetry):
                parts = parts_of(path)
                done = act({parts: Content(b"new")}) if isinstance(act, partial) else act(parts)
                assert SECRET not in repr(done).encode()
    assert sorted(each.name for each in base.iterdir()) == ["outside", "root"]
    assert [(each.name, each.read_bytes()) for each in (base / "outside").iterdir()] == [("secret", SECRET)]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("link", "link: is a symbolic link, which is not followed"),
        ("folder/secret", "folder: is a symbolic link, which is not followed"),
        ("pipe", "pipe: is a pipe, not a file"),
        ("socket", "socket: is a socket"),
        ("sub", "sub: is a folder, not a file"),
        ("file/x", "file: is a file"),
        ("none", "none: is not there"),
        ("big", f"big: has {MAX_BYTES + 1} bytes; files of up to {MAX_BYTES} can be used"),
        ("a" * 300, "file name too long"),
        ("", ".: is a folder, not a file"),
    ],
)
def test_only_regular_files_are_read_and_a_refusal_says_why(
    root: Root, folder: Path, path: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "link").symlink_to("../outside/secret")
    (folder / "folder").symlink_to("../outside")
    os.mkfifo(folder / "pipe")
    (folder / "sub").mkdir()
    (folder / "file").touch()
    with open(folder / "big", "wb") as big:
        big.truncate(MAX_BYTES + 1)
    with socket.socket(socket.AF_UNIX) as unix:
        monkeypatch.chdir(folder)  # the names of sockets are short
        unix.bind("socket")
        with pytest.raises(ToolRetry) as refusal:
            root.read(parts_of(path))
    assert told in str(refusal.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_is_not_read(root: Root, folder: Path) -> None:
    os.mknod(folder / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    with pytest.raises(ToolRetry, match="zero: is a device, not a file"):
        root.read(("zero",))


def test_a_file_keeps_its_rights_and_a_hard_link_its_other_name(root: Root, folder: Path) -> None:
    (folder / "run.sh").write_text("old")
    (folder / "run.sh").chmod(0o4750)
    os.link(folder.parent / "outside" / "secret", folder / "linked")
    write(root, "run.sh")
    write(root, "linked")
    assert (folder / "run.sh").read_bytes() == (folder / "linked").read_bytes() == b"new"
    assert stat.S_IMODE((folder / "run.sh").stat().st_mode) == 0o750
    assert (folder.parent / "outside" / "secret").read_bytes() == SECRET


@pytest.mark.parametrize("name", ["link", "pipe", "sub"])
def test_nothing_but_a_file_is_written_over(root: Root, folder: Path, name: str) -> None:
    (folder / "link").symlink_to("../outside/secret")
    os.mkfifo(folder / "pipe")
    (folder / "sub").mkdir()
    for content in (Content(b"new"), None):
        with pytest.raises(ToolRetry, match=f"{name}: is a .*, not a file"):
            change(root, {(name,): content})
    assert sorted(each.name for each in folder.iterdir()) == ["link", "pipe", "sub"]


def test_a_file_that_would_be_too_big_is_not_written(root: Root, folder: Path) -> None:
    with pytest.raises(ToolRetry, match=f"up to {MAX_BYTES} can be written"):
        write(root, "big", bytes(MAX_BYTES + 1))
    assert list(folder.iterdir()) == []


def test_whoever_swaps_folders_for_links_meanwhile_gets_nothing_out(root: Root, folder: Path) -> None:
    outside = folder.parent / "outside"
    (folder / "real" / "deep").mkdir(parents=True)
    (folder / "real" / "deep" / "secret").write_bytes(b"inside")
    (folder / "trap").symlink_to(outside.parent)
    (outside.parent / "deep").mkdir()
    (outside.parent / "deep" / "secret").write_bytes(SECRET)
    over = threading.Event()

    def swap() -> None:
        """`way` is the folder, the link to the outside, or not there, and nothing for long."""
        while not over.is_set():
            for name in ("real", "trap"):
                try:
                    (folder / name).rename(folder / "way")
                    (folder / "way").rename(folder / name)
                except OSError:  # the writer has made a folder of that name
                    shutil.rmtree(folder / "way", ignore_errors=True)

    thread = threading.Thread(target=swap)
    thread.start()
    read = refused = 0
    try:
        while read < 20 or refused < 20:
            try:
                assert root.read(parts_of("way/deep/secret")) in (b"inside", b"new")
                write(root, "way/deep/secret")
                read += 1
            except ToolRetry:
                refused += 1
    finally:
        over.set()
        thread.join()
    assert (outside.parent / "deep" / "secret").read_bytes() == SECRET
    assert sorted(each.name for each in (outside.parent / "deep").iterdir()) == ["secret"]


def test_a_reader_sees_one_whole_file_or_the_other(root: Root, folder: Path) -> None:
    versions = [bytes([65 + number]) * 100_000 for number in range(2)]
    write(root, "f", versions[0])
    over = threading.Event()

    def rewrite() -> None:
        while not over.is_set():
            for version in versions:
                write(root, "f", version)

    thread = threading.Thread(target=rewrite)
    thread.start()
    try:
        seen = {root.read(("f",)) for _ in range(200)}
    finally:
        over.set()
        thread.join()
    assert seen <= set(versions)
    assert [each.name for each in folder.iterdir()] == ["f"]
