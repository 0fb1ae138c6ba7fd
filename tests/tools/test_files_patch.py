"""Patches: what is read, where a hunk fits, what a file becomes, and that all or nothing is changed."""

import difflib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.tools import ToolRetry
from cadenza.tools.files.apply import apply_patch
from cadenza.tools.files.root import Root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def root(folder: Path) -> Iterator[Root]:
    with Root(folder) as root:
        yield root


def patch(*lines: str) -> str:
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch"])


def tree(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_files_are_added_changed_moved_and_deleted_in_one_patch(root: Root, folder: Path) -> None:
    (folder / "app.py").write_text("import os\n\ndef greet():\n    print('Hi')\n\nprint('Hi')\n")
    (folder / "app.py").chmod(0o755)
    (folder / "old.txt").write_text("old\n")
    told = apply_patch(
        root,
        patch(
            "*** Add File: notes/hello.txt",
            "+Hello",
            "*** Update File: app.py",
            "*** Move to: src/main.py",
            "@@ def greet():",
            "-    print('Hi')",
            "+    print('Hello')",
            "+    print('world')",
            "*** Delete File: old.txt",
        ),
    )
    main = "import os\n\ndef greet():\n    print('Hello')\n    print('world')\n\nprint('Hi')\n"
    assert tree(folder) == {"notes/hello.txt": b"Hello\n", "src/main.py": main.encode()}
    assert (folder / "src/main.py").stat().st_mode & 0o777 == 0o755
    assert told.splitlines() == [
        "A notes/hello.txt (+1)",
        "M app.py -> src/main.py (+2 -1)",
        "@@ -4 +4 @@",
        "-    print('Hi')",
        "+    print('Hello')",
        "+    print('world')",
        "D old.txt",
    ]


@pytest.mark.parametrize(
    ("before", "hunk", "after"),
    [
        ("a\nb\n", ["@@", " a", "-b", "+c"], "a\nc\n"),
        ("a\nb\n", [" a", "-b", "+c"], "a\nc\n"),  # a first hunk without @@
        ("a\nb\n", ["@@ -1,2 +1,2 @@ somewhere", " a", "-b", "+c"], "a\nc\n"),
        ("a  \n\tb\n", ["@@", " a", "-b", "+c"], "a  \nc\n"),  # what stays keeps its blanks
        ("a\r\nb\r\n", ["@@", "-b", "+c", "+d"], "a\r\nc\r\nd\r\n"),
        ("a\nb", ["@@", "-b", "+c"], "a\nc"),
        ("a\nb", ["@@", " b", "+c"], "a\nb\nc"),
        ("a\n", ["@@", "+b"], "a\nb\n"),
        ("", ["@@", "+b"], "b\n"),
        ("\ufeffa\n", ["@@", "-a", "+b"], "\ufeffb\n"),
        ("x\na\ny\na\n", ["@@ y", "-a", "+b"], "x\na\ny\nb\n"),
        ("c\na\nd\na\n", ["@@ c", "@@ d", "-a", "+b"], "c\na\nd\nb\n"),
        ("x\na\nx\na\n", ["@@", "-a", "+b", "*** End of File"], "x\na\nx\nb\n"),
        ("a\nx\n", ["@@ a", "+b"], "a\nb\nx\n"),
        ("a\n\nb\n", ["@@", " a", "", "-b", "+c", ""], "a\n\nc\n"),  # blank lines: one is context, one is not
        ("1\n2\n3\n4\n", ["@@", "-1", "+one", "@@", "-4", "+four"], "one\n2\n3\nfour\n"),
        ("a\x0bb\u2028c\nd\n", ["@@", "-d", "+e"], "a\x0bb\u2028c\ne\n"),
        ("*** x\na\n", ["@@", " *** x", "-a", "+b"], "*** x\nb\n"),
    ],
)
def test_a_hunk_changes_its_lines_alone(root: Root, folder: Path, before: str, hunk: list[str], after: str) -> None:
    (folder / "f").write_bytes(before.encode())
    apply_patch(root, patch("*** Update File: f", *hunk))
    assert (folder / "f").read_bytes().decode() == after


@pytest.mark.parametrize(
    ("lines", "after"),
    [
        (["*** Add File: new/g", "+x", "*** Delete File: new/g"], {"f": b"one\n"}),
        (["*** Add File: g", "+x", "*** Update File: g", "*** Move to: h"], {"f": b"one\n", "h": b"x\n"}),
        (["*** Add File: g", "+x", "*** Delete File: g", "*** Add File: g", "+y"], {"f": b"one\n", "g": b"y\n"}),
        (["*** Update File: f", "*** Move to: g", "*** Delete File: g"], {}),
        (["*** Update File: f", "*** Move to: g", "*** Add File: f", "+x"], {"f": b"x\n", "g": b"one\n"}),
        (["*** Delete File: f", "*** Add File: f", "+x"], {"f": b"x\n"}),
    ],
)
def test_operations_on_one_file_count_in_their_order(
    root: Root, folder: Path, lines: list[str], after: dict[str, bytes]
) -> None:
    (folder / "f").write_text("one\n")
    apply_patch(root, patch(*lines))
    assert tree(folder) == after
    assert not (folder / "new").exists()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["@@", " one", "-too", "+2"], "f: hunk 1 of 1: expected 'too' at line 2, found 'two'"),
        (["@@", "-zwei", "+2"], "f: hunk 1 of 1: expected 'zwei', which is nowhere after line 0"),
        (["@@", " three", "-four"], "f: hunk 1 of 1: expected 'four' at line 4, found the end of the file"),
        (["@@", "-three", "@@", "-one"], "f: hunk 2 of 2: fits at line 1, which comes too early"),
        (["@@ def f():", "-one"], "f: hunk 1 of 1, after @@: expected 'def f():', which is nowhere after line 0"),
        (["@@", "-one", "+1", "*** End of File"], "f: hunk 1 of 1: fits at line 1, which comes too early"),
        (["@@", "one"], "line 6 of the patch, 'one': every line of a hunk begins with a blank, - or +"),
        (["@@"], "f: hunk 1 has no lines"),
        ([], "f: the update has no hunk"),
        (["@@", "-one", "*** Move to: g"], "'*** Move to: g': stands only directly below *** Update File:"),
        (["*** End of File"], "stands only at the end of a hunk"),
        (["@@", "-one", "*** Rename File: g"], "no such marker"),
        (["@@", "-one", "*** Add File: f", "+x"], "f: is there already"),
        (["@@", "-one", "*** Add File: g", "x"], "every line of an added file begins with +"),
        (["@@", "-one", "*** Delete File: g"], "g: is not there"),
        (["@@", "-one", "*** Delete File: d"], "d: is a folder, not a file"),
        (["@@", "-one", "*** Add File: d", "+x"], "d: is a folder, not a file"),
        (["@@", "-one", "*** Update File: b", "@@", "-x"], "b: is a binary file of 3 bytes"),
        (
            ["@@", "-one", "*** Delete File: f", "*** Update File: f", "-x"],
            "f: an earlier part of the patch removes it",
        ),
        (["@@", "-one", "*** Add File: ../g", "+x"], "../g: .. is not allowed"),
        (["@@", "-one", "*** Add File: /g", "+x"], "/g: is absolute"),
        (["@@", "-one", "*** Add File: f/g", "+x"], "f: is a file"),
    ],
)
def test_a_fault_is_one_line_and_nothing_is_changed(root: Root, folder: Path, lines: list[str], told: str) -> None:
    (folder / "f").write_text("one\ntwo\nthree\n")
    (folder / "b").write_bytes(b"\0\1\2")
    (folder / "d").mkdir()
    before = tree(folder)
    with pytest.raises(ToolRetry) as refusal:
        apply_patch(root, patch("*** Add File: new/file", "+x", "*** Update File: f", *lines))
    assert told in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
    assert tree(folder) == before
    assert not (folder / "new").exists()


