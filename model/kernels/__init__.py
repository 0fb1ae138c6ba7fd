"""The network's arithmetic on CPUs, in C: weights are multiplied as they are stored, activations are float32.

- Built with the package where there is a C compiler. Elsewhere, and while gradients are recorded, the network computes
  in plain torch. `path()` says which it is.
- The best instructions that the machine has are chosen at run time; `using` chooses others.
- Within 1e-4 of float32: MXFP4 is multiplied with activations of 16 bits in groups of 32, everything else in float32.
- As many threads as torch has. The interpreter's lock is released; of two calls at one time, one has the threads and
  the other works alone.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import torch
from torch import Tensor

Instructions: TypeAlias = Literal["avx512", "avx2", "neon", "portable"]

_forced: list[Instructions | None] = []  # the last one counts; None: plain torch


def path() -> Instructions | Literal["torch"]:
    """What the network computes with on this machine: a set of instructions, or plain torch."""
    chosen = _chosen()
    return "torch" if chosen is None else chosen


def available() -> tuple[Instructions, ...]:
    """The sets of instructions that were built and that this machine has, the best one first."""
    return tuple(_inner())


@contextmanager
def using(instructions: Instructions | None) -> Iterator[None]:
    """Computes with these instructions, or in plain torch, in the whole process.

    Raises ValueError where they are not available.
    """
    if instructions is not None and instructions not in _inner():
        raise ValueError(f"no kernels for {instructions!r} here, only {', '.join(_inner()) or 'plain torch'}")
    _forced.append(instructions)
    try:
        yield
    finally:
        _forced.pop()


def take(x: Tensor) -> bool:
    """Whether kernels compute with activations `x`: float32 on the CPU, no gradients recorded."""
    ours = x.dtype == torch.float32 and x.device.type == "cpu" and not torch.is_grad_enabled()
    return ours and _chosen() is not None


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x: `[..., in]` in float32; weight: `[out, in]` and bias: `[out]` in bfloat16 -> `[..., out]` in float32."""
    rows, depth = weight.shape
    flat = x.reshape(-1, depth).contiguous()
    out = flat.new_empty(len(flat), rows)
    bias = None if bias is None else bias.to(torch.bfloat16).contiguous()
    _call("linear", len(flat), rows, depth, flat, weight.contiguous(), bias, out)
    return out.view(*x.shape[:-1], rows)


def int8_linear(x: Tensor, weight: Tensor, scales: Tensor, bias: Tensor | None = None) -> Tensor:
    """The same with weights in int8, `[out, in]`, in groups of 64 with a scale each, `[out, in / 64]` in float32.

    Activations have 16 bits, one scale a token. A token's result does not depend on the others.
    """
    rows, depth = weight.shape
    flat = x.reshape(-1, depth).contiguous()
    out = flat.new_empty(len(flat), rows)
    bias = None if bias is None else bias.to(torch.bfloat16).contiguous()
    _call("int8_linear", len(flat), rows, depth, flat, weight.contiguous(), scales.contiguous(), bias, out)
    return out.view(*x.shape[:-1], rows)


