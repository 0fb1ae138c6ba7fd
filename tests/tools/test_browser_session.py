"""The browser in one run: the contract of gpt-oss, the stack of pages, errors of one line, what survives a restart."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai_harmony
import pytest

from cadenza.harmony import Message, SystemContent, o200k_harmony, render
from cadenza.tools import Citing, Restorable, ToolError, Traits, toolset_by_name
from cadenza.tools.browser import BrowserTool, Corpus, SearxngSearch, backend_by_name
from cadenza.tools.browser.contract import namespace
from cadenza.tools.browser.session import BrowserSession


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    (folder / "deep").mkdir(parents=True)
    (folder / "moon.md").write_text(
        "# The Moon\n\nThe Moon is 384,400 km away. See [tides](deep/tides.txt) and [more](https://a.org/moon).\n"
    )
    (folder / "deep" / "tides.txt").write_text("Tides\n\n" + "Water.\n" * 300 + "The Moon pulls the sea.\n")
    return folder


@pytest.fixture
async def session(documents: Path, tmp_path: Path) -> AsyncIterator[BrowserSession]:
    async with BrowserTool(search=Corpus(documents, index=tmp_path / "index.db")).open() as session:
        yield session


async def call(session: BrowserSession, function: str, **arguments: Any) -> str:
    result = await session.call(f"browser.{function}", json.dumps(arguments))
    assert result.status == "ok", result.text
    return result.text


async def refused(session: BrowserSession, function: str, **arguments: Any) -> str:
    result = await session.call(f"browser.{function}", json.dumps(arguments))
    assert (result.status, result.memory, len(result.text.splitlines())) == ("error", None, 1)
    return result.text


def test_the_namespace_of_a_web_search_is_the_one_of_the_reference(
    reference: openai_harmony.HarmonyEncoding,
) -> None:
    ours = Message.system(SystemContent(current_date="2026-01-01", tools=(namespace("web", fetches=True),)))
    theirs = openai_harmony.SystemContent.new().with_conversation_start_date("2026-01-01").with_browser_tool()
    message = openai_harmony.Message.from_role_and_content(openai_harmony.Role.SYSTEM, theirs)
    assert list(render(ours, o200k_harmony())) == reference.render(message)


@pytest.mark.anyio
async def test_a_search_shows_links_and_opening_one_leads_to_the_passage(session: BrowserSession) -> None:
    found = await call(session, "search", query="what pulls the sea?")
    assert found.startswith("[0] what pulls the sea?\n**viewing lines [0 - ")
    assert "L2:   * 【0†tides】" in found
    opened = await call(session, "open", id=0)
    assert opened.splitlines()[0] == "[1] tides (deep/tides.txt)"
    assert opened.endswith("L302: The Moon pulls the sea.")
    assert "L0: " not in opened
    assert (await call(session, "open", loc=0, num_lines=2)).endswith("[0 - 1] of 302**\n\nL0: Tides\nL1: ")
    assert "[3] The Moon (moon.md)" in await call(session, "open", id="moon.md")
    assert "[4] tides" in await call(session, "open", id=0, cursor=3)


@pytest.mark.anyio
async def test_find_leads_to_lines(session: BrowserSession) -> None:
    await call(session, "open", id="deep/tides.txt")
    found = await call(session, "find", pattern="the moon")
    assert found.splitlines()[0] == (
        "[1] Find results for text: `the moon` in `tides` (deep/tides.txt/find?pattern=the moon)"
    )
    assert "L0: # 【0†match at L302】" in found
    assert "L302: The Moon pulls the sea." in await call(session, "open", id=0)
    assert "into pages, not into results" in await refused(session, "find", pattern="x", cursor=1)


@pytest.mark.anyio
async def test_what_goes_wrong_is_one_line_and_changes_nothing(session: BrowserSession) -> None:
    assert await refused(session, "open") == "no page was opened yet"
    await call(session, "open", id="moon.md")
    assert await refused(session, "open", id=7) == "link 7: not on page [0]; its links are 0 to 1"
    assert await refused(session, "open", cursor=3) == "cursor 3: there is no such page; there are [0] to [0]"
    assert await refused(session, "open", loc=99) == "loc 99: the last line is 2"
    assert await refused(session, "open", loc=0.5) == "loc: must be a whole number, not 0.5"
    assert "cursr: unknown; did you mean cursor?" in await refused(session, "open", cursr=1)
    assert "nothing else can be opened here" in await refused(session, "open", id=1)
    assert "no such document" in await refused(session, "open", id="../../etc/passwd")
    assert "no source to view" in await refused(session, "open", id="moon.md", view_source=True)
    assert (await call(session, "open", cursor=0.0, id=-1.0)).startswith("[1] ")


@pytest.mark.anyio
async def test_a_new_process_is_given_back_what_was_shown(
    session: BrowserSession, documents: Path, tmp_path: Path
) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("search", {"query": "moon"}),
        ("open", {"id": "moon.md"}),
        ("open", {"loc": 1}),
        ("find", {"pattern": "tides"}),
    ]
    results = [await session.call(f"browser.{name}", json.dumps(arguments)) for name, arguments in calls]
    memories = json.loads(json.dumps([result.memory for result in results]))
    assert memories[2] == {"again": 1}
    (documents / "moon.md").write_text("# Another text")
    assert isinstance(session, Restorable)
    assert isinstance(session, Citing)
    answer = "Far 【1†L2】, see 【3†L0-L1】."
    async with BrowserTool(search=Corpus(documents, index=tmp_path / "index.db")).open() as later:
        later.restore(memories)
        assert later.citations(answer) == session.citations(answer) != []
        assert await call(later, "open", cursor=1) == await call(session, "open", cursor=1)


@pytest.mark.anyio
async def test_a_result_that_is_cited_stands_for_the_page_that_it_is_about(session: BrowserSession) -> None:
    await call(session, "search", query="moon")
    first, second = session.citations("【0†L2】 【0†L2-L99】")
    assert first.url in ("moon.md", "deep/tides.txt")
    assert second.url != first.url
    assert session.citations("【0†L0】") == []


@pytest.mark.anyio
async def test_what_calls_mean_for_a_run_depends_on_where_they_go(documents: Path, tmp_path: Path) -> None:
    own = Traits(stateful=True, repeatable=True, result_bytes=128 << 10)
    reads = replace(own, reads_untrusted=True, reads_private=True)
    corpus = Corpus(documents, index=tmp_path / "index.db")
    async with BrowserTool(search=corpus).open() as session:
        assert session.traits("browser.search") == session.traits("browser.open") == reads
        assert session.traits("browser.find") == own
    async with BrowserTool(search=corpus, allow=("a.org",)).open() as session:
        assert session.traits("browser.search") == reads
        assert session.traits("browser.open").sends_out
    async with BrowserTool(search=SearxngSearch("http://127.0.0.1:1")).open() as session:
        sends = replace(own, reads_untrusted=True, sends_out=True)
        assert session.traits("browser.search") == session.traits("browser.open") == sends
        assert "does not answer" in await refused(session, "search", query="x")


@pytest.mark.anyio
async def test_without_a_search_only_addresses_are_offered() -> None:
    async with BrowserTool(allow=("a.org",)).open() as session:
        assert [tool.name for tool in session.namespace.tools] == ["open", "find"]
        assert "There is no search" in (session.namespace.description or "")
        assert "only these hosts may be opened: a.org" in await refused(session, "open", id="https://b.org/")
        assert "no search" in await refused(session, "search", query="x")


@pytest.mark.anyio
async def test_with_nothing_set_up_one_line_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SEARXNG_URL", "EXA_API_KEY", "BRAVE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ToolError, match=r"^browser: nothing to search with: .*corpus.*EXA_API_KEY"):
        async with toolset_by_name("browser").open():
            pass
    with pytest.raises(ToolError, match=r"^browser: search: exa wants a key in EXA_API_KEY"):
        backend_by_name("exa")
    monkeypatch.setenv("SEARXNG_URL", "127.0.0.1:8888")
    with pytest.raises(ToolError, match=r"^browser: search: '127\.0\.0\.1:8888' is no address; write http://"):
        backend_by_name("searxng")
    with pytest.raises(ToolError, match="no search 'exo'; there is brave, ddgs, exa, searxng"):
        backend_by_name("exo")
    with pytest.raises(ToolError, match="ddgs is not installed: pip install"):
        backend_by_name("ddgs")