def test_why_a_hunk_fits_nowhere_is_found_in_linear_time(root: Root, folder: Path) -> None:
    (folder / "f").write_text("".join(f"line {number}\n" for number in range(200_000)))
    with pytest.raises(ToolRetry, match=r"^f: hunk 1 of 1: expected 'nowhere' at line 200000, found 'line 199999'$"):
        apply_patch(root, patch("*** Update File: f", " line 199998", "-nowhere"))


@pytest.mark.parametrize("text", ["", "x", "*** Begin Patch", patch(), patch("x"), "*** Begin Patch\n*** Add File: f"])
def test_what_is_no_patch_is_refused(root: Root, text: str) -> None:
    with pytest.raises(ToolRetry, match="patch"):
        apply_patch(root, text)


def test_of_several_places_the_first_counts_and_the_model_is_told(root: Root, folder: Path) -> None:
    (folder / "f").write_text("a\nb\na\n")
    assert "@@ -1 +1 @@ (fits at line 3 too)" in apply_patch(root, patch("*** Update File: f", "@@", "-a", "+x"))
    assert (folder / "f").read_text() == "x\nb\na\n"


def test_when_a_file_cannot_take_its_place_those_before_it_are_put_back(root: Root, folder: Path) -> None:
    (folder / "a").write_text("a\n")
    (folder / "gone").write_text("gone\n")
    before = tree(folder)
    adds = ["*** Add File: new", "+x", "*** Add File: way", "+x", "*** Add File: way/down", "+x"]
    with pytest.raises(ToolRetry, match="way: is a directory"):
        apply_patch(root, patch("*** Update File: a", "-a", "+b", "*** Delete File: gone", *adds))
    assert tree(folder) == before
    assert sorted(each.name for each in folder.iterdir()) == ["a", "gone"]


