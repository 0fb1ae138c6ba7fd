"""The `files` tool, as the model calls it: what it reads, in how few words, and what it may not do."""

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cadenza.tools import FilesTool, ToolError, ToolResult

pytestmark = pytest.mark.anyio

Call = Callable[..., Awaitable[ToolResult]]


@pytest.fixture
async def call(tmp_path: Path) -> Any:
    async with FilesTool(folder=tmp_path).open() as session:

        async def call(function: str, **arguments: Any) -> ToolResult:
            return await session.call(f"files.{function}", json.dumps(arguments))

        yield call


async def test_a_file_is_written_read_patched_and_found(call: Call, tmp_path: Path) -> None:
    assert (await call("write", path="src/a.py", text="x = 1\ny = 2\n")).text == "wrote src/a.py, 12 bytes"
    assert (await call("read", path="src/a.py")).text == "src/a.py, lines 1 to 2 of 2\nL1: x = 1\nL2: y = 2"
    patch = "*** Begin Patch\n*** Update File: src/a.py\n@@\n-y = 2\n+y = 3\n*** End Patch"
    assert (await call("apply_patch", input=patch)).text == "M src/a.py (+1 -1)\n@@ -2 +2 @@\n-y = 2\n+y = 3"
    assert (await call("search", pattern=r"y = \d")).text == "1 match in 1 file\nsrc/a.py:2: y = 3"
    assert (await call("list")).text == "src/\nsrc/a.py (12 bytes)"
    assert (await call("write", path="src/a.py", text="")).text == "replaced src/a.py, 0 bytes"
    assert (tmp_path / "src" / "a.py").read_text() == ""


async def test_a_long_file_is_read_in_parts_and_the_model_is_told_how_to_go_on(call: Call, tmp_path: Path) -> None:
    (tmp_path / "long").write_text("".join(f"{number}\n" for number in range(1, 1001)) + "x" * 5000)
    first = (await call("read", path="long", lines=2)).text
    assert first == "long, lines 1 to 2 of 1001; go on with start=3\nL1: 1\nL2: 2"
    last = (await call("read", path="long", start=1001)).text
    assert last.startswith("long, lines 1001 to 1001 of 1001\nL1001: xxx")
    assert last.endswith("x [4000 more characters]")
    (tmp_path / "wide").write_text(("y" * 900 + "\n") * 100)
    assert "lines 1 to 27 of 100; go on with start=28" in (await call("read", path="wide")).text


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x89PNG\0\0", "f: is a binary file of 6 bytes"),
        (b"caf\xe9", "f: is not UTF-8: byte 0xe9 at 3"),
        ("x".encode("utf-16"), "f: is text in UTF-16; only UTF-8 can be used"),
        (b"", "f is empty"),
    ],
)
async def test_what_is_no_text_is_told_as_such(call: Call, tmp_path: Path, data: bytes, told: str) -> None:
    (tmp_path / "f").write_bytes(data)
    assert (await call("read", path="f")).text == told


async def test_a_search_looks_where_it_is_told_and_not_into_binaries_and_links(call: Call, tmp_path: Path) -> None:
    for name in ("a.py", "b.txt", "src/c.py", "src/deep/d.py", ".git/e.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("needle\n")
    (tmp_path / "binary").write_bytes(b"needle\0")
    (tmp_path / "loop").symlink_to(tmp_path)

    async def found(**where: str) -> list[str]:
        text = (await call("search", pattern="needle", **where)).text
        return [line.partition(":")[0] for line in text.splitlines()[1:]]

    assert await found() == ["a.py", "b.txt", "src/c.py", "src/deep/d.py"]
    assert await found(glob="*.py") == ["a.py", "src/c.py", "src/deep/d.py"]
    assert await found(glob="src/**/*.py") == ["src/c.py", "src/deep/d.py"]
    assert await found(path="src/deep") == ["src/deep/d.py"]
    assert await found(path="b.txt") == ["b.txt"]
    assert (await call("search", pattern="nothing")).text == "0 matches in 0 files"
    assert "loop (symbolic link)" in (await call("list")).text


async def test_a_pattern_that_never_ends_is_given_up(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cadenza.tools.files.tool._SEARCH_SECONDS", 0.2)
    (tmp_path / "f").write_text("a" * 100 + "!")
    result = await call("search", pattern="(a|aa)+$")
    assert result.text == "the search took longer than 0.2 seconds; search less, or more simply"


@pytest.mark.parametrize("pattern", ["(((a{1000}){1000}){1000})", "(" * 30 + "a" + ")+" * 30])
async def test_a_pattern_that_nothing_can_compile_is_refused(call: Call, tmp_path: Path, pattern: str) -> None:
    (tmp_path / "f").write_text("a")
    result = await call("search", pattern=pattern)
    assert result.text == "pattern: too large; write it shorter, or with fewer and smaller repeats"
    assert (await call("search", pattern="(a{1}){1}")).text == "1 match in 1 file\nf:1: a"


@pytest.mark.parametrize("data", [b"one\n" * 3, b"\0"])
async def test_a_search_of_too_much_is_given_up(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setattr("cadenza.tools.files.tool._SEARCH_SECONDS", 0)
    (tmp_path / "f").write_bytes(data)
    result = await call("search", pattern="one")
    assert result.text == "the search took longer than 0 seconds; search less, or more simply"


async def test_a_note_on_files_that_were_not_searched_is_no_match(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cadenza.tools.files.tool._MAX_FILES", 1)
    for name in ("a", "b"):
        (tmp_path / name).write_text("needle\n")
    found = (await call("search", pattern="needle")).text
    assert found == "1 match in 1 file\na:1: needle\n[only the first 1 files were searched]"


@pytest.mark.parametrize(
    ("function", "arguments", "told"),
    [
        ("read", {"path": "../x"}, "../x: .. is not allowed"),
        ("read", {"path": "f", "start": 9}, "f: has 1 line"),
        ("read", {"path": "f", "start": 0}, "start and lines must be at least 1"),
        ("list", {"path": "f"}, "f: is a file"),
        ("list", {"depth": 0}, "depth must be at least 1"),
        ("search", {"pattern": "("}, "pattern: missing )"),
        ("search", {"pattern": "(a+"}, "pattern: missing )"),
        ("write", {"path": "f/g", "text": ""}, "f: is a file"),
        ("write", {"path": ".", "text": ""}, ".: is a folder"),
        ("apply_patch", {"input": "x"}, "the patch must begin with"),
    ],
)
async def test_a_refusal_is_one_line(
    call: Call, tmp_path: Path, function: str, arguments: dict[str, Any], told: str
) -> None:
    (tmp_path / "f").write_text("one\n")
    result = await call(function, **arguments)
    assert result.status == "error"
    assert told in result.text
    assert len(result.text.splitlines()) == 1


async def test_names_cannot_forge_lines(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a\nforged\x1b[2J").touch()
    assert (await call("list")).text == r"a\nforged\x1b[2J (0 bytes)"


async def test_without_write_the_model_has_no_way_to_change_anything(tmp_path: Path) -> None:
    async with FilesTool(folder=tmp_path, write=False).open() as session:
        assert [each.name for each in session.namespace.tools] == ["read", "list", "search"]
        assert (await session.call("files.write", '{"path": "x", "text": ""}')).status == "error"
    assert os.listdir(tmp_path) == []


async def test_a_folder_that_cannot_be_had_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ToolError, match=r"^workspace .*file: Not a directory$"):
        async with FilesTool(folder=tmp_path / "file").open():
            pass
