"""Checkpoints in the Hugging Face layout, read and written.

A folder holds config.json and either model.safetensors or the shards that model.safetensors.index.json names. Experts
are MXFP4 (`*_blocks`, `*_scales`) or plain. A model that speaks a part of the vocabulary adds `vocabulary.json`:
the token id of each row of its embedding.

Experts are dequantised on loading; the layout's transposition between the two forms happens here and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from . import mxfp4
from .config import ModelConfig
from .errors import CheckpointError, ConfigError
from .sampler import Sampler
from .transformer import Transformer

_INDEX, _SINGLE = "model.safetensors.index.json", "model.safetensors"
_CONFIG, _GENERATION, _IDS = "config.json", "generation_config.json", "vocabulary.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded model.

    ids: the token id of each embedding row; None where rows are the ids themselves.
    sampling: what the model itself asks for, in generation_config.json.
    """

    network: Transformer
    ids: tuple[int, ...] | None = None
    sampling: Sampler = field(default_factory=Sampler)


def load(folder: Path, *, dtype: torch.dtype = torch.float32) -> Checkpoint:
    """Reads a checkpoint. Raises CheckpointError or ConfigError: one line that names file and tensor."""
    raw = _read_json(folder / _CONFIG)
    try:
        config = ModelConfig.from_json(raw)
    except ConfigError as error:
        raise ConfigError(f"{folder / _CONFIG}: {error}") from None
    with torch.device("meta"):
        network = Transformer(config)
    with ExitStack() as stack:
        files = _open_shards(folder, stack)
        for name, slot in list(network.state_dict().items()):
            tensor = _read(files, name, folder).to(dtype)
            if tensor.shape != slot.shape:
                raise CheckpointError(
                    f"{folder}: {name} has shape {list(tensor.shape)}, but the configuration wants {list(slot.shape)}"
                )
            module, _, leaf = name.rpartition(".")
            setattr(network.get_submodule(module), leaf, torch.nn.Parameter(tensor, requires_grad=False))
    return Checkpoint(network.eval(), _read_ids(folder, config), _read_sampling(folder))


def save(
    network: Transformer,
    folder: Path,
    *,
    ids: tuple[int, ...] | None = None,
    dtype: torch.dtype = torch.bfloat16,
    quantized: bool = False,
) -> None:
    """Writes a checkpoint; quantized: experts as MXFP4, as in the releases."""
    folder.mkdir(parents=True, exist_ok=True)
    config = network.config.to_json()
    if quantized:
        kept = ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]
        config["quantization_config"] = {"quant_method": "mxfp4", "modules_to_not_convert": kept}
    (folder / _CONFIG).write_text(json.dumps(config, indent=2) + "\n")
    if ids is not None:
        (folder / _IDS).write_text(json.dumps(list(ids)) + "\n")
    tensors: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        if quantized and name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            tensors[f"{name}_blocks"], tensors[f"{name}_scales"] = mxfp4.quantize(tensor.transpose(1, 2))
        else:
            tensors[name] = tensor.to(dtype)
    contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, folder / _SINGLE, metadata={"format": "pt"})


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file; a checkpoint folder needs it") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read: {error}") from None


def _read_ids(folder: Path, config: ModelConfig) -> tuple[int, ...] | None:
    path = folder / _IDS
    if not path.exists():
        return None
    ids = _read_json(path)
    if not isinstance(ids, list) or len(ids) != config.vocab_size or len(set(ids)) != len(ids):
        raise CheckpointError(f"{path}: must list one distinct token id for each of the {config.vocab_size} rows")
    return tuple(ids)


def _read_sampling(folder: Path) -> Sampler:
    path = folder / _GENERATION
    wanted = _read_json(path) if path.exists() else {}
    if not wanted.get("do_sample", True):
        return Sampler(temperature=0.0)
    return Sampler(temperature=float(wanted.get("temperature", 1.0)), top_p=float(wanted.get("top_p", 1.0)))


def _open_shards(folder: Path, stack: ExitStack) -> Mapping[str, Any]:
    """Tensor name -> the open file that holds it."""
    if (folder / _INDEX).exists():
        shards = sorted(set(_read_json(folder / _INDEX)["weight_map"].values()))
    else:
        shards = [_SINGLE]
    return dict(entry for shard in shards for entry in _open_shard(folder / shard, stack))


def _open_shard(path: Path, stack: ExitStack) -> Iterator[tuple[str, Any]]:
    if not path.exists():
        raise CheckpointError(f"{path}: no such file; the download may be incomplete")
    try:
        opened = stack.enter_context(safe_open(path, framework="pt"))
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a whole safetensors file: {error}") from None
    for name in opened.keys():  # noqa: SIM118 - not a mapping
        yield name, opened


def _read(files: Mapping[str, Any], name: str, folder: Path) -> Tensor:
    """One tensor in the network's form."""
    if name in files:
        plain: Tensor = files[name].get_tensor(name)
        return plain
    blocks, scales = f"{name}_blocks", f"{name}_scales"
    if blocks in files and scales in files:
        dense = mxfp4.dequantize(files[blocks].get_tensor(blocks), files[scales].get_tensor(scales))
        return dense.transpose(1, 2).contiguous()
    raise CheckpointError(f"{folder}: tensor {name} is missing")
