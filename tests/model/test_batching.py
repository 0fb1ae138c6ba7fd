"""Requests that run together: each gets what it would get alone, whatever else runs and however it is scheduled."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import anyio
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cadenza.harmony import (
    CallTo,
    Provenance,
    ToolDescription,
    ToolNamespace,
    TurnGrammar,
    TurnSpec,
    open_turn,
    restricted,
    turn_grammar,
)
from cadenza.model import ModelConfig, ModelError, Sampled, Sampling, find, kernels
from cadenza.model.batch import Reading, cache_of, read
from cadenza.model.cache import Sequence
from cadenza.model.checkpoint import Checkpoint, load, save
from cadenza.model.engines.torch import TorchEngine
from cadenza.model.request import Outcome, Request
from cadenza.model.sampler import Sampler
from cadenza.model.scheduler import Scheduler
from cadenza.model.transformer import Transformer

IDS = tuple(json.loads((find("nano") / "vocabulary.json").read_text()))
NANO = restricted(IDS)
CONFIG = ModelConfig(
    vocab_size=len(IDS),
    hidden_size=64,
    intermediate_size=32,
    num_layers=4,
    num_heads=2,
    num_kv_heads=1,
    head_dim=16,
    num_experts=4,
    experts_per_token=2,
    sliding_window=16,
    max_context=512,
)
TOOL = ToolDescription(
    name="get_weather",
    description="",
    parameters={
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Oslo"]}, "days": {"type": "integer", "minimum": 1, "maximum": 30}},
        "required": ["city", "days"],
        "additionalProperties": False,
    },
)
FUNCTIONS = (ToolNamespace(name="functions", tools=(TOOL,)),)
FREE = turn_grammar(TurnSpec(functions=FUNCTIONS, reasoning=5), NANO)
CALL = turn_grammar(TurnSpec(functions=FUNCTIONS, choice=CallTo("functions.get_weather"), reasoning=0), NANO)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Transformer:
    """As a large checkpoint is loaded: bfloat16, experts in MXFP4, so that kernels compute all of it."""
    torch.manual_seed(0)
    made = Transformer(CONFIG)
    for name, parameter in made.named_parameters():
        torch.nn.init.normal_(parameter, mean=1.0 if "norm" in name else 0.0, std=0.3)
    return stored(made, tmp_path_factory.mktemp("checkpoint"))


def stored(made: Transformer, folder: Path) -> Transformer:
    save(made.eval(), folder, experts="mxfp4")
    return load(folder, dtype=None).network


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Transformer:
    """A network whose layers add nothing, and which likes to count up to eight again and again."""
    torch.manual_seed(0)
    made = Transformer(CONFIG)
    with torch.no_grad():
        torch.nn.init.normal_(made.model.embed_tokens.weight)
        for row in range(len(IDS) // 8 * 8):
            made.lm_head.weight[row // 8 * 8 + (row + 1) % 8] = 0.15 * made.model.embed_tokens.weight[row]
    return stored(made, tmp_path_factory.mktemp("counting"))


@dataclass(frozen=True)
class Asked:
    """after: a thousandth of a second each; taken: tokens until the stream is closed, None for all."""

    prompt: tuple[int, ...]
    sampling: Sampling
    limit: int
    constraint: TurnGrammar | None
    after: int = 0
    taken: int | None = None


async def answer(engine: TorchEngine, asked: Asked) -> list[Sampled]:
    await anyio.sleep(asked.after / 1000)
    stream = engine.generate(
        asked.prompt, asked.sampling, stop=frozenset(), limit=asked.limit, constraint=asked.constraint
    )
    got = []
    try:
        while asked.taken is None or len(got) < asked.taken:
            got.append(await anext(stream))
    except StopAsyncIteration:
        pass
    await stream.aclose()
    return got


async def together(engine: TorchEngine, all_asked: list[Asked]) -> list[list[Sampled]]:
    """What each gets, and nothing is held afterwards."""
    got: dict[int, list[Sampled]] = {}

    async def one(at: int) -> None:
        got[at] = await answer(engine, all_asked[at])

    async with anyio.create_task_group() as group:
        for at in range(len(all_asked)):
            group.start_soon(one, at)
    await engine.close()
    assert engine.held == 0
    return [got[at] for at in range(len(all_asked))]


def ids_and_logprobs(tokens: list[Sampled]) -> list[tuple[int, float, Provenance]]:
    return [(token.id, token.logprob, token.provenance) for token in tokens]


# --- the property -----------------------------------------------------------------------------------------------------

WORDS = tuple(NANO.encode("the quick brown fox jumps over the lazy dog and the quick brown fox " * 8))
BEGUN = st.sampled_from([WORDS[:0], WORDS[:37], WORDS[:70]])
PROMPTS = st.builds(
    lambda begun, rest: (*begun, *rest), BEGUN, st.lists(st.sampled_from(WORDS), min_size=1, max_size=60)
)


@st.composite
def requests(draw: st.DrawFn) -> Asked:
    constraint = draw(st.sampled_from([None, None, FREE, CALL]))
    prompt = draw(PROMPTS)
    return Asked(
        prompt=prompt if constraint is None else (*prompt, *open_turn(NANO)),
        sampling=Sampling(temperature=draw(st.sampled_from([0.0, 1.0])), top_p=0.95, seed=draw(st.integers(0, 2**32))),
        limit=draw(st.integers(0, 30)),
        constraint=constraint,
        after=draw(st.integers(0, 30)),
        taken=draw(st.sampled_from([None, None, 1, 4])),
    )


@pytest.mark.skipif(not kernels.available(), reason="the kernels were not built")
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    asked=st.lists(requests(), min_size=1, max_size=6),
    chunk=st.sampled_from([1, 7, 64, 512]),
    page=st.sampled_from([4, 16, 64]),
    spare=st.integers(0, 3),
)
def test_every_schedule_gives_every_request_what_it_gets_alone(
    network: Transformer, asked: list[Asked], chunk: int, page: int, spare: int
) -> None:
    async def run() -> None:
        alone = []
        for each in asked:
            engine = TorchEngine(Checkpoint(network, IDS), guess=False)
            alone += await together(engine, [each])
        # Memory for hardly more than the longest request: those that came later wait, or read again.
        positions = max(len(each.prompt) + each.limit for each in asked)
        slot = cache_of(network, memory=2**20, page=page).slot_bytes
        slots = -(-positions // page) * (1 + spare) + 3 + -(-CONFIG.sliding_window // page)
        crowded = TorchEngine(Checkpoint(network, IDS), memory=2 * slots * slot, page=page, chunk=chunk)
        got = await together(crowded, asked)
        assert [ids_and_logprobs(each) for each in got] == [ids_and_logprobs(each) for each in alone]

    anyio.run(run)


# --- what tokens follow from ------------------------------------------------------------------------------------------


@torch.inference_mode()
@pytest.mark.parametrize("instructions", [*kernels.available(), None])
def test_logits_of_a_batch_are_those_of_each_alone(
    network: Transformer, instructions: kernels.Instructions | None
) -> None:
    """Bit for bit with kernels; within 1e-4 of the largest in plain torch, which adds up in another order."""
    prompts = [list(range(start, start + length)) for start, length in ((0, 70), (5, 1), (300, 33), (0, 70))]
    with kernels.using(instructions):
        alone = [Reading(network).read(torch.tensor(rows)) for rows in prompts]
        cache = cache_of(network, memory=2**22, page=16)
        sequences = [Sequence(cache) for _ in prompts]
        got: list[list[torch.Tensor]] = [[] for _ in prompts]
        for begin in range(0, 70, 13):
            parts = [(each, rows[begin : begin + 13]) for each, rows in zip(sequences, prompts, strict=True)]
            present = [at for at, (_, rows) in enumerate(parts) if rows]
            assert all(sequences[at].make_room(len(parts[at][1])) for at in present)
            logits = read(network, cache, [parts[at] for at in present])
            for at, each in zip(present, logits.split([len(parts[at][1]) for at in present]), strict=True):
                got[at].append(each)
                sequences[at].append(parts[at][1])
    for expected, each in zip(alone, got, strict=True):
        if instructions is not None:
            assert torch.equal(torch.cat(each), expected)
        assert (torch.cat(each) - expected).abs().max() < 1e-4 * expected.abs().max()


GREEDY = Sampling(temperature=0.0)


class RowsRead:
    """How many rows a network has read since it was asked last."""

    def __init__(self, network: Transformer) -> None:
        self._count = self.passes = 0
        network.model.embed_tokens.register_forward_hook(self._see)

    def _see(self, _module: torch.nn.Module, given: tuple[torch.Tensor], _out: torch.Tensor) -> None:
        self._count += given[0].numel()
        self.passes += 1

    def take(self) -> int:
        count, self._count, self.passes = self._count, 0, 0
        return count


@pytest.mark.anyio
async def test_only_what_is_new_is_read_across_turns_and_runs(network: Transformer) -> None:
    engine, read_rows = TorchEngine(Checkpoint(network, IDS), guess=False), RowsRead(network)
    first = [token.id for token in await answer(engine, Asked(WORDS[:100], GREEDY, 20, None))]
    assert read_rows.take() == 100 + 19
    turn = (*WORDS[:100], *first, *WORDS[:9])
    await answer(engine, Asked(turn, GREEDY, 1, None))
    assert read_rows.take() == 1 + 9  # the last token of the turn before was sampled, not read
    await answer(engine, Asked((*WORDS[:90], *WORDS[:5]), GREEDY, 1, None))  # another run, in the midst of a page
    assert read_rows.take() == 5
    await answer(engine, Asked(WORDS[:80], GREEDY, 1, None))
    assert read_rows.take() == 1


@pytest.mark.anyio
@pytest.mark.parametrize("temperature", [0.0, 0.7])
async def test_guesses_save_forward_passes_and_change_nothing(counting: Transformer, temperature: float) -> None:
    read_rows, passes, answers = RowsRead(counting), [], []
    for guess in (False, True):
        engine = TorchEngine(Checkpoint(counting, IDS), guess=guess)
        read_rows.take()
        answers.append(await answer(engine, Asked(WORDS[:30], Sampling(temperature=temperature, seed=3), 80, None)))
        passes.append(read_rows.passes)
    assert answers[0] == answers[1]
    assert passes[0] == 80
    assert passes[1] < 60


@pytest.mark.anyio
async def test_a_beginning_that_is_shared_is_read_once(network: Transformer) -> None:
    engine, read_rows = TorchEngine(Checkpoint(network, IDS), guess=False), RowsRead(network)
    await together(engine, [Asked((*WORDS[:128], word), GREEDY, 1, None) for word in WORDS[:4]])
    assert read_rows.take() < 2 * 128


@pytest.mark.anyio
async def test_what_cannot_be_taken_is_refused_in_a_line_and_hurts_nobody(network: Transformer) -> None:
    slot = cache_of(network, memory=2**20).slot_bytes
    engine = TorchEngine(Checkpoint(network, IDS), memory=6 * slot)
    got: list[Sampled] = []

    async def fine() -> None:
        got.extend(await answer(engine, Asked(WORDS[:10], GREEDY, 40, None)))

    async with anyio.create_task_group() as group:
        group.start_soon(fine)
        with pytest.raises(ModelError, match="the prompt has 400 tokens; the memory for its keys and values takes"):
            await answer(engine, Asked((WORDS * 4)[:400], GREEDY, 1, None))
        with pytest.raises(ModelError, match="the request needs more than the 256 tokens that the engine's cache"):
            await answer(engine, Asked(WORDS[:100], GREEDY, 200, None))
        with pytest.raises(ModelError, match="top_p: must be above 0 and at most 1, not 0"):
            await answer(engine, Asked(WORDS[:10], Sampling(top_p=0.0), 1, None))
    assert len(got) == 40
    await engine.close()
    with pytest.raises(ModelError, match="the engine is closed"):
        await answer(engine, Asked(WORDS[:10], GREEDY, 1, None))


def test_one_engine_serves_event_loops_in_turn_and_at_once(network: Transformer) -> None:
    engine, asked = TorchEngine(Checkpoint(network, IDS)), Asked(WORDS[:20], GREEDY, 15, None)
    expected = anyio.run(answer, engine, asked)
    assert anyio.run(answer, engine, asked) == expected
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: anyio.run(answer, engine, asked), range(4))) == [expected] * 4


def test_a_request_that_arrives_while_the_last_one_ends_is_answered(network: Transformer) -> None:
    scheduler, ended = Scheduler(network, cache_of(network)), Event()

    def request(end: int, hear: Callable[[Outcome], object]) -> Request:
        sampler, ids = Sampler(), range(len(IDS))
        return Request([1, 2], end=end, sampler=sampler, stop=frozenset(), turn=None, ids=ids, to_rows=list, hear=hear)

    second = request(4, lambda outcome: ended.set() if outcome is None else None)
    scheduler.submit(request(2, lambda _: scheduler.submit(second)))  # nothing may follow: it ends where it begins
    assert ended.wait(60)
    scheduler.close()


def test_an_engine_that_is_left_in_the_middle_of_a_request_does_not_hold_up_the_exit() -> None:
    code = """
import asyncio
from cadenza.model import Sampling, resolve
engine = resolve("nano")
loop = asyncio.new_event_loop()
stream = engine.generate(engine.vocabulary.encode("hello"), Sampling(), stop=frozenset(), limit=4000)
print(loop.run_until_complete(anext(stream)).id > 0, flush=True)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "True\n")


def test_nor_does_it_crash_where_the_thread_before_went_away_late() -> None:
    """It used to take the new thread's registration for the exit along with its own."""
    code = """
import asyncio, time
from concurrent.futures import ThreadPoolExecutor
from cadenza.model import Sampling, resolve
engine = resolve("nano")
asked = engine.vocabulary.encode("hello"), Sampling()
shutdown = ThreadPoolExecutor.shutdown
ThreadPoolExecutor.shutdown = lambda *given, **named: (time.sleep(0.3), shutdown(*given, **named))
loop = asyncio.new_event_loop()
stream = engine.generate(*asked, stop=frozenset(), limit=1)
loop.run_until_complete(anext(stream))
loop.run_until_complete(stream.aclose())
second = engine.generate(*asked, stop=frozenset(), limit=4000)
loop.run_until_complete(anext(second))
time.sleep(0.6)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