LINES = st.lists(st.sampled_from(["a", "b", " a", "a ", "", "*** End Patch", "@@", "+x", "é"]), min_size=1, max_size=12)
NUMBERS = st.lists(st.integers(0, 30).map(str), min_size=1, max_size=30, unique=True)


def patched(folder: Path, old: str, new: list[str], context: int) -> str:
    """`old` after a patch that is to make it `new`."""
    (folder / "f").write_bytes(old.encode())
    diff = list(difflib.unified_diff(old.splitlines(), new, n=context, lineterm=""))[2:]
    with Root(folder) as root:
        apply_patch(root, patch("*** Update File: f", *diff))
    return (folder / "f").read_bytes().decode()


@given(old=LINES, new=LINES, ending=st.sampled_from(["\n", "\r\n"]), whole=st.booleans())
def test_the_patch_of_two_texts_makes_one_of_the_other(
    tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[str], ending: str, whole: bool
) -> None:
    old, new = (lines if whole else [*lines, "end"] for lines in (old, new))  # an empty last line is an ending

    def written(lines: list[str]) -> str:
        return ending.join(lines) + (ending if whole else "")

    if old != new:  # all of the file is context, since a smaller one might fit elsewhere too
        assert patched(tmp_path_factory.mktemp("patch"), written(old), new, context=99) == written(new)


@given(old=NUMBERS, new=NUMBERS, context=st.integers(0, 3))
def test_hunks_find_their_places_where_no_line_repeats(
    tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[str], context: int
) -> None:
    new = sorted(new, key=lambda line: old.index(line) if line in old else -1)  # a diff moves nothing
    if context or set(old) >= set(new):  # a line that is added without context has no place
        text = patched(tmp_path_factory.mktemp("patch"), "\n".join(old) + "\n", new, context) if old != new else None
        assert text in (None, "\n".join(new) + "\n")
