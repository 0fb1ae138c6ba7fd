"""Sizes of a gpt-oss model, and the spellings of its config.json.

The Hugging Face file of the release nests YaRN under `rope_scaling`; transformers 5 writes `rope_parameters`; that of
`original/` is flat and names no type.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class RopeScaling:
    """YaRN (arXiv:2309.00071): the context is `factor` times what was trained on."""

    factor: float
    original_context: int  # positions
    beta_fast: float = 32.0  # rotations over the original context
    beta_slow: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """A gpt-oss network. Even layers attend to a sliding window, odd layers to everything."""

    vocab_size: int  # rows of the embedding
    hidden_size: int
    intermediate_size: int  # of one expert
    num_layers: int
    num_heads: int  # of queries
    num_kv_heads: int
    head_dim: int
    num_experts: int
    experts_per_token: int
    sliding_window: int = 128  # positions visible to a query, itself included
    max_context: int = 131_072  # positions
    rope_theta: float = 150_000.0
    rope_scaling: RopeScaling | None = None
    norm_eps: float = 1e-5
    swiglu_limit: float = 7.0
    swiglu_alpha: float = 1.702

    def __post_init__(self) -> None:
        """Raises ConfigError for sizes that do not go together."""
        if self.experts_per_token > self.num_experts:
            raise ConfigError(f"experts_per_token: {self.experts_per_token}, of {self.num_experts} experts")
        if self.num_heads % self.num_kv_heads:
            raise ConfigError(f"num_key_value_heads: {self.num_kv_heads} do not divide {self.num_heads} heads")
        if self.head_dim % 2:
            raise ConfigError(f"head_dim: {self.head_dim}, but RoPE turns pairs")

    def is_sliding(self, layer: int) -> bool:
        return layer % 2 == 0

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ModelConfig:
        """Reads a config.json of either layout. Raises ConfigError that names the key at fault."""
        if not isinstance(data, Mapping):
            raise ConfigError(f"must be an object, not {type(data).__name__}")
        if cls.is_original(data):
            return cls._from_original(data)
        if data.get("model_type") != "gpt_oss":
            raise ConfigError(f"model_type: {data.get('model_type')!r}, but only 'gpt_oss' is known")

        layers = _whole(data, "num_hidden_layers")
        expected = ["sliding_attention" if layer % 2 == 0 else "full_attention" for layer in range(layers)]
        if (data.get("layer_types") or expected) != expected:
            raise ConfigError("layer_types: gpt-oss alternates sliding_attention and full_attention")
        rope = data.get("rope_parameters") or data.get("rope_scaling") or {}
        if not isinstance(rope, Mapping):
            raise ConfigError(f"rope_scaling: must be an object, not {rope!r}")
        scaling, kind = None, rope.get("rope_type", "default")
        if kind not in ("default", "yarn"):
            raise ConfigError(f"rope_scaling.rope_type: {kind!r}, but gpt-oss has 'yarn' or 'default'")
        if kind == "yarn":
            if rope.get("truncate", False):
                raise ConfigError("rope_scaling.truncate: true is not gpt-oss, which does not round the ramp's ends")
            original = {**data, **rope}
            scaling = RopeScaling(
                factor=_number(rope, "factor"),
                original_context=_whole(original, "original_max_position_embeddings", "initial_context_length"),
                beta_fast=_number(rope, "beta_fast", default=32.0),
                beta_slow=_number(rope, "beta_slow", default=1.0),
            )
        return cls(
            vocab_size=_whole(data, "vocab_size"),
            hidden_size=_whole(data, "hidden_size"),
            intermediate_size=_whole(data, "intermediate_size"),
            num_layers=layers,
            num_heads=_whole(data, "num_attention_heads"),
            num_kv_heads=_whole(data, "num_key_value_heads"),
            head_dim=_whole(data, "head_dim"),
            num_experts=_whole(data, "num_local_experts", "num_experts"),
            experts_per_token=_whole(data, "num_experts_per_tok", "experts_per_token"),
            sliding_window=_whole(data, "sliding_window"),
            max_context=_whole(data, "max_position_embeddings"),
            rope_theta=_number(rope if rope.get("rope_theta") else data, "rope_theta"),
            rope_scaling=scaling,
            norm_eps=_number(data, "rms_norm_eps", default=1e-5),
            swiglu_limit=_number(data, "swiglu_limit", default=7.0),
            swiglu_alpha=_number(data, "swiglu_alpha", default=1.702),
        )

    @staticmethod
    def is_original(data: Mapping[str, Any]) -> bool:
        """Whether this is the flat config.json of `original/`."""
        return "model_type" not in data and "rope_scaling_factor" in data

    @classmethod
    def _from_original(cls, data: Mapping[str, Any]) -> ModelConfig:
        sizes: dict[str, Any] = {field: _FRACTIONS.get(field, _whole)(data, key) for field, key in _ORIGINAL.items()}
        factor = _number(data, "rope_scaling_factor")
        original = _whole({"initial_context_length": 4096, **data}, "initial_context_length")
        scaling = RopeScaling(
            factor=factor,
            original_context=original,
            beta_fast=_number(data, "rope_ntk_beta", default=32.0),
            beta_slow=_number(data, "rope_ntk_alpha", default=1.0),
        )
        context = int(original * max(1.0, factor))
        return cls(**sizes, max_context=context, rope_scaling=scaling if factor > 1 else None)

    def to_original_json(self) -> dict[str, Any]:
        """The config.json of `original/`. Raises ConfigError for what it has no word for."""
        scaling = self.rope_scaling or RopeScaling(factor=1.0, original_context=self.max_context)
        flat = {key: getattr(self, field) for field, key in _ORIGINAL.items()}
        flat["initial_context_length"] = scaling.original_context
        flat["rope_scaling_factor"] = scaling.factor
        flat["rope_ntk_alpha"], flat["rope_ntk_beta"] = scaling.beta_slow, scaling.beta_fast
        if self._from_original(flat) != self:
            raise ConfigError(
                "max_context, norm_eps or swiglu_alpha differ from the release's, and original/ cannot say so"
            )
        return flat

    def to_json(self) -> dict[str, Any]:
        """The config.json of the release, less what only quantised weights need."""
        rope: dict[str, Any] = {"rope_type": "default"}  # left out, transformers would read it as YaRN
        if self.rope_scaling is not None:
            rope = {
                "rope_type": "yarn",
                "factor": self.rope_scaling.factor,
                "beta_fast": self.rope_scaling.beta_fast,
                "beta_slow": self.rope_scaling.beta_slow,
                "original_max_position_embeddings": self.rope_scaling.original_context,
                "truncate": False,
            }
        return {
            "architectures": ["GptOssForCausalLM"],
            "model_type": "gpt_oss",
            "attention_bias": True,
            "attention_dropout": 0.0,
            "experts_per_token": self.experts_per_token,
            "head_dim": self.head_dim,
            "hidden_act": "silu",
            "hidden_size": self.hidden_size,
            "initial_context_length": self.rope_scaling.original_context if self.rope_scaling else self.max_context,
            "intermediate_size": self.intermediate_size,
            "layer_types": [
                "sliding_attention" if self.is_sliding(layer) else "full_attention" for layer in range(self.num_layers)
            ],
            "max_position_embeddings": self.max_context,
            "num_attention_heads": self.num_heads,
            "num_experts_per_tok": self.experts_per_token,
            "num_hidden_layers": self.num_layers,
            "num_key_value_heads": self.num_kv_heads,
            "num_local_experts": self.num_experts,
            "rms_norm_eps": self.norm_eps,
            "rope_scaling": rope,
            "rope_theta": self.rope_theta,
            "sliding_window": self.sliding_window,
            "swiglu_alpha": self.swiglu_alpha,
            "swiglu_limit": self.swiglu_limit,
            "tie_word_embeddings": False,
            "vocab_size": self.vocab_size,
        }


def _number(data: Mapping[str, Any], *keys: str, default: float | None = None) -> float:
    """What the first of some keys holds that is there."""
    key = next((key for key in keys if data.get(key) is not None), keys[0])
    value = data.get(key, default)
    if value is None:
        raise ConfigError(f"{key}: missing")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigError(f"{key}: must be a number above 0, not {value!r}")
    return float(value)


def _whole(data: Mapping[str, Any], *keys: str) -> int:
    value = _number(data, *keys)
    if not value.is_integer():
        raise ConfigError(f"{keys[0]}: must be a whole number, not {value!r}")
    return int(value)


_ORIGINAL: Final = {
    "num_layers": "num_hidden_layers",
    "num_experts": "num_experts",
    "experts_per_token": "experts_per_token",
    "vocab_size": "vocab_size",
    "hidden_size": "hidden_size",
    "intermediate_size": "intermediate_size",
    "swiglu_limit": "swiglu_limit",
    "head_dim": "head_dim",
    "num_heads": "num_attention_heads",
    "num_kv_heads": "num_key_value_heads",
    "sliding_window": "sliding_window",
    "rope_theta": "rope_theta",
}
"""Our fields and the keys of `original/`."""
_FRACTIONS: Final = {"swiglu_limit": _number, "rope_theta": _number}

_YARN = RopeScaling(factor=32.0, original_context=4096)
GPT_OSS_20B = ModelConfig(
    vocab_size=201_088,
    hidden_size=2880,
    intermediate_size=2880,
    num_layers=24,
    num_heads=64,
    num_kv_heads=8,
    head_dim=64,
    num_experts=32,
    experts_per_token=4,
    rope_scaling=_YARN,
)
GPT_OSS_120B = ModelConfig(
    vocab_size=201_088,
    hidden_size=2880,
    intermediate_size=2880,
    num_layers=36,
    num_heads=64,
    num_kv_heads=8,
    head_dim=64,
    num_experts=128,
    experts_per_token=4,
    rope_scaling=_YARN,
)