def experts(
    x: Tensor,
    weights: Tensor,
    chosen: Tensor,
    up: tuple[Tensor, Tensor, Tensor],
    down: tuple[Tensor, Tensor, Tensor],
    *,
    limit: float,
    alpha: float,
) -> Tensor:
    """A mixture of experts in MXFP4: x `[tokens, hidden]`, weights and chosen experts `[tokens, top_k]` -> like x.

    up, down: blocks `[experts, rows, groups, 16]`, scales `[experts, rows, groups]`, bias `[experts, rows]`. Of `up`,
    rows are gates and ups in turn; biases in float32 or bfloat16. Raises IndexError for an expert that is not there.
    """
    (tokens, hidden), top_k = x.shape, chosen.shape[1]
    count, rows = up[2].shape
    chosen, weights, x = chosen.long().contiguous(), weights.float().contiguous(), x.contiguous()
    kind = torch.bfloat16 if up[2].dtype == torch.bfloat16 else torch.float32
    up, down = ((blocks.contiguous(), scales.contiguous(), bias.to(kind)) for blocks, scales, bias in (up, down))
    out = torch.empty_like(x)
    sizes = (tokens, top_k, count, hidden, rows // 2)
    narrow = int(kind == torch.bfloat16)
    _call("experts", *sizes, x, weights, chosen, *up, *down, narrow, limit, alpha, out)
    return out


@dataclass(frozen=True, slots=True)
class Runs:
    """The queries of several sequences, one after another, and where each one's keys and values lie.

    runs: `[sequences, 5]` whole numbers, for each the first of its rows, how many there are, how many positions there
    are with them, where its pages begin in the table, and the number of the first page there. table: pages in memory.
    """

    runs: Tensor
    table: Tensor

    @classmethod
    def contiguous(cls, batch: int, time: int, keys: int) -> Runs:
        """Of sequences of one length, each with one page."""
        return cls(torch.tensor([[at * time, time, keys, at, 0] for at in range(batch)]), torch.arange(batch))


def attention(
    queries: Tensor, keys: Tensor, values: Tensor, sinks: Tensor, window: int | None, scale: float, of: Runs
) -> Tensor:
    """Attention with sinks, in float32: queries `[rows, heads, head_dim]` at the last of their sequences' positions.

    keys, values: `[pages, kv_heads, page, head_dim]`; sinks: `[heads]`; window: positions visible to a query, its own
    among them. head_dim must be a multiple of 16. Returns what is like the queries.
    """
    rows, heads, head_dim = queries.shape
    queries, keys, values = (each if each.stride(-1) == 1 else each.contiguous() for each in (queries, keys, values))
    out = queries.new_empty(rows, heads, head_dim)
    given = [part for each in (queries, keys, values) for part in (each, (ctypes.c_long * 3)(*each.stride()[:-1]))]
    sizes = (len(of.runs), heads, keys.shape[1], head_dim, keys.shape[2])
    _call("attention", *sizes, of.runs, of.table, *given, sinks.float().contiguous(), window or 0, scale, out)
    return out


# --- the library ------------------------------------------------------------------------------------------------------

_NO_SUCH_EXPERT: Final = 2
_BEST_FIRST: Final[tuple[Instructions, ...]] = get_args(Instructions)


@cache
def _library() -> ctypes.CDLL | None:
    for suffix in EXTENSION_SUFFIXES:
        file = Path(__file__).with_name(f"_native{suffix}")
        if file.exists():
            try:
                library = ctypes.CDLL(str(file))
            except OSError:
                return None  # built for another machine: as if it were not there
            library.cadenza_find.restype = ctypes.c_void_p
            return library
    return None


@cache
def _inner() -> dict[Instructions, int]:
    """Where the library has the loops of each set of instructions that works here."""
    library = _library()
    if library is None:
        return {}
    found = ((name, library.cadenza_find(name.encode())) for name in _BEST_FIRST)
    return {name: address for name, address in found if address}


def _chosen() -> Instructions | None:
    return _forced[-1] if _forced else next(iter(_inner()), None)


def _call(name: str, *given: Tensor | ctypes.Array[ctypes.c_long] | float | None) -> None:
    chosen, library = _chosen(), _library()
    if chosen is None or library is None:
        raise RuntimeError(f"no kernel for {name}: kernels.take was not asked")
    function = getattr(library, f"cadenza_{name}")
    failed = function(ctypes.c_void_p(_inner()[chosen]), torch.get_num_threads(), *map(_as_c, given))
    if failed == _NO_SUCH_EXPERT:
        raise IndexError("the router chose an expert that is not there")
    if failed:
        raise MemoryError(f"no memory for the kernel {name}")


def _as_c(value: Tensor | ctypes.Array[ctypes.c_long] | float | None) -> object:
    if isinstance(value, Tensor):
        return ctypes.c_void_p(value.data_ptr())
    return ctypes.c_float(value) if isinstance(value, float) else value
