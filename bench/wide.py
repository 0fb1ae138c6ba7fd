"""Checkpoints of gpt-oss' true width with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from cadenza.model import ModelConfig
from cadenza.model.layout import slots


def write(folder: Path, config: ModelConfig) -> None:
    """A checkpoint with random weights, a shard for each layer; nothing where it is there already."""
    if (folder / "config.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(0)
    shards: dict[str, dict[str, torch.Tensor]] = {}
    for slot in slots(config, "mxfp4"):
        shard = shards.setdefault(slot.name.split(".")[2] if ".layers." in slot.name else "rest", {})
        if slot.name.endswith("_scales"):
            made = torch.randint(117, 123, slot.shape, dtype=torch.uint8, generator=generator)
        elif slot.packed:
            made = torch.randint(0, 256, slot.shape, dtype=torch.uint8, generator=generator)
        elif "norm" in slot.name:
            made = torch.ones(slot.shape, dtype=torch.bfloat16)
        else:
            made = torch.empty(slot.shape, dtype=torch.bfloat16).normal_(0, 0.02, generator=generator)
        shard[slot.name] = made
        if slot.name.endswith("mlp.experts.down_proj_bias"):
            name = slot.name.split(".")[2]
            save_file(shards.pop(name), folder / f"layer-{name}.safetensors", metadata={"format": "pt"})
    save_file(shards["rest"], folder / "rest.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config.to_json()))
