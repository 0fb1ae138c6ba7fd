"""Sizes of a gpt-oss model, and the spellings of its config.json.

The Hugging Face file of the release nests YaRN under `rope_scaling`; transformers 5 writes `rope_parameters`; that of
`original/` is flat and names no type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

        def need(*keys: str) -> Any:
            for key in keys:
                if data.get(key) is not None:
                    return data[key]
            raise ConfigError(f"{keys[0]}: missing")

        layers = int(need("num_hidden_layers"))
        expected = ["sliding_attention" if layer % 2 == 0 else "full_attention" for layer in range(layers)]
        if (data.get("layer_types") or expected) != expected:
            raise ConfigError("layer_types: gpt-oss alternates sliding_attention and full_attention")
        rope = data.get("rope_parameters") or data.get("rope_scaling") or {}
        scaling = None
        if rope.get("rope_type", "default") == "yarn":
            if rope.get("truncate", False):
                raise ConfigError("rope_scaling.truncate: true is not gpt-oss, which does not round the ramp's ends")
            original = rope.get("original_max_position_embeddings") or need("initial_context_length")
            scaling = RopeScaling(
                factor=float(rope["factor"]),
                original_context=int(original),
                beta_fast=float(rope.get("beta_fast", 32.0)),
                beta_slow=float(rope.get("beta_slow", 1.0)),
            )
        try:
            return cls(
                vocab_size=int(need("vocab_size")),
                hidden_size=int(need("hidden_size")),
                intermediate_size=int(need("intermediate_size")),
                num_layers=layers,
                num_heads=int(need("num_attention_heads")),
                num_kv_heads=int(need("num_key_value_heads")),
                head_dim=int(need("head_dim")),
                num_experts=int(need("num_local_experts", "num_experts")),
                experts_per_token=int(need("num_experts_per_tok", "experts_per_token")),
                sliding_window=int(need("sliding_window")),
                max_context=int(need("max_position_embeddings")),
                rope_theta=float(rope.get("rope_theta") or need("rope_theta")),
                rope_scaling=scaling,
                norm_eps=float(data.get("rms_norm_eps", 1e-5)),
                swiglu_limit=float(data.get("swiglu_limit", 7.0)),
                swiglu_alpha=float(data.get("swiglu_alpha", 1.702)),
            )
        except (TypeError, ValueError) as error:
            raise ConfigError(str(error)) from None

    @staticmethod
    def is_original(data: Mapping[str, Any]) -> bool:
        """Whether this is the flat config.json of `original/`."""
        return "model_type" not in data and "rope_scaling_factor" in data

    @classmethod
    def _from_original(cls, data: Mapping[str, Any]) -> ModelConfig:
        missing = [key for key in _ORIGINAL.values() if key not in data]
        if missing:
            raise ConfigError(f"{missing[0]}: missing")
        try:
            sizes = {field: _FRACTIONS.get(field, int)(data[key]) for field, key in _ORIGINAL.items()}
            factor, original = float(data["rope_scaling_factor"]), int(data.get("initial_context_length", 4096))
            scaling = RopeScaling(
                factor=factor,
                original_context=original,
                beta_fast=float(data.get("rope_ntk_beta", 32.0)),
                beta_slow=float(data.get("rope_ntk_alpha", 1.0)),
            )
            context = int(original * max(1.0, factor))
            return cls(**sizes, max_context=context, rope_scaling=scaling if factor > 1 else None)
        except (TypeError, ValueError) as error:
            raise ConfigError(str(error)) from None

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
_FRACTIONS: Final[Mapping[str, Callable[[Any], Any]]] = {"swiglu_limit": float, "rope_theta": float}

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
