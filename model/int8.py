"""Linear layers in int8: half of what bfloat16 reads, for less exactness, where somebody asks for it.

Groups of 64 weights of a row share a scale, their largest magnitude / 127; a weight errs by up to half a step, and a
layer's output by about 0.6% (relative, rms). Experts, embeddings, routers and norms stay as they are.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import kernels
from .transformer import Linear, Transformer

GROUP: Final = 64
_PART: Final = 8192  # rows that are converted back at a time
_CACHED: Final = 256  # rows that are rounded at a time: no more than stay in the processor's cache


def quantize(weight: Tensor) -> tuple[Tensor, Tensor]:
    """`[out, in]`, in a multiple of 64 -> int8 `[out, in]` and scales `[out, in / 64]` in float32."""
    values = torch.empty(weight.shape, dtype=torch.int8, device=weight.device)
    scales = torch.empty(len(weight), weight.shape[1] // GROUP, device=weight.device)
    for start in range(0, len(weight), _CACHED):
        groups = _groups(weight[start : start + _CACHED].float())
        part = groups.abs().amax(-1) / 127
        scales[start : start + _CACHED] = part
        values[start : start + _CACHED] = (groups / part.clamp(min=1e-30)[..., None]).round().flatten(1).to(torch.int8)
    return values, scales


def dequantize(values: Tensor, scales: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """The weights that they stand for, `[out, in]`."""
    return (_groups(values) * scales[..., None]).flatten(1).to(dtype)


def _groups(weight: Tensor) -> Tensor:
    return weight.view(len(weight), -1, GROUP)


class Int8Linear(nn.Module):
    """A linear layer whose weights were rounded to int8."""

    weight: Tensor
    scales: Tensor

    def __init__(self, layer: Linear) -> None:
        super().__init__()
        weight, scales = quantize(layer.weight)
        self.register_buffer("weight", weight)
        self.register_buffer("scales", scales)
        self.bias = layer.bias

    def forward(self, x: Tensor) -> Tensor:
        if kernels.take(x):
            return kernels.int8_linear(x, self.weight, self.scales, self.bias)
        parts = zip(torch.split(self.weight, _PART), torch.split(self.scales, _PART), strict=True)
        out = torch.cat([F.linear(x, dequantize(*part, x.dtype)) for part in parts], dim=-1)
        return out if self.bias is None else out + self.bias.to(x.dtype)


@torch.no_grad()
def round_dense_layers(network: Transformer) -> None:
    """Rounds the head and the attention's layers in place. A layer whose input is no multiple of 64 stays."""
    for name, layer in list(network.named_modules()):
        if isinstance(layer, Linear) and layer.in_features % GROUP == 0:
            parent, _, leaf = name.rpartition(".")
            setattr(network.get_submodule(parent), leaf, Int8Linear(layer))
