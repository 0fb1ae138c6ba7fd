"""Search in a folder of documents, beside Whoosh (an index on disk in Python) and rank_bm25 (BM25 in memory).

    make bench-corpus

Documents are made of words by Zipf's law, seeded. A query is five words of one document: of one place in it, or from
anywhere. How many queries bring this very document first says whether the ranking is one. Times are of processors, so
that a busy machine tells the same. rank_bm25 keeps nothing: it reads and counts everything at every start.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from rank_bm25 import BM25Okapi
from whoosh.fields import ID, TEXT, Schema
from whoosh.index import create_in
from whoosh.qparser import OrGroup, QueryParser
from whoosh.scoring import BM25F

from cadenza.tools.browser import Corpus
from cadenza.tools.browser.reading import open_reader

DOCUMENTS, WORDS, QUERIES, NEAR = 2_000, 400, 100, 40
Search = Callable[[str], str]
Queries = list[tuple[str, str]]


def cpu() -> float:
    """Seconds of processor time, of this process and of those that it started and that have ended."""
    return sum(os.times()[:4])


def make_documents(folder: Path) -> dict[str, list[str]]:
    """The words of each document by its name."""
    draw = random.Random(7)
    made = {}
    for number in range(DOCUMENTS):
        words = [f"w{int(50_000 ** draw.random())}" for _ in range(WORDS)]
        made[f"{number}.txt"] = words
        lines = (" ".join(words[at : at + 12]) for at in range(0, WORDS, 12))
        (folder / f"{number}.txt").write_text("\n".join(lines))
    return made


def make_queries(documents: dict[str, list[str]]) -> tuple[Queries, Queries]:
    """Words of one place, words from anywhere."""
    draw = random.Random(11)
    near, wide = [], []
    for name in draw.sample(sorted(documents), QUERIES):
        at = draw.randrange(WORDS - NEAR)
        near.append((name, " ".join(draw.sample(documents[name][at : at + NEAR], 5))))
        wide.append((name, " ".join(draw.sample(documents[name], 5))))
    return near, wide


def cadenza(folder: Path, index: Path, portal: BlockingPortal) -> tuple[float, float, Search]:
    corpus = Corpus(folder, index=index / "corpus.db")

    async def prepare() -> None:
        async with open_reader() as reader:
            await corpus.prepare(reader)

    def search(query: str) -> str:
        hits = portal.call(corpus.search, query, 10)
        return hits[0].url if hits else ""

    begin = cpu()
    portal.call(prepare)
    built = cpu()
    portal.call(prepare)
    return built - begin, cpu() - built, search


def whoosh(folder: Path, index: Path, portal: BlockingPortal) -> tuple[float, float, Search]:
    begin = cpu()
    schema = Schema(path=ID(stored=True), text=TEXT)
    made = create_in(index, schema)
    writer = made.writer()
    for file in folder.iterdir():
        writer.add_document(path=file.name, text=file.read_text())
    writer.commit()
    built = cpu()
    searcher, parser = made.searcher(weighting=BM25F()), QueryParser("text", schema, group=OrGroup)

    def search(query: str) -> str:
        hits = searcher.search(parser.parse(query), limit=10)
        return str(hits[0]["path"]) if len(hits) else ""

    return built - begin, float("nan"), search


def rank_bm25(folder: Path, index: Path, portal: BlockingPortal) -> tuple[float, float, Search]:
    begin = cpu()
    names = sorted(file.name for file in folder.iterdir())
    ranking: Any = BM25Okapi([(folder / name).read_text().split() for name in names])
    built = cpu()
    return built - begin, built - begin, lambda query: str(ranking.get_top_n(query.split(), names, n=10)[0])


def found_first(search: Search, queries: Iterable[tuple[str, str]]) -> int:
    return sum(search(query) == name for name, query in queries)


def main() -> None:
    with TemporaryDirectory() as scratch, start_blocking_portal() as portal:
        folder = Path(scratch, "documents")
        folder.mkdir()
        near, wide = make_queries(make_documents(folder))
        print(f"{DOCUMENTS} documents of {WORDS} words, {QUERIES} queries of five words of each kind")
        print(f"{'':10} {'index, s':>9} {'again, s':>9} {'query, ms':>10} {'one place':>10} {'anywhere':>9}")
        for make in (cadenza, whoosh, rank_bm25):
            index = Path(scratch, make.__name__)
            index.mkdir()
            built, again, search = make(folder, index, portal)
            begin = cpu()
            first = found_first(search, near), found_first(search, wide)
            took = 1000 * (cpu() - begin) / (2 * QUERIES)
            print(f"{make.__name__:10} {built:9.2f} {again:9.2f} {took:10.2f} {first[0]:9}% {first[1]:8}%")


if __name__ == "__main__":
    main()
