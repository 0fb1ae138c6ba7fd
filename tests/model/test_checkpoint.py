"""Checkpoints of both layouts: what is written comes back, and what is broken is one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from cadenza.model import GPT_OSS_20B, CheckpointError, ConfigError, ModelConfig, kernels
from cadenza.model.checkpoint import Reader, convert, load, save
from cadenza.model.engines.torch import TorchEngine
from cadenza.model.layout import Experts, Layout, original_parts, slots
from cadenza.model.transformer import Transformer


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return {name: tensor for path in folder.glob("*.safetensors") for name, tensor in load_file(path).items()}


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.parametrize("layout", ["huggingface", "original"])
def test_a_network_comes_back_as_it_was(small: Transformer, tmp_path: Path, layout: Layout) -> None:
    save(small, tmp_path, dtype=torch.float32, layout=layout)
    again = load(tmp_path).network
    assert again.config == small.config
    assert same(small.state_dict(), again.state_dict())


@pytest.mark.parametrize("experts", ["mxfp4", "plain"])
def test_converted_there_and_back_every_bit_is_the_same(small: Transformer, tmp_path: Path, experts: Experts) -> None:
    save(small, tmp_path / "a", experts=experts, ids=tuple(range(500)))
    convert(Reader(tmp_path / "a"), tmp_path / "b", layout="original", shard_bytes=40_000)
    convert(Reader(tmp_path / "b"), tmp_path / "c")
    assert len(list((tmp_path / "b").glob("*.safetensors"))) > 2
    assert set(tensors(tmp_path / "b")) == set(original_parts(slots(small.config, experts)))
    assert same(tensors(tmp_path / "a"), tensors(tmp_path / "c"))
    assert Reader(tmp_path / "c").ids == tuple(range(500))
    assert (tmp_path / "a" / "config.json").read_text() == (tmp_path / "c" / "config.json").read_text()


def test_what_config_json_says_beyond_the_sizes_is_kept(small: Transformer, tmp_path: Path) -> None:
    save(small, tmp_path / "a", experts="mxfp4")
    told = json.loads((tmp_path / "a" / "config.json").read_text()) | {"eos_token_id": 200002}
    (tmp_path / "a" / "config.json").write_text(json.dumps(told))
    convert(Reader(tmp_path / "a"), tmp_path / "b", experts="plain")
    kept = json.loads((tmp_path / "b" / "config.json").read_text())
    assert (kept["eos_token_id"], "quantization_config" in kept) == (200002, False)


def test_sizes_that_experts_cannot_be_packed_in_are_refused(
    random_network: Callable[..., Transformer], small: Transformer, tmp_path: Path
) -> None:
    save(random_network(replace(small.config, intermediate_size=40)), tmp_path / "a")
    with pytest.raises(ConfigError, match="multiples of 32"):
        convert(Reader(tmp_path / "a"), tmp_path / "b", experts="mxfp4")
    assert not (tmp_path / "b").exists()


def test_what_the_original_layout_cannot_say_is_refused_before_there_is_a_folder(
    random_network: Callable[..., Transformer], small: Transformer, tmp_path: Path
) -> None:
    save(random_network(replace(small.config, norm_eps=1e-4)), tmp_path / "a")
    with pytest.raises(ConfigError, match=r"original/ cannot say so"):
        convert(Reader(tmp_path / "a"), tmp_path / "b", layout="original")
    assert not (tmp_path / "b").exists()


def test_unpacked_and_packed_again_experts_are_the_same(small: Transformer, tmp_path: Path) -> None:
    save(small, tmp_path / "a", experts="mxfp4")
    convert(Reader(tmp_path / "a"), tmp_path / "b", experts="plain")
    convert(Reader(tmp_path / "b"), tmp_path / "c", experts="mxfp4")
    assert Reader(tmp_path / "b").experts == "plain"
    assert same(tensors(tmp_path / "a"), tensors(tmp_path / "c"))


@torch.inference_mode()
@pytest.mark.parametrize("layout", ["huggingface", "original"])
def test_experts_that_stay_packed_compute_the_same(small: Transformer, tmp_path: Path, layout: Layout) -> None:
    save(small, tmp_path, experts="mxfp4", layout=layout)
    packed, unpacked = load(tmp_path, dtype=None).network, load(tmp_path, dtype=torch.bfloat16).network
    assert packed.model.layers[0].mlp.experts.get_parameter("down_proj_blocks").dtype == torch.uint8
    rows = torch.randint(0, 500, (1, 40), generator=torch.Generator().manual_seed(1))
    with kernels.using(None):
        assert torch.equal(packed(rows), unpacked(rows))
    wanted = unpacked(rows)
    assert (packed(rows) - wanted).norm() < 1e-3 * wanted.norm()  # four layers magnify what the experts round


def test_the_release_has_the_tensors_that_are_known_of_it() -> None:
    found = {slot.name: slot.shape for slot in slots(GPT_OSS_20B, "mxfp4")}
    assert len(found) == 3 + 19 * 24
    assert found["model.layers.23.mlp.experts.gate_up_proj_blocks"] == (32, 5760, 90, 16)
    assert found["model.layers.0.self_attn.k_proj.weight"] == (512, 2880)
    fused = original_parts(slots(GPT_OSS_20B, "mxfp4"))["block.0.attn.qkv.weight"]
    assert sum(part.shape[0] for part in fused) == 5120


def test_the_original_configuration_is_the_same_model(small: Transformer) -> None:
    flat = GPT_OSS_20B.to_original_json()
    assert flat["rope_scaling_factor"] == 32.0
    assert flat["initial_context_length"] == 4096
    assert ModelConfig.from_json(flat) == GPT_OSS_20B
    with pytest.raises(ConfigError, match="num_experts: missing"):
        ModelConfig.from_json({key: value for key, value in flat.items() if key != "num_experts"})
    with pytest.raises(ConfigError, match="original/ cannot say so"):
        replace(small.config, norm_eps=1e-6).to_original_json()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"num_hidden_layers": "x"}, "num_hidden_layers: must be a number above 0, not 'x'"),
        ({"hidden_size": 0}, "hidden_size: must be a number above 0, not 0"),
        ({"vocab_size": 1.5}, "vocab_size: must be a whole number, not 1.5"),
        ({"rms_norm_eps": True}, "rms_norm_eps: must be a number above 0, not True"),
        ({"rope_scaling": "yarn"}, "rope_scaling: must be an object, not 'yarn'"),
        ({"rope_scaling": {"rope_type": "yarn"}}, "factor: missing"),
        ({"rope_scaling": {"rope_type": "linear", "factor": 2}}, "rope_scaling.rope_type: 'linear', but gpt-oss has"),
        ({"num_experts_per_tok": 99}, "experts_per_token: 99, of 32 experts"),
        ({"num_key_value_heads": 7}, "num_key_value_heads: 7 do not divide 64 heads"),
        ({"head_dim": 63}, "head_dim: 63"),
    ],
)
def test_a_configuration_that_is_none_is_one_line_that_names_the_key(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=f"^{said}"):
        ModelConfig.from_json({**GPT_OSS_20B.to_json(), **fields})


def _change(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        (path,) = folder.glob("*.safetensors")
        held = load_file(path)
        change(held)
        save_file(held, path)

    return changed


BLOCKS = "model.layers.0.mlp.experts.down_proj_blocks"


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (lambda folder: (folder / "config.json").unlink(), r"config\.json: no such file"),
        (lambda folder: (folder / "config.json").write_text("[]"), r"config\.json: must be an object"),
        (lambda folder: (folder / "model.safetensors").unlink(), r"model\.safetensors: no such file; the download may"),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"\x00" * 100),
            r"model\.safetensors: not a whole safetensors file",
        ),
        (
            lambda folder: (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-9]),
            r"model\.safetensors: not a whole safetensors file",
        ),
        (lambda folder: (folder / "vocabulary.json").write_text("[1, 2]"), r"vocabulary\.json: must list one distinct"),
        (
            lambda folder: (folder / "vocabulary.json").write_text(json.dumps([*range(499), 201_089])),
            r"vocabulary\.json: must list one distinct id of o200k_harmony for each of the 500 rows",
        ),
        (lambda folder: (folder / "generation_config.json").write_text("[]"), r"generation_config\.json: must be an"),
        (
            lambda folder: (folder / "generation_config.json").write_text('{"top_p": 0}'),
            r"generation_config\.json: top_p: must be above 0 and at most 1, not 0",
        ),
        (
            lambda folder: (folder / "generation_config.json").write_text('{"temperature": NaN}'),
            r"generation_config\.json: temperature: must be a number from 0 on, not nan",
        ),
        (lambda folder: (folder / "config.json").write_text("[" * 100_000), r"config\.json: cannot be read"),
        (
            lambda folder: (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../b"}}'),
            r"index\.json: weight_map must name a file of this folder",
        ),
        (
            lambda folder: (folder / "model.safetensors.index.json").write_text(
                '{"weight_map": {"a": "b.safetensors"}}'
            ),
            r"b\.safetensors: no such file; the download may be incomplete",
        ),
        (_change(lambda held: held.pop("lm_head.weight")), "tensor lm_head.weight is missing"),
        (
            _change(lambda held: held.update({"model.norm.weight": torch.zeros(63)})),
            r"model\.safetensors: model\.norm\.weight has shape \[63\], but the configuration wants \[64\]",
        ),
        (
            _change(lambda held: held.update({BLOCKS: held[BLOCKS].float()})),
            r"model\.safetensors: .*down_proj_blocks holds F32, but must hold U8",
        ),
        (
            _change(lambda held: held.update({BLOCKS: held[BLOCKS].int()})),
            r"model\.safetensors: .*down_proj_blocks holds I32, but must hold U8",
        ),
        (
            _change(lambda held: held.update({"model.norm.weight": torch.zeros(64, dtype=torch.uint8)})),
            r"model\.norm\.weight holds U8, but must hold a floating type",
        ),
    ],
)
def test_a_broken_checkpoint_is_one_line_that_names_file_and_tensor(
    small: Transformer, tmp_path: Path, breaks: Callable[[Path], object], said: str
) -> None:
    save(small, tmp_path, experts="mxfp4")
    breaks(tmp_path)
    with pytest.raises((CheckpointError, ConfigError), match=said) as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_vocabulary_that_cannot_write_every_byte_is_one_line_that_names_the_file(
    small: Transformer, tmp_path: Path
) -> None:
    save(small, tmp_path, ids=tuple(range(100, 600)))
    with pytest.raises(CheckpointError, match=r"vocabulary\.json: a vocabulary needs all 256 single bytes"):
        TorchEngine.load(tmp_path)


def test_what_was_cut_short_while_it_was_written_is_no_checkpoint(small: Transformer, tmp_path: Path) -> None:
    save(small, tmp_path / "a")

    class StopError(Exception):
        pass

    def stop(name: str) -> None:
        if name == "model.layers.2.self_attn.sinks":
            raise StopError

    with pytest.raises(StopError):
        convert(Reader(tmp_path / "a"), tmp_path / "b", progress=stop, shard_bytes=40_000)
    with pytest.raises(CheckpointError, match=r"config\.json: no such file"):
        load(tmp_path / "b")
    with pytest.raises(CheckpointError, match="not empty"):
        convert(Reader(tmp_path / "a"), tmp_path / "b")
    assert json.loads((tmp_path / "a" / "config.json").read_text())["model_type"] == "gpt_oss"
