"""gpt-oss on this machine's CPU against llama.cpp, and against what its memory allows: `make bench-model`.

A checkpoint of the true width of gpt-oss-20b with four layers and random weights; llama.cpp gets the same one as GGUF.
Experts are in MXFP4; everything else is in bfloat16 in both, then in int8 in both: ours in groups of 64, Q8_0 there.
Both are measured in turn, in processes of their own, the best of three rounds each. Beside them stands the roofline of
decoding: the bytes of weights that a token needs over the bandwidth at which torch read memory in the same run.
`--full` writes all 24 layers (14 GB) and generates with our own engine only.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import torch
from wide import write

from cadenza.model import GPT_OSS_20B, ModelConfig, kernels
from cadenza.model.batch import Reading
from cadenza.model.checkpoint import load
from cadenza.model.int8 import round_dense_layers
from cadenza.model.layout import slots

LAYERS, ROUNDS, DECODED, PROMPTS = 4, 3, 32, (128, 512)
DENSE: dict[str, tuple[str, float]] = {"bfloat16": ("BF16", 2.0), "int8": ("Q8_0", 1 + 4 / 64)}
"""What dense weights are in, the name of that in GGUF, and bytes of ours a weight."""


def bytes_per_token(config: ModelConfig, dense: str) -> float:
    """Of weights that decoding one token reads: of the experts, those that are used; of the embedding, nothing."""
    total = 0.0
    for slot in slots(config, "mxfp4"):
        rounded = slot.name.endswith("_proj.weight") or slot.name.startswith("lm_head")
        width = 1 if slot.packed else DENSE[dense][1] if rounded else 2
        size = torch.Size(slot.shape).numel() * width
        share = config.experts_per_token / config.num_experts if ".experts." in slot.name else 1
        total += 0 if "embed_tokens" in slot.name else size * share
    return total


def bandwidth() -> float:
    """Bytes/s at which torch's threads read a gigabyte of memory: the best of several passes."""
    memory = torch.ones(2**28)
    return max(memory.nbytes / seconds(memory.sum) for _ in range(8))


def seconds(run: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


@torch.inference_mode()
def ours(folder: Path, threads: int, dense: str) -> dict[str, float]:
    """What a process measures of itself. Tokens are random, as llama-bench's are, and nothing is sampled."""
    torch.set_num_threads(threads)
    begin = time.perf_counter()
    network = load(folder, dtype=None).network
    if dense == "int8":
        round_dense_layers(network)
    rows = network.config.vocab_size

    def decode(count: int) -> None:
        reader = Reading(network)
        for _ in range(count):
            reader.read(torch.randint(rows, (1,)))

    def read(length: int) -> None:
        Reading(network).read(torch.randint(rows, (length,)), wanted=[length - 1])

    decode(1)
    found = {"loading": time.perf_counter() - begin, "resident": peak_memory()}
    found["decode"] = DECODED / min(seconds(lambda: decode(DECODED)) for _ in range(3))
    for length in PROMPTS:
        found[f"prefill {length}"] = length / min(seconds(lambda at=length: read(at)) for _ in range(3))
    found["resident at the end"] = peak_memory()
    return found


def peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def apart(folder: Path, threads: int, dense: str) -> dict[str, float]:
    """`ours` in a process of its own."""
    command = [sys.executable, __file__, "--ours", str(folder), "--threads", str(threads), "--dense", dense]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def compare(work: Path, threads: int, dense: str) -> None:
    """Prints a row for each figure."""
    import gguf
    import llama

    program, config = llama.PROGRAM, replace(GPT_OSS_20B, num_layers=LAYERS)
    kind = gguf.GGMLQuantizationType[DENSE[dense][0]]
    folder, converted = work / "random-20b-4", work / f"random-20b-4-{kind.name}.gguf"
    write(folder, config)
    if not converted.exists():
        llama.convert(folder, converted, kind)
    torch.set_num_threads(threads)
    tests = [*(f"prefill {length}" for length in PROMPTS), "decode"]
    asked = ["-p", ",".join(map(str, PROMPTS)), "-n", str(DECODED)]
    rates: list[float] = []
    own: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        rates.append(bandwidth())
        own.append(apart(folder, threads, dense))
        theirs.append(dict(zip(tests, llama.speeds(program, converted, threads, *asked), strict=True)))
        theirs[-1] |= dict(zip(("loading", "resident"), llama.loading(program, converted), strict=True))
    rate, size = max(rates), bytes_per_token(config, dense)
    told = f"memory was read at {rate / 1e9:.1f} GB/s; a token needs {size / 1e9:.2f} GB"
    print(f"\n{dense}, {threads} thread(s): {told}")
    for test in tests:
        fast, other = max(each[test] for each in own), max(each[test] for each in theirs)
        roof = f"{100 * fast * size / rate:4.0f}% of the roofline" if test == "decode" else ""
        print(f"{test:16}{fast:8.1f} tokens/s   llama.cpp {other:8.1f}   {fast / other:5.2f} times   {roof}")
    for figure, unit, scale in (("loading", "s", 1.0), ("resident", "GB", 1e9)):
        least, other = min(each[figure] for each in own) / scale, min(each[figure] for each in theirs) / scale
        print(f"{figure:16}{least:8.2f} {unit:8}   llama.cpp {other:8.2f}   {least / other:5.2f} times")


def full(work: Path, threads: int, dense: str) -> None:
    """All 24 layers."""
    write(work / "random-20b", GPT_OSS_20B)
    torch.set_num_threads(threads)
    rate, found = bandwidth(), apart(work / "random-20b", threads, dense)
    roof = rate / bytes_per_token(GPT_OSS_20B, dense)
    print(f"\n24 layers, {dense}, {threads} thread(s), memory read at {rate / 1e9:.1f} GB/s")
    print(f"decode {found['decode']:.2f} tokens/s, {100 * found['decode'] / roof:.0f}% of the roofline {roof:.2f}")
    print(*(f"prefill of {length}: {found[f'prefill {length}']:.1f} tokens/s" for length in PROMPTS), sep="; ")
    print(f"loading and a first token {found['loading']:.1f} s; resident {found['resident at the end'] / 1e9:.1f} GB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("build/bench"), help="where models are kept")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--dense", nargs="+", choices=list(DENSE), default=list(DENSE))
    parser.add_argument("--full", action="store_true", help="all 24 layers, 14 GB, ours alone")
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ours:
        print(json.dumps(ours(given.ours, given.threads[0], given.dense[0])))
        return
    print(f"kernels: {kernels.path()}")
    for dense, threads in product(given.dense, given.threads):
        (full if given.full else compare)(given.work, threads, dense)


if __name__ == "__main__":
    main()
