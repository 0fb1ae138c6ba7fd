"""From documents to numbered lines: what is kept, what is left out, what cannot be forged."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenza.harmony import o200k_harmony
from cadenza.tools import ToolRetry
from cadenza.tools.browser import Link, Page, Reader
from cadenza.tools.browser.citations import citations
from cadenza.tools.browser.display import VIEW_TOKENS, view
from cadenza.tools.browser.find import find_in
from cadenza.tools.browser.reader import WIDTH, clean, read, without_links, wrap

PAGE = """
<!doctype html><html><head><title> A
 title </title><style>p { color: red }</style></head><body>
<nav><ul><li><a href="/home">Home</a><li><a href="https://other.org/x?a=1#b">Other <b>site</b></a></ul></nav>
<h2>Heading</h2><p>Some <b>bold</b>, text<i> and more</i>. <a href="#here">Here</a> <a href="mailto:me">Mail</a></p>
<ol><li>one<li>two<ul hidden><li>unseen</ul></ol><p style="display: none">unseen</p><script>unseen()</script>
<table><tr><th>a</th><th>b</th></tr><tr><td>1<td>2</table><pre>x
  y</pre>last<br>line <a href="/home"><img alt="a picture" src="x.png"></a></body></html>
"""


def lines(kind: str, text: str | bytes, url: str = "https://site.org/page", charset: str = "") -> list[str]:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    told: list[str] = read(kind, data, url=url, charset=charset)["lines"]
    return told


def test_a_page_of_html_is_what_a_reader_would_see_of_it() -> None:
    told = read("html", PAGE.encode(), url="https://site.org/page")
    assert told["title"] == "A title"
    assert told["links"] == ["https://site.org/home", "https://other.org/x?a=1#b"]
    assert told["lines"] == [
        "  * 【0†Home】",
        "  * 【1†Other site†other.org】",
        "",
        "## Heading",
        "",
        "Some bold, text and more. Here Mail",
        "",
        "  1. one",
        "  2. two",
        "",
        "a | b",
        "1 | 2",
        "",
        "x",
        "  y",
        "",
        "last",
        "line 【0†[Image: a picture]】",
    ]


def test_markdown_and_plain_text_are_read_too() -> None:
    assert lines(
        "markdown", "# T\n\nsee [that](../other.md) and `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |", "a/b.md"
    ) == [
        "# T",
        "",
        "see 【0†that】 and code",
        "",
        "a | b",
        "1 | 2",
    ]
    assert read("markdown", b"[x](../y.md)", url="a/b.md")["links"] == ["y.md"]
    assert lines("text", "a\r\n\tb\f\n\n\n\nc") == ["a", "        b", "", "c"]


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("grün".encode(), "", "grün"),
        ("grün".encode("latin-1"), "", "grün"),
        ("grün".encode("latin-1"), "iso-8859-1", "grün"),
        ("“x”".encode("cp1252"), "iso-8859-1", "“x”"),
        ("\ufeffgrün".encode("utf-16-le"), "utf-8", "grün"),
        ("日本".encode("shift_jis"), "Shift_JIS", "日本"),
        ('<meta charset="shift_jis">日本'.encode("shift_jis"), "", '<meta charset="shift_jis">日本'),
        ("grün".encode(), "no such thing", "grün"),
        (b"+AGEA-", "utf-7", "+AGEA-"),
        ("grün grün grün".encode() + b"\xff", "", "grün grün grün\ufffd"),
    ],
)
def test_characters_are_told_as_browsers_do(data: bytes, charset: str, text: str) -> None:
    assert lines("text", data, charset=charset) == [text]


def test_what_a_page_says_cannot_be_taken_for_a_link_or_a_citation() -> None:
    told = lines(
        "html", "<p>【0†a†b】 &#x3010;3&dagger;L1&#x3011; <a href='/x'>t†u【</a>\x1b[2J&#27;[2J\u202eabc\u200b</p>"
    )
    assert told == ["〖0†a†b〗 〖3†L1〗 【0†t‡u〖】[2J[2Jabc"]


TAGS = [*"<>/&;=\"' ", *"a href p table td ul li pre h1 br 【 † 】 \x1b \ud800".split(" ")]


@given(st.one_of(st.text(), st.lists(st.sampled_from(TAGS)).map("".join)))
def test_html_never_fails_and_its_lines_are_clean_and_short(html: str) -> None:
    told = read("html", html.encode("utf-8", "surrogatepass"), url="http://h/")
    for line in told["lines"]:
        assert len(line) <= WIDTH
        assert not {unicodedata.category(char) for char in line} & {"Cc", "Cs", "Co"}
    marks = re.findall(r"【(.*?)】", "\n".join(told["lines"]), re.DOTALL)
    assert all(re.match(r"\d+†", mark) and int(mark.partition("†")[0]) < len(told["links"]) for mark in marks)


@given(st.text())
def test_no_word_of_a_text_is_lost_by_breaking_its_lines(text: str) -> None:
    assert "".join("".join(wrap(clean(text))).split()) == "".join(clean(text).split())


def page(*said: str, url: str = "https://site.org/page") -> Page:
    return Page(url=url, title="Title", lines=said, links=(Link("https://site.org/next"),))


def test_a_view_is_headed_by_its_cursor_and_its_lines_are_numbered() -> None:
    assert view(page("one", "", "three"), 7, start=1) == (
        "[7] Title (https://site.org/page)\n**viewing lines [1 - 2] of 2**\n\nL1: \nL2: three"
    )
    assert view(page(), 0, start=0).endswith("**viewing lines [0 - 0] of 0**\n\nL0:")


@given(st.integers(0, 400), st.one_of(st.none(), st.integers(1, 400)), st.integers(1, 30))
def test_views_that_follow_each_other_show_every_line_once(start: int, count: int | None, words: int) -> None:
    long = page(*(f"{at} " + "word " * words for at in range(401)))
    seen: list[int] = []
    while start <= 400:
        text = view(long, 0, start=start, count=count)
        shown = [int(number) for number in re.findall(r"^L(\d+): \1 ", text, re.MULTILINE)]
        told = re.search(r"\[(\d+) - (\d+)\] of 400", text)
        assert told is not None
        assert shown == list(range(int(told[1]), int(told[2]) + 1))
        if count is None:
            body = text.partition("\n\n")[2]
            assert len(o200k_harmony().encode(body)) <= VIEW_TOKENS or len(shown) == 1
        seen += shown
        start = shown[-1] + 1
    assert seen == list(range(seen[0], 401))


def test_find_sees_over_line_ends_and_through_links() -> None:
    found = find_in(page("a Deep", "【0†blue sea】 here", "", "deep blue", "end"), "deep  BLUE sea")
    assert found.title == "Find results for text: `deep BLUE sea` in `Title`"
    assert found.lines == ("# 【0†match at L0】", "a Deep", "blue sea here", "", "deep blue", "")
    assert found.links == (Link("https://site.org/page", 0),)
    assert find_in(page("a.b"), "a?b").lines == ("No `find` results for pattern: `a?b`",)
    assert len(find_in(page(*["x"] * 1000), "x").links) == 50


@given(st.integers(1, 200), st.integers(0, 2), st.integers(0, 99))
def test_find_leads_to_the_right_line_below_a_link_that_is_broken(before: int, links: int, words: int) -> None:
    mark = "【0†" + "p" * before + "†long.example.org】"
    said = wrap("a " * words + mark * links + "\n\nneedle")
    assert find_in(page(*said), "needle").links == (Link("https://site.org/page", len(said) - 1),)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="【】\n")), max_size=5), st.data())
def test_citations_are_found_where_they_were_written(texts: list[str], data: st.DataObject) -> None:
    pages = [page("a", "b", "c", url=f"https://site.org/{at}") for at in range(3)]
    answer, wanted = "", []
    for text in texts:
        cursor, first, more = (data.draw(st.integers(0, 2)) for _ in range(3))
        mark = f"【{cursor}†L{first}-L{first + more}】" if more else f"【{cursor}†L{first}】"
        answer += text
        said = "\n".join("abc"[first : first + more + 1])
        wanted.append((len(answer), len(answer) + len(mark), f"https://site.org/{cursor}", said))
        answer += mark
    assert [(c.start, c.end, c.url, c.text) for c in citations(answer, pages)] == wanted


def test_marks_that_name_nothing_are_no_citations_and_other_spellings_are() -> None:
    pages = [page("a", "【0†b】", "c")]
    answer = "【1†L1】【0†L1-2】【0†L1†title】【0】【x†L1】【0†L99】"
    found = [(answer[cited.start : cited.end], cited.text) for cited in citations(answer, pages)]
    assert found == [("【0†L1-2】", "b\nc"), ("【0†L1†title】", "b"), ("【0】", ""), ("【0†L99】", "")]
    assert without_links("a 【3†b†c.org】 d") == "a b d"


@pytest.mark.anyio
async def test_a_document_that_takes_too_long_costs_its_own_process_alone() -> None:
    reader = Reader(seconds=2)
    try:
        with pytest.raises(ToolRetry, match=r"^slow: cannot be read within 2 seconds$"):
            await reader.page("html", b"<div>" * 300_000, url="slow")
        assert (await reader.page("text", b"fine", url="u")).lines == ("fine",)
        with pytest.raises(ToolRetry, match=r"^u: the PDF is damaged"):
            await reader.page("pdf", b"%PDF-1.4 junk", url="u")
    finally:
        await reader.close()
