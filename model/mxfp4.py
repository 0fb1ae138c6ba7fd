"""MXFP4: blocks of 32 four-bit floats (E2M1) that share an eight-bit exponent (E8M0).

Byte b of a block holds element 2b in its low nibble and 2b + 1 in its high one. bfloat16 holds every value exactly.
Source: OCP Microscaling Formats (MX) v1.0; layout as in the gpt-oss checkpoints.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from .layout import MX_BLOCK

_VALUES: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
_CODES: Final = torch.tensor([*_VALUES, *(-value for value in _VALUES)])
_BIAS: Final = 127
_LARGEST_EXPONENT: Final = 2
"""Of E2M1: 6 = 1.5 * 2**2."""


def dequantize(blocks: Tensor, scales: Tensor, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """`[..., groups, 16]` bytes and `[..., groups]` exponents -> `[..., groups * 32]`."""
    codes = torch.stack((blocks & 0xF, blocks >> 4), dim=-1).flatten(-2).long()
    values = _CODES.to(blocks.device)[codes]
    return torch.ldexp(values, scales.int()[..., None] - _BIAS).flatten(-2).to(dtype)


def quantize(x: Tensor) -> tuple[Tensor, Tensor]:
    """`[..., n]`, n a multiple of 32 -> blocks `[..., n / 32, 16]` and scales `[..., n / 32]`, both uint8.

    The exponent of a block is that of its largest magnitude less E2M1's largest; values round to the nearest code.
    """
    groups = x.float().reshape(*x.shape[:-1], -1, MX_BLOCK)
    largest = groups.abs().amax(-1)
    exponents = (torch.frexp(largest).exponent - 1 - _LARGEST_EXPONENT).clamp(-_BIAS, _BIAS)
    exponents = torch.where(largest == 0, -_BIAS, exponents)
    scaled = torch.ldexp(groups, -exponents[..., None])
    magnitudes = torch.tensor(_VALUES, device=x.device)
    codes = torch.bucketize(scaled.abs().contiguous(), (magnitudes[1:] + magnitudes[:-1]) / 2)
    codes = codes + 8 * torch.signbit(scaled)
    blocks = codes[..., 0::2] | (codes[..., 1::2] << 4)
    return blocks.to(torch.uint8), (exponents + _BIAS).to(torch.uint8)
