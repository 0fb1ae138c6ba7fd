"""The network against transformers' GptOssForCausalLM, on the same small MXFP4 checkpoint, in float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from cadenza.model import ConfigError, ModelConfig, Sampling, kernels
from cadenza.model.batch import Reading
from cadenza.model.checkpoint import Checkpoint, Reader, convert, load, save
from cadenza.model.engines.torch import TorchEngine
from cadenza.model.layout import Layout
from cadenza.model.sampler import Sampler
from cadenza.model.transformer import Transformer, generate

pytestmark = pytest.mark.filterwarnings("ignore")  # transformers warns of its own deprecations


@pytest.fixture(scope="module", params=["yarn", "plain rope"])
def folder(
    request: Any,
    tmp_path_factory: pytest.TempPathFactory,
    small: Transformer,
    random_network: Callable[..., Transformer],
) -> Path:
    config = small.config if request.param == "yarn" else replace(small.config, rope_scaling=None)
    path = tmp_path_factory.mktemp("checkpoint")
    save(random_network(config), path, experts="mxfp4")
    return path


@pytest.fixture(params=["plain torch", "kernels"])
def computing(request: pytest.FixtureRequest) -> Iterator[None]:
    with nullcontext() if request.param == "kernels" else kernels.using(None):
        yield


@pytest.mark.usefixtures("computing")
@torch.inference_mode()
@pytest.mark.parametrize("layout", ["huggingface", "original"])
def test_logits_of_prompt_and_cached_decode_equal_transformers(folder: Path, layout: Layout, tmp_path: Path) -> None:
    from transformers import GptOssForCausalLM

    reference = GptOssForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    convert(Reader(folder), tmp_path / "converted", layout=layout)
    network = load(tmp_path / "converted").network
    rows = torch.randint(0, 500, (1, 90), generator=torch.Generator().manual_seed(1))
    expected = reference(rows).logits
    assert expected.abs().max() > 1
    torch.testing.assert_close(network(rows), expected, atol=1e-4, rtol=0)
    reader = Reading(network)
    steps = [reader.read(rows[0, :41]), *(reader.read(rows[0, at : at + 1]) for at in range(41, 90))]
    torch.testing.assert_close(torch.cat(steps), expected[0], atol=1e-4, rtol=0)


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


@torch.inference_mode()
def test_logits_beyond_the_original_context_equal_transformers(folder: Path) -> None:
    """A prompt of 4,400 tokens, read in parts: thousands of terms, added up in another order."""
    from transformers import DynamicCache, GptOssForCausalLM

    reference = GptOssForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    network = load(folder).network
    rows = torch.randint(0, 500, (1, 4400), generator=torch.Generator().manual_seed(1))
    reader, theirs = Reading(network), DynamicCache()
    for start in range(0, rows.shape[1], 400):
        part = rows[:, start : start + 400]
        logits = reader.read(part[0])
        expected = reference(part, past_key_values=theirs, cache_position=start + torch.arange(400)).logits
        torch.testing.assert_close(logits, expected[0], atol=3e-4, rtol=0)
    assert expected.abs().max() > 1


@torch.inference_mode()
def test_logits_at_the_end_of_the_longest_context_equal_transformers(folder: Path) -> None:
    """The last 32 of 131,072 positions, after keys and values that are the same for both and were never computed."""
    from transformers import DynamicCache, GptOssForCausalLM

    reference = GptOssForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    network = load(folder).network
    config, start, draw = network.config, 131_040, torch.Generator().manual_seed(1)
    reader, theirs = Reading(network, page=32), DynamicCache()
    assert reader.sequence.make_room(start) == start
    for at in range(config.num_layers):
        slots = [page.slot(near=config.is_sliding(at)) for page in reader.sequence.pages]
        both = [torch.randn(1, config.num_kv_heads, start, config.head_dim, generator=draw) for _ in range(2)]
        for paged, each in zip(reader.cache.layer(at), both, strict=True):
            paged[slots] = each[0].unflatten(1, (-1, 32)).transpose(0, 1)
        theirs.update(*both, at)
    reader.sequence.append([0] * start)
    rows = torch.randint(0, 500, (1, 32), generator=draw)
    expected = reference(rows, past_key_values=theirs, cache_position=start + torch.arange(32)).logits
    assert expected.abs().max() > 1
    torch.testing.assert_close(reader.read(rows[0]), expected[0], atol=1e-4, rtol=0)


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


def test_both_spellings_of_the_configuration_are_one(small: Transformer) -> None:
    released = small.config.to_json()
    newer = {key: value for key, value in released.items() if key not in ("rope_theta", "rope_scaling")}
    newer["rope_parameters"] = {**released["rope_scaling"], "rope_theta": released["rope_theta"]}
    newer["num_experts"] = newer.pop("num_local_experts")
    assert ModelConfig.from_json(newer) == ModelConfig.from_json(released) == small.config
    with pytest.raises(ConfigError, match="hidden_size: missing"):
        ModelConfig.from_json({key: value for key, value in released.items() if key != "hidden_size"})
    with pytest.raises(ConfigError, match="only 'gpt_oss'"):
        ModelConfig.from_json({"model_type": "llama"})


@pytest.mark.anyio
async def test_an_engine_stops_at_stop_ids_and_limits_and_survives_a_closed_stream(small: Transformer) -> None:
    engine = TorchEngine(Checkpoint(small))
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
