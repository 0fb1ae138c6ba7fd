"""The network against transformers' GptOssForCausalLM, on the same small MXFP4 checkpoint, in float32."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from cadenza.model import CheckpointError, ConfigError, ModelConfig, RopeScaling, Sampling
from cadenza.model.cache import KVCache
from cadenza.model.checkpoint import Checkpoint, load, save
from cadenza.model.engines.torch import TorchEngine
from cadenza.model.sampler import Sampler
from cadenza.model.transformer import Transformer, generate

pytestmark = pytest.mark.filterwarnings("ignore")  # transformers warns of its own deprecations

CONFIG = ModelConfig(
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


def random_network(config: ModelConfig) -> Transformer:
    torch.manual_seed(0)
    network = Transformer(config)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return network


@pytest.fixture(scope="module", params=["yarn", "plain rope"])
def folder(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = CONFIG if request.param == "yarn" else replace(CONFIG, rope_scaling=None)
    path = tmp_path_factory.mktemp("checkpoint")
    save(random_network(config), path, quantized=True)
    return path


@torch.inference_mode()
def test_logits_of_prompt_and_cached_decode_equal_transformers(folder: Path) -> None:
    from transformers import GptOssForCausalLM

    reference = GptOssForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    network = load(folder).network
    rows = torch.randint(0, 500, (1, 90), generator=torch.Generator().manual_seed(1))
    expected = reference(rows).logits
    assert expected.abs().max() > 1
    torch.testing.assert_close(network(rows), expected, atol=1e-4, rtol=0)
    cache = KVCache(network.config)
    steps = [network(rows[:, :41], caches=cache.layers)]
    steps += [network(rows[:, at : at + 1], caches=cache.layers, start=at) for at in range(41, 90)]
    torch.testing.assert_close(torch.cat(steps, dim=1), expected, atol=1e-4, rtol=0)


@torch.inference_mode()
def test_positions_far_beyond_the_original_context_equal_transformers(folder: Path) -> None:
    from transformers import GptOssForCausalLM

    rotary = GptOssForCausalLM.from_pretrained(folder, dtype=torch.float32).model.rotary_emb
    network = load(folder).network
    positions = torch.tensor([[0, 1, 4095, 4096, 30_000, 131_071]])
    cos, sin = rotary(torch.zeros(1), positions)
    angles = positions[0, :, None].float() * network.frequencies
    torch.testing.assert_close(angles.cos() * network.concentration, cos[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(angles.sin() * network.concentration, sin[0], atol=1e-4, rtol=0)


@pytest.mark.anyio
@pytest.mark.parametrize("temperature", [0.0, 1.0])
async def test_the_engine_samples_what_the_naive_reference_samples(folder: Path, temperature: float) -> None:
    network = load(folder).network
    sampler = Sampler(temperature=temperature, top_p=0.9, seed=3)
    engine = TorchEngine(Checkpoint(network))
    sampling = Sampling(temperature=temperature, top_p=0.9, seed=3)
    for prompt in ([5, 6, 7], [5, 6, 7, 8, 9], [1]):  # the second shares a prefix with the first
        naive = generate(
            network, prompt, pick=lambda logits, at: sampler.pick(logits, at)[0], stop=frozenset(), limit=25
        )
        stream = engine.generate(prompt, sampling, stop=frozenset(), limit=25)
        assert [token.id async for token in stream] == naive


def test_a_plain_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    network = random_network(CONFIG)
    save(network, tmp_path, dtype=torch.float32)
    again = load(tmp_path).network
    assert again.config == CONFIG
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_both_spellings_of_the_configuration_are_one() -> None:
    released = CONFIG.to_json()
    newer = {key: value for key, value in released.items() if key not in ("rope_theta", "rope_scaling")}
    newer["rope_parameters"] = {**released["rope_scaling"], "rope_theta": released["rope_theta"]}
    newer["num_experts"] = newer.pop("num_local_experts")
    assert ModelConfig.from_json(newer) == ModelConfig.from_json(released) == CONFIG
    with pytest.raises(ConfigError, match="hidden_size: missing"):
        ModelConfig.from_json({key: value for key, value in released.items() if key != "hidden_size"})
    with pytest.raises(ConfigError, match="only 'gpt_oss'"):
        ModelConfig.from_json({"model_type": "llama"})


def test_a_broken_checkpoint_is_one_line_that_names_file_and_tensor(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json: no such file"):
        load(tmp_path)
    save(random_network(CONFIG), tmp_path)
    whole = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[:-100])
    with pytest.raises(CheckpointError, match=r"model\.safetensors: not a whole"):
        load(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors: no such file"):
        load(tmp_path)
    save(random_network(replace(CONFIG, vocab_size=400)), tmp_path)
    config = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(config.replace('"vocab_size": 400', '"vocab_size": 401'))
    with pytest.raises(CheckpointError, match=r"embed_tokens\.weight has shape \[400, 64\]"):
        load(tmp_path)


@pytest.mark.anyio
async def test_an_engine_stops_at_stop_ids_and_limits_and_survives_a_closed_stream() -> None:
    engine = TorchEngine(Checkpoint(random_network(CONFIG).eval()))
    greedy = Sampling(temperature=0.0)
    ids = [token.id async for token in engine.generate([1, 2], greedy, stop=frozenset(), limit=6)]
    stream = engine.generate([1, 2], greedy, stop=frozenset(), limit=6)
    assert (await anext(stream)).id == ids[0]
    await stream.aclose()
    stopped = [token.id async for token in engine.generate([1, 2], greedy, stop=frozenset({ids[2]}), limit=6)]
    assert stopped == ids[: ids.index(ids[2]) + 1]


def test_top_p_keeps_the_least_likely_rows_out_and_seeds_repeat() -> None:
    logits = torch.tensor([4.0, 3.0, 0.0, -1.0])
    sampler = Sampler(top_p=0.7, seed=1)
    picks = [sampler.pick(logits, at)[0] for at in range(200)]
    assert set(picks) == {0}
    wide = [Sampler(seed=1).pick(logits, at)[0] for at in range(2000)]
    assert wide == [Sampler(seed=1).pick(logits, at)[0] for at in range(2000)]
    share = torch.tensor(wide).bincount(minlength=4) / 2000
    torch.testing.assert_close(share, logits.softmax(-1), atol=0.03, rtol=0)
