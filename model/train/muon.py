"""Muon: momentum, made orthogonal by a Newton-Schulz iteration, for matrices and stacks of matrices.

Source: Keller Jordan, "Muon: an optimizer for hidden layers" (2024). torch.optim.Muon takes single matrices only; here
a stack of experts `[experts, rows, columns]` is one parameter, and each of its matrices is made orthogonal by itself.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

_QUINTIC = (3.4445, -4.7750, 2.0315)
_EXACT_ENOUGH = torch.bfloat16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else torch.float32
"""Processors without AVX-512 multiply bfloat16 four times slower than float32."""


def orthogonalize(matrices: Tensor, steps: int = 5) -> Tensor:
    """`[..., rows, columns]` -> the same with singular values near 1; in bfloat16, as there, where that is fast."""
    a, b, c = _QUINTIC
    wide = matrices.shape[-2] <= matrices.shape[-1]
    x: Tensor = matrices if wide else matrices.mT
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)).to(_EXACT_ENOUGH)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    turned: Tensor = x if wide else x.mT
    return turned.to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; steps have the root mean square `0.2 * lr`, as AdamW's roughly have."""

    def __init__(self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                average = state.setdefault("momentum", torch.zeros_like(parameter))
                average.lerp_(parameter.grad, 1 - group["momentum"])
                update = orthogonalize(parameter.grad.lerp(average, group["momentum"]))
                scale = 0.2 * max(parameter.shape[-2:]) ** 0.5
                parameter.mul_(1 - group["lr"] * group["decay"])
                parameter.add_(update, alpha=-group["lr"] * scale)
