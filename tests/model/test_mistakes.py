"""The comparison with transformers catches each of the mistakes that implementations of gpt-oss are known for."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from cadenza.model import mxfp4, transformer
from cadenza.model.checkpoint import load, save
from cadenza.model.transformer import Experts, Transformer

pytestmark = pytest.mark.filterwarnings("ignore")  # transformers warns of its own deprecations

Patch = pytest.MonkeyPatch
ROWS = torch.randint(0, 500, (1, 90), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def folder(small: Transformer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint")
    save(small, path, experts="mxfp4")
    return path


@pytest.fixture(scope="module")
def expected(folder: Path) -> Tensor:
    from transformers import GptOssForCausalLM

    with torch.inference_mode():
        logits: Tensor = GptOssForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()(ROWS).logits
    return logits


def experts_of(network: Transformer) -> list[Experts]:
    return [module for module in network.modules() if isinstance(module, Experts)]


def no_sinks(patch: Patch) -> None:
    attend = transformer.attend
    patch.setattr(transformer, "attend", lambda q, k, v, sinks, mask: attend(q, k, v, sinks - 1e4, mask))


def interleaved_rope(patch: Patch) -> None:
    def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        even, odd = x[..., 0::2], x[..., 1::2]
        return torch.stack((even * cos - odd * sin, odd * cos + even * sin), dim=-1).flatten(-2)

    patch.setattr(transformer, "rotate", rotate)


def swapped_gate_and_up(patch: Patch) -> None:
    swiglu = Experts.swiglu
    patch.setattr(Experts, "swiglu", lambda self, x: swiglu(self, x.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)))


def swapped_nibbles(patch: Patch) -> None:
    dequantize = mxfp4.dequantize
    patch.setattr(mxfp4, "dequantize", lambda blocks, *rest: dequantize(blocks >> 4 | blocks << 4, *rest))


def rounded_ramp(network: Transformer) -> None:
    config = network.config
    scaling = config.rope_scaling
    assert scaling is not None

    def pair(rotations: float) -> float:
        turns = scaling.original_context / (rotations * 2 * math.pi)
        return config.head_dim / 2 * math.log(turns) / math.log(config.rope_theta)

    low, high = math.floor(pair(scaling.beta_fast)), math.ceil(pair(scaling.beta_slow))
    periods = config.rope_theta ** (torch.arange(0, config.head_dim, 2) / config.head_dim)
    ramp = ((torch.arange(config.head_dim // 2) - low) / (high - low)).clamp(0, 1)
    network.frequencies = ramp / (scaling.factor * periods) + (1 - ramp) / periods


def no_concentration(network: Transformer) -> None:
    network.concentration = 1.0


def alpha_of_one(network: Transformer) -> None:
    for experts in experts_of(network):
        experts.alpha = 1.0


def no_clamp(network: Transformer) -> None:
    for experts in experts_of(network):
        experts.limit = math.inf


def window_off_by_one(network: Transformer) -> None:
    object.__setattr__(network.config, "sliding_window", network.config.sliding_window + 1)


def windows_on_odd_layers(network: Transformer) -> None:
    layers = network.model.layers
    network.model.layers = torch.nn.ModuleList([layers[1], layers[0], *layers[2:]])


CODE = [no_sinks, interleaved_rope, swapped_gate_and_up, swapped_nibbles]
VALUES = [rounded_ramp, no_concentration, alpha_of_one, no_clamp, window_off_by_one, windows_on_odd_layers]


@torch.inference_mode()
def test_without_a_mistake_the_logits_are_equal(folder: Path, expected: Tensor) -> None:
    torch.testing.assert_close(load(folder).network(ROWS), expected, atol=1e-4, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize("mistake", CODE, ids=lambda mistake: mistake.__name__)
def test_a_mistake_in_the_code_is_seen(
    folder: Path, expected: Tensor, mistake: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    mistake(monkeypatch)
    assert (load(folder).network(ROWS) - expected).abs().max() > 1e-2


@torch.inference_mode()
@pytest.mark.parametrize("mistake", VALUES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_in_a_value_is_seen(folder: Path, expected: Tensor, mistake: Callable[[Transformer], None]) -> None:
    network = load(folder).network
    mistake(network)
    assert (network(ROWS) - expected).abs().max() > 1e-2
