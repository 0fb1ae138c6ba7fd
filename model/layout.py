"""What a gpt-oss checkpoint holds and under which names, in both layouts.

- `huggingface`: the folder of a release; queries, keys and values apart.
- `original`: the release's folder `original/`, which OpenAI's own code reads; the three are one, stacked on rows.

Experts are MXFP4 (two tensors of bytes, `_blocks` and `_scales`) or plain. Plain ones lie transposed in the Hugging
Face layout, `[experts, in, out]`; nothing else differs. Everything here speaks Hugging Face names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from .config import ModelConfig
from .errors import ConfigError

Layout: TypeAlias = Literal["huggingface", "original"]
Experts: TypeAlias = Literal["mxfp4", "plain"]

MX_BLOCK: Final = 32  # values that share an exponent


@dataclass(frozen=True, slots=True)
class Slot:
    """A tensor that a checkpoint must hold. packed: bytes of MXFP4, else numbers of any floating type."""

    name: str
    shape: tuple[int, ...]
    packed: bool = False


def slots(config: ModelConfig, experts: Experts) -> Iterator[Slot]:
    """Every tensor, in the order of the network. Raises ConfigError for sizes that MXFP4 cannot hold."""
    if experts == "mxfp4" and (config.hidden_size % MX_BLOCK or config.intermediate_size % MX_BLOCK):
        raise ConfigError(f"hidden_size and intermediate_size must be multiples of {MX_BLOCK} for experts in MXFP4")
    hidden, inner = config.hidden_size, config.intermediate_size
    queries, keys = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    yield Slot("model.embed_tokens.weight", (config.vocab_size, hidden))
    for at in range(config.num_layers):
        layer = f"model.layers.{at}"
        yield Slot(f"{layer}.input_layernorm.weight", (hidden,))
        for name, rows, columns in (("q", queries, hidden), ("k", keys, hidden), ("v", keys, hidden)):
            yield Slot(f"{layer}.self_attn.{name}_proj.weight", (rows, columns))
            yield Slot(f"{layer}.self_attn.{name}_proj.bias", (rows,))
        yield Slot(f"{layer}.self_attn.o_proj.weight", (hidden, queries))
        yield Slot(f"{layer}.self_attn.o_proj.bias", (hidden,))
        yield Slot(f"{layer}.self_attn.sinks", (config.num_heads,))
        yield Slot(f"{layer}.post_attention_layernorm.weight", (hidden,))
        yield Slot(f"{layer}.mlp.router.weight", (config.num_experts, hidden))
        yield Slot(f"{layer}.mlp.router.bias", (config.num_experts,))
        for name, rows, columns in (("gate_up", 2 * inner, hidden), ("down", hidden, inner)):
            matrix = f"{layer}.mlp.experts.{name}_proj"
            if experts == "mxfp4":
                groups = columns // MX_BLOCK
                yield Slot(f"{matrix}_blocks", (config.num_experts, rows, groups, MX_BLOCK // 2), packed=True)
                yield Slot(f"{matrix}_scales", (config.num_experts, rows, groups), packed=True)
            else:
                yield Slot(matrix, (config.num_experts, columns, rows))
            yield Slot(f"{matrix}_bias", (config.num_experts, rows))
    yield Slot("model.norm.weight", (hidden,))
    yield Slot("lm_head.weight", (config.vocab_size, hidden))


_WHOLE: Final = {
    "model.embed_tokens.weight": "embedding.weight",
    "model.norm.weight": "norm.scale",
    "lm_head.weight": "unembedding.weight",
}
_IN_BLOCK: Final = {
    "input_layernorm.weight": "attn.norm.scale",
    "self_attn.q_proj.weight": "attn.qkv.weight",
    "self_attn.k_proj.weight": "attn.qkv.weight",
    "self_attn.v_proj.weight": "attn.qkv.weight",
    "self_attn.q_proj.bias": "attn.qkv.bias",
    "self_attn.k_proj.bias": "attn.qkv.bias",
    "self_attn.v_proj.bias": "attn.qkv.bias",
    "self_attn.o_proj.weight": "attn.out.weight",
    "self_attn.o_proj.bias": "attn.out.bias",
    "self_attn.sinks": "attn.sinks",
    "post_attention_layernorm.weight": "mlp.norm.scale",
    "mlp.router.weight": "mlp.gate.weight",
    "mlp.router.bias": "mlp.gate.bias",
    "mlp.experts.gate_up_proj": "mlp.mlp1_weight",
    "mlp.experts.gate_up_proj_blocks": "mlp.mlp1_weight.blocks",
    "mlp.experts.gate_up_proj_scales": "mlp.mlp1_weight.scales",
    "mlp.experts.gate_up_proj_bias": "mlp.mlp1_bias",
    "mlp.experts.down_proj": "mlp.mlp2_weight",
    "mlp.experts.down_proj_blocks": "mlp.mlp2_weight.blocks",
    "mlp.experts.down_proj_scales": "mlp.mlp2_weight.scales",
    "mlp.experts.down_proj_bias": "mlp.mlp2_bias",
}


def original_name(name: str) -> str:
    """The tensor of `original/` that holds a Hugging Face one."""
    found = re.fullmatch(r"model\.layers\.(\d+)\.(.+)", name)
    return _WHOLE[name] if found is None else f"block.{found[1]}.{_IN_BLOCK[found[2]]}"


def original_parts(held: Iterable[Slot]) -> Mapping[str, tuple[Slot, ...]]:
    """Each tensor of `original/`, and what it holds, stacked on rows."""
    parts: dict[str, tuple[Slot, ...]] = {}
    for slot in held:
        name = original_name(slot.name)
        parts[name] = (*parts.get(name, ()), slot)
    return parts


def is_plain_experts(slot: Slot) -> bool:
    """Whether the two layouts hold it transposed."""
    return slot.name.endswith(("experts.gate_up_proj", "experts.down_proj"))
