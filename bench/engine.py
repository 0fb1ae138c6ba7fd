"""The local engine: what running together, finding a beginning again and guessing save: `make bench-engine`.

nano as it ships, and a checkpoint of gpt-oss-20b's width with four layers and random weights. What is compared is
measured in turn, in one process, and the best of several rounds counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import torch
from wide import write

from cadenza.harmony import ToolDescription, ToolNamespace, TurnGrammar, TurnSpec, open_turn, turn_grammar
from cadenza.model import GPT_OSS_20B, Sampling, find, kernels
from cadenza.model.checkpoint import Checkpoint, load
from cadenza.model.constrain import Constraint
from cadenza.model.engines.torch import TorchEngine

ROUNDS, LAYERS = 3, 4
TOGETHER = (1, 2, 4, 8)
TEXT = "The quick brown fox jumps over the lazy dog, and the dog does not mind. " * 40


async def tokens_of(
    engine: TorchEngine, prompt: list[int], limit: int, *, seed: int = 0, grammar: TurnGrammar | None = None
) -> tuple[list[int], float]:
    """The tokens, and the seconds until the first one."""
    begin, first, ids = time.perf_counter(), 0.0, list[int]()
    sampling = Sampling(temperature=1.0, seed=seed)
    async for token in engine.generate(prompt, sampling, stop=frozenset(), limit=limit, constraint=grammar):
        first = first or time.perf_counter() - begin
        ids.append(token.id)
    return ids, first


async def several(engine: TorchEngine, prompts: list[list[int]], limit: int, *, at_once: bool) -> float:
    """Seconds that all take."""
    begin = time.perf_counter()
    if at_once:
        async with anyio.create_task_group() as group:
            for seed, prompt in enumerate(prompts):
                group.start_soon(lambda seed=seed, prompt=prompt: tokens_of(engine, prompt, limit, seed=seed))
    else:
        for seed, prompt in enumerate(prompts):
            await tokens_of(engine, prompt, limit, seed=seed)
    return time.perf_counter() - begin


async def least(run: Callable[[], Coroutine[Any, Any, float]], rounds: int = ROUNDS) -> float:
    return min([await run() for _ in range(rounds)])


async def throughput(engine: TorchEngine, limit: int) -> None:
    words = engine.vocabulary.encode(TEXT)
    for count in TOGETHER:
        prompts = [words[at : at + 16] for at in range(count)]
        together, alone = float("inf"), float("inf")
        for _ in range(ROUNDS):
            together = min(together, await several(engine, prompts, limit, at_once=True))
            alone = min(alone, await several(engine, prompts, limit, at_once=False))
        made = count * limit
        print(
            f"  {count} requests: together {made / together:7.1f} tokens/s, one after another {made / alone:7.1f},"
            f" {alone / together:.2f} times"
        )


async def tool_turn(engine_of: Callable[[], TorchEngine], length: int) -> None:
    """A turn, then 40 tokens of a tool's result: how long until the next token, and from nothing."""
    engine = engine_of()
    words = engine.vocabulary.encode(TEXT)
    found, lost = float("inf"), float("inf")
    for round_ in range(ROUNDS):
        prompt = (words * 8)[round_ : round_ + length]
        said, _ = await tokens_of(engine, prompt, 16)
        turn = [*prompt, *said, *words[:40]]
        found = min(found, (await tokens_of(engine, turn, 1))[1])
        lost = min(lost, (await tokens_of(engine_of(), turn, 1))[1])
    print(f"  first token of a tool turn after {length} tokens: {found:.3f} s, without what was read {lost:.3f} s")


async def masks(engine: TorchEngine, limit: int) -> None:
    """How long a mask takes, of the time between two sampled tokens; it is computed beside the forward pass."""
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = ToolDescription(name="get_weather", description="", parameters=parameters)
    spec = TurnSpec(functions=(ToolNamespace(name="functions", tools=(tool,)),))
    grammar, prompt = turn_grammar(spec, engine.vocabulary), open_turn(engine.vocabulary)
    spent = [0.0, 0.0]  # beside the forward pass, and before it
    for at, name in enumerate(("_mask", "foreseen")):
        timed(Constraint, name, spent, at)
    begin, made = time.perf_counter(), 0
    for seed in range(ROUNDS):
        ids, _ = await tokens_of(engine, prompt, limit, seed=seed, grammar=grammar)
        made += len(ids)
    whole = time.perf_counter() - begin
    print(
        f"  masks: {100 * spent[0] / whole:.1f}% of a decode step beside it, {100 * spent[1] / whole:.1f}% before it;"
        f" {1e6 * sum(spent) / made:.0f} us a token of {1e3 * whole / made:.2f} ms"
    )


def timed(of: type, name: str, spent: list[float], at: int) -> None:
    whole = getattr(of, name)

    def run(self: Any, *given: Any) -> Any:
        begin = time.perf_counter()
        try:
            return whole(self, *given)
        finally:
            spent[at] += time.perf_counter() - begin

    setattr(of, name, run)


async def copying(checkpoint: Checkpoint, limit: int) -> None:
    """Going on with a text that repeats itself, by the likeliest token."""
    seconds = []
    ids: list[list[int]] = []
    for guess in (False, True):
        engine = TorchEngine(checkpoint, guess=guess)
        prompt = (engine.vocabulary.encode(TEXT) * 8)[:200]

        async def run(engine: TorchEngine = engine, prompt: list[int] = prompt) -> float:
            begin = time.perf_counter()
            greedy = Sampling(temperature=0.0)
            stream = engine.generate(prompt, greedy, stop=frozenset(), limit=limit)
            ids.append([token.id async for token in stream])
            return time.perf_counter() - begin

        seconds.append(await least(run))
    same = "the same tokens" if all(each == ids[0] for each in ids) else "other tokens"
    print(f"  an answer that repeats: {seconds[0] / seconds[1]:.2f} times as fast with guesses, {same}")


async def measure(name: str, checkpoint: Checkpoint, *, limit: int, length: int) -> None:
    print(f"{name}, {torch.get_num_threads()} thread(s), kernels: {kernels.path()}")
    await throughput(TorchEngine(checkpoint, guess=False), limit)
    await tool_turn(lambda: TorchEngine(checkpoint), length)
    await copying(checkpoint, 4 * limit)
    await masks(TorchEngine(checkpoint), limit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("build/bench"), help="where the checkpoint is kept, 2.9 GB")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--limit", type=int, default=64, help="tokens of an answer of nano's")
    parser.add_argument("--only", choices=["nano", "wide"])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.only != "wide":
        anyio.run(lambda: measure("nano", load(find("nano")), limit=given.limit, length=1000))
    if given.only != "nano":
        folder = given.work / f"random-20b-{LAYERS}"
        write(folder, replace(GPT_OSS_20B, num_layers=LAYERS))
        anyio.run(lambda: measure("20b's width, 4 layers", load(folder, dtype=None), limit=12, length=300))


if __name__ == "__main__":
    main()
