"""Search in a folder: what is found, what is read again, what is left out."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cadenza.tools import ToolError
from cadenza.tools.browser import Corpus, Hit, Page, Reader

pytestmark = pytest.mark.anyio


class Counting(Reader):
    """A reader that notes what it read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    async def page(self, kind: str, data: bytes, *, url: str, title: str = "", charset: str = "") -> Page:
        self.read.append(url)
        return await super().page(kind, data, url=url, title=title, charset=charset)


@pytest.fixture
async def reader() -> AsyncIterator[Counting]:
    reader = Counting()
    yield reader
    await reader.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    (folder / "sub folder").mkdir(parents=True)
    (folder / "whales.md").write_text(
        "# Whales\n\nWhales are mammals that live in the sea.\n\n## Food\n\nThey eat krill.\n"
    )
    (folder / "sub folder" / "tea.html").write_text("<title>Tea</title><p>Tea is brewed from leaves.</p>")
    (folder / "notes.txt").write_text("Nothing about animals.\n" * 3 + "\n" + "filler\n" * 60 + "Krill is small.\n")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / ".hidden.md").write_text("krill krill krill")
    return folder


def corpus(folder: Path) -> Corpus:
    return Corpus(folder, index=folder.parent / "index" / "corpus.db")


async def found(corpus: Corpus, query: str) -> list[str]:
    return [hit.url for hit in await corpus.search(query, 10)]


async def test_the_best_passages_are_found_with_their_place(folder: Path, reader: Reader) -> None:
    library = corpus(folder)
    await library.prepare(reader)
    assert await library.search("what is brewed?", 10) == [
        Hit(url="sub%20folder/tea.html", title="Tea", text="Tea is brewed from leaves.", line=0),
        *(await library.search("what is brewed?", 10))[1:],
    ]
    assert await found(library, "eating krill") == ["whales.md", "notes.txt"]  # "eating" finds "eat"
    hits = {hit.url: hit for hit in await library.search("krill", 10)}
    assert (hits["whales.md"].line, hits["notes.txt"].line) == (4, 60)
    assert await found(library, "Wale") == await found(library, '" AND ( NEAR *') == await found(library, "…") == []
    assert len(await library.search("krill", 1)) == 1
    page = await library.page("sub folder/tea.html")
    assert page is not None
    assert page == await library.page("sub%20folder/tea.html")
    assert (page.title, page.lines) == ("Tea", ("Tea is brewed from leaves.",))
    assert await library.page("../library/whales.md") is None


async def test_only_what_changed_is_read_again(folder: Path, reader: Counting) -> None:
    await corpus(folder).prepare(reader)
    assert sorted(reader.read) == ["notes.txt", "sub%20folder/tea.html", "whales.md"]
    reader.read.clear()
    os.utime(folder / "notes.txt", (1, 1))
    await corpus(folder).prepare(reader)
    assert reader.read == []
    (folder / "whales.md").write_text("# Whales\n\nThey sing.\n")
    (folder / "notes.txt").unlink()
    (folder / "new.txt").write_text("Plankton.")
    later = corpus(folder)
    await later.prepare(reader)
    assert sorted(reader.read) == ["new.txt", "whales.md"]
    assert await found(later, "krill animals") == []
    assert await found(later, "sing") == ["whales.md"]
    assert await found(later, "plankton") == ["new.txt"]


async def test_what_cannot_be_read_is_left_out_and_said(
    folder: Path, reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "bad.pdf").write_bytes(b"no pdf")
    (folder / "out.md").symlink_to("/etc/hostname")
    with caplog.at_level(logging.WARNING):
        await corpus(folder).prepare(reader)
    assert "left out: bad.pdf: the PDF is damaged" in caplog.text
    assert await corpus(folder).page("out.md") is None


async def test_names_of_any_bytes_and_links_in_a_circle_are_no_reason_to_fail(folder: Path, reader: Reader) -> None:
    (folder / os.fsdecode(b"caf\xe9.md")).write_text("# Coffee\n\nRoasted beans.\n")
    (folder / "circle.md").symlink_to("circle.md")
    await corpus(folder).prepare(reader)
    assert await found(corpus(folder), "beans") == ["caf%E9.md"]
    page = await corpus(folder).page("caf%E9.md")
    assert page is not None
    assert page.title == "Coffee"


async def test_the_index_is_ones_own_and_is_made_anew_when_it_is_damaged(folder: Path, reader: Counting) -> None:
    index = folder.parent / "index" / "corpus.db"
    await corpus(folder).prepare(reader)
    assert stat.S_IMODE(index.stat().st_mode) == 0o600
    for harm in ("no database " * 200, None):
        if harm is None:
            with sqlite3.connect(index) as raw:
                raw.execute("pragma user_version = 99")
            raw.close()
        else:
            index.write_text(harm)
        reader.read.clear()
        await corpus(folder).prepare(reader)
        assert len(reader.read) == 3
        assert await found(corpus(folder), "krill") == ["whales.md", "notes.txt"]


async def test_a_folder_without_documents_is_told_in_a_line(tmp_path: Path, reader: Reader) -> None:
    with pytest.raises(ToolError, match="no such folder"):
        await corpus(tmp_path / "nowhere").prepare(reader)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ToolError, match=r"no document in it; these are: \.md"):
        await corpus(tmp_path / "empty").prepare(reader)
