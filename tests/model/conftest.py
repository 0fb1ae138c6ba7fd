"""Small gpt-oss networks with random weights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from cadenza.model import ModelConfig, RopeScaling
from cadenza.model.transformer import Transformer

collect_ignore = ["test_neon.py"]  # unless it is named: `make test-neon`

_CONFIG = ModelConfig(
    vocab_size=500,
    hidden_size=64,
    intermediate_size=96,
    num_layers=4,
    num_heads=4,
    num_kv_heads=2,
    head_dim=32,
    num_experts=4,
    experts_per_token=2,
    sliding_window=16,
    rope_scaling=RopeScaling(factor=32.0, original_context=4096),
)


def _random_network(config: ModelConfig = _CONFIG) -> Transformer:
    torch.manual_seed(0)
    network = Transformer(config)
    for name, parameter in network.named_parameters():
        torch.nn.init.normal_(
            parameter, mean=1.0 if "norm" in name else 0.0, std=0.1 if "head" in name or "embed" in name else 0.3
        )
    return network.eval()


@pytest.fixture(scope="session")
def random_network() -> Callable[..., Transformer]:
    """Makes a network, of a small configuration unless another one is given."""
    return _random_network


@pytest.fixture(scope="session")
def small(random_network: Callable[..., Transformer]) -> Transformer:
    """A small network that nobody changes."""
    return random_network()
