"""gpt-oss, readable top to bottom.

- pre-norm transformer: RMSNorm computed in float32, no final soft-cap, untied embeddings
- grouped-query attention with biases; even layers see a sliding window, odd layers everything
- one learned sink logit per head: it takes part in the softmax and brings no value
- RoPE on half-split pairs, stretched by YaRN without rounding the ramp's ends
- mixture of experts: top-k on the router's logits, softmax over the chosen ones; clamped SwiGLU
- parameter names are those of the Hugging Face checkpoint, experts in its unquantised form
- `linear`, `attend` and `Experts` hand over to `kernels` where these can take it, and say the same in plain torch

Sources: openai/gpt-oss `gpt_oss/torch/model.py`, transformers' `models/gpt_oss`, YaRN (arXiv:2309.00071).
The network knows nothing of tokenization, sampling or packing; `generate` stays as the naive reference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import kernels, mxfp4
from .config import ModelConfig
from .layout import MX_BLOCK

_PART = 8192  # rows of weights that are converted at a time


class LayerCache(Protocol):
    """Keys and values of one layer."""

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, sinks: Tensor) -> Tensor:
        """Keeps new keys and values; what their queries get from all there are: `attend`, with its shapes."""


@dataclass(frozen=True)
class Visible:
    """Which keys a query sees: those up to its own position, the last `window` of them. Queries stand at the end."""

    queries: int
    keys: int
    window: int | None
    device: torch.device

    @cached_property
    def mask(self) -> Tensor:
        """`[queries, keys]`, 0 where visible, else -inf."""
        keys = torch.arange(self.keys, device=self.device)
        distance = keys[-self.queries :, None] - keys
        hidden = distance < 0 if self.window is None else (distance < 0) | (distance >= self.window)
        return torch.zeros(hidden.shape, device=self.device).masked_fill(hidden, -math.inf)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`[..., in]` -> `[..., out]`, computed in the type of x whatever that of the weights."""
    if weight.dtype == x.dtype:
        return F.linear(x, weight, bias)
    if weight.dtype == torch.bfloat16 and kernels.take(x):
        return kernels.linear(x, weight, bias)
    # By parts: a whole lm_head in float32 would be two gigabytes.
    out = torch.cat([F.linear(x, part.to(x.dtype)) for part in torch.split(weight, _PART)], dim=-1)
    return out if bias is None else out + bias.to(x.dtype)


class Linear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


class RMSNorm(nn.Module):
    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return (wide * self.weight.float()).to(x.dtype)


def rope_frequencies(config: ModelConfig) -> tuple[Tensor, float]:
    """Angles per position of each pair `[head_dim / 2]` in radians, and the factor on cosines and sines."""
    # In float32 like the reference: at position 131,071 a last bit of a frequency is 1e-4 of a rotation.
    periods = config.rope_theta ** (torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim)
    scaling = config.rope_scaling
    if scaling is None or scaling.factor <= 1:
        return 1.0 / periods, 1.0

    def pair_turning(rotations: float) -> float:
        """The (fractional) pair that turns so often over the original context."""
        ratio = scaling.original_context / (rotations * 2 * math.pi)
        return config.head_dim / 2 * math.log(ratio) / math.log(config.rope_theta)

    low, high = pair_turning(scaling.beta_fast), pair_turning(scaling.beta_slow)
    ramp = ((torch.arange(config.head_dim // 2, dtype=torch.float32) - low) / (high - low)).clamp(0, 1)
    blended = 1.0 / (scaling.factor * periods) * ramp + 1.0 / periods * (1 - ramp)
    return blended, 0.1 * math.log(scaling.factor) + 1.0


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoPE. x: `[batch, heads, time, head_dim]`; cos, sin: `[time, head_dim / 2]` in float32."""
    first, second = x.float().chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1).to(x.dtype)


def attend(queries: Tensor, keys: Tensor, values: Tensor, sinks: Tensor, visible: Visible) -> Tensor:
    """Scaled dot-product attention with sinks; `[batch, heads, time, head_dim]` throughout, fewer heads in keys.

    A sink is one more key that brings a zero value. Every query gets a component of 1 and the sink's key has
    sink / scale there, so that the fused kernel computes its logit (and its gradient) like any other.
    """
    batch, heads, time, head_dim = queries.shape
    scale = head_dim**-0.5
    if head_dim % 16 == 0 and kernels.take(queries):
        flat, runs = queries.transpose(1, 2).flatten(0, 1), kernels.Runs.contiguous(batch, time, keys.shape[2])
        mixed = kernels.attention(flat, keys, values, sinks, visible.window, scale, runs)
        return mixed.view(batch, time, heads, head_dim).transpose(1, 2)
    group = heads // keys.shape[1]
    sink_keys = F.pad((sinks.to(queries.dtype) / scale).view(1, heads, 1, 1), (head_dim, 0))
    keys = F.pad(keys, (0, 1)).repeat_interleave(group, dim=1)
    keys = torch.cat((sink_keys.expand(batch, -1, -1, -1), keys), dim=2)
    values = F.pad(values, (0, 1, 1, 0)).repeat_interleave(group, dim=1)
    queries = torch.cat((queries, torch.ones_like(queries[..., :1])), dim=-1)
    mask = F.pad(visible.mask, (1, 0)).to(queries.dtype)
    return F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, scale=scale)[..., :head_dim]


class Attention(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        queries, keys = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
        self.q_proj = Linear(config.hidden_size, queries)
        self.k_proj = Linear(config.hidden_size, keys)
        self.v_proj = Linear(config.hidden_size, keys)
        self.o_proj = Linear(queries, config.hidden_size)
        self.sinks = nn.Parameter(torch.zeros(config.num_heads))

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], past: Visible | LayerCache) -> Tensor:
        """x: `[batch, time, hidden]`."""
        batch, time, _ = x.shape

        def heads(projected: Tensor) -> Tensor:
            return projected.view(batch, time, -1, self.config.head_dim).transpose(1, 2)

        queries = rotate(heads(self.q_proj(x)), *rope)
        keys, values = rotate(heads(self.k_proj(x)), *rope), heads(self.v_proj(x))
        if isinstance(past, Visible):
            mixed = attend(queries, keys, values, self.sinks, past)
        else:
            mixed = past.attend(queries, keys, values, self.sinks)
        mixed = mixed.transpose(1, 2).reshape(batch, time, -1)
        projected: Tensor = self.o_proj(mixed)
        return projected


class Router(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.top_k = config.experts_per_token
        self.weight = nn.Parameter(torch.zeros(config.num_experts, config.hidden_size))
        self.bias = nn.Parameter(torch.zeros(config.num_experts))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x: `[tokens, hidden]` -> weights and experts `[tokens, top_k]`, all logits `[tokens, experts]`."""
        logits = linear(x, self.weight, self.bias)
        top, experts = logits.topk(self.top_k, dim=-1)
        return top.softmax(-1), experts, logits


class Packed(Sequence[Tensor]):
    """Matrices `[in, out]` of experts in MXFP4, each unpacked when it is asked for."""

    def __init__(self, blocks: Tensor, scales: Tensor, dtype: torch.dtype) -> None:
        self._blocks, self._scales, self._dtype = blocks, scales, dtype

    def __len__(self) -> int:
        return len(self._blocks)

    def __getitem__(self, at: Any) -> Any:
        return mxfp4.dequantize(self._blocks[at], self._scales[at], self._dtype).mT


class Experts(nn.Module):
    """gate_up_proj `[experts, hidden, 2 * intermediate]` interleaves gates (even) and ups (odd).

    packed: the matrices are MXFP4 as stored, blocks and scales; the rest of the network does not see a difference.
    """

    gate_up_proj_bias: nn.Parameter
    down_proj_bias: nn.Parameter

    def __init__(self, config: ModelConfig, *, packed: bool = False) -> None:
        super().__init__()
        experts, hidden, inner = config.num_experts, config.hidden_size, config.intermediate_size
        self.limit, self.alpha, self.packed = config.swiglu_limit, config.swiglu_alpha, packed
        for name, rows, columns in (("gate_up_proj", hidden, 2 * inner), ("down_proj", inner, hidden)):
            if packed:
                groups = torch.zeros(experts, columns, rows // MX_BLOCK, dtype=torch.uint8)
                blocks = groups.new_zeros(*groups.shape, MX_BLOCK // 2)
                self.register_parameter(f"{name}_blocks", nn.Parameter(blocks, requires_grad=False))
                self.register_parameter(f"{name}_scales", nn.Parameter(groups, requires_grad=False))
            else:
                self.register_parameter(name, nn.Parameter(torch.zeros(experts, rows, columns)))
            self.register_parameter(f"{name}_bias", nn.Parameter(torch.zeros(experts, columns)))

    def stored(self, name: str) -> tuple[Tensor, Tensor, Tensor]:
        """Blocks, scales and bias of all experts, in MXFP4."""
        blocks, scales = self.get_parameter(f"{name}_blocks"), self.get_parameter(f"{name}_scales")
        return blocks, scales, self.get_parameter(f"{name}_bias")

    def matrices(self, name: str, dtype: torch.dtype) -> Sequence[Tensor]:
        """Of each expert, `[in, out]`."""
        if self.packed:
            return Packed(*self.stored(name)[:2], dtype)
        return self.get_parameter(name).unbind()

    def swiglu(self, x: Tensor) -> Tensor:
        """`[..., 2 * intermediate]` -> `[..., intermediate]`."""
        gate, up = x[..., 0::2], x[..., 1::2]
        gate, up = gate.clamp(max=self.limit), up.clamp(-self.limit, self.limit)
        return gate * torch.sigmoid(self.alpha * gate) * (up + 1)

    def forward(self, x: Tensor, weights: Tensor, experts: Tensor) -> Tensor:
        """x: `[tokens, hidden]`; weights, experts: `[tokens, top_k]`. Each expert sees its own tokens only."""
        if self.packed and kernels.take(x):
            stored = self.stored("gate_up_proj"), self.stored("down_proj")
            return kernels.experts(x, weights, experts, *stored, limit=self.limit, alpha=self.alpha)
        order = experts.flatten().argsort(stable=True)
        tokens = order // experts.shape[1]
        counts = experts.flatten().bincount(minlength=len(self.down_proj_bias)).tolist()
        up, down = self.matrices("gate_up_proj", x.dtype), self.matrices("down_proj", x.dtype)
        up_bias, down_bias = (bias.to(x.dtype) for bias in (self.gate_up_proj_bias, self.down_proj_bias))
        outs = []
        for at, own in enumerate(torch.split(x[tokens], counts)):
            if len(own):
                inner = self.swiglu(torch.addmm(up_bias[at], own, up[at].to(x.dtype)))
                outs.append(torch.addmm(down_bias[at], inner, down[at].to(x.dtype)))
        weighted = torch.cat(outs) * weights.flatten()[order, None]
        return torch.zeros_like(x).index_add(0, tokens, weighted.to(x.dtype))


class MixtureOfExperts(nn.Module):
    def __init__(self, config: ModelConfig, *, packed: bool = False) -> None:
        super().__init__()
        self.router = Router(config)
        self.experts = Experts(config, packed=packed)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: `[batch, time, hidden]` -> the same, and the router's logits `[tokens, experts]`."""
        flat = x.flatten(0, 1)
        weights, experts, logits = self.router(flat)
        return self.experts(flat, weights, experts).view_as(x), logits


class Layer(nn.Module):
    def __init__(self, config: ModelConfig, *, packed: bool = False) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.norm_eps)
        self.mlp = MixtureOfExperts(config, packed=packed)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], past: Visible | LayerCache) -> tuple[Tensor, Tensor]:
        x = x + self.self_attn(self.input_layernorm(x), rope, past)
        mixed, router_logits = self.mlp(self.post_attention_layernorm(x))
        return x + mixed, router_logits


class Embedding(nn.Module):
    """A row per token. The random start of nn.Embedding would import torch's compiler on the meta device: a second."""

    def __init__(self, rows: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(rows, size))

    def forward(self, rows: Tensor) -> Tensor:
        return F.embedding(rows, self.weight)


class Body(nn.Module):
    """Everything below the head; called `model` in checkpoints."""

    def __init__(self, config: ModelConfig, *, packed: bool = False) -> None:
        super().__init__()
        self.embed_tokens = Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config, packed=packed) for _ in range(config.num_layers))
        self.norm = RMSNorm(config.hidden_size, config.norm_eps)


class Transformer(nn.Module):
    """The network. Input and output are rows of the embedding, not token ids.

    packed: experts stay in MXFP4, as the releases store them, and are unpacked where they are used.
    """

    def __init__(self, config: ModelConfig, *, packed: bool = False) -> None:
        super().__init__()
        self.config = config
        self.model = Body(config, packed=packed)
        self.lm_head = Linear(config.hidden_size, config.vocab_size, bias=False)
        with torch.device("cpu"):  # a network may be built on the meta device, to be filled later
            self.frequencies, self.concentration = rope_frequencies(config)

    @property
    def device(self) -> torch.device:
        return self.model.embed_tokens.weight.device

    def embed(self, rows: Tensor) -> Tensor:
        """`[...]` -> `[..., hidden]`, in the type in which everything is computed."""
        x: Tensor = self.model.embed_tokens(rows)
        if x.device.type == "cpu" and not torch.is_grad_enabled():
            return x.float()  # narrower activations are neither faster there nor exact
        return x

    def forward(
        self,
        rows: Tensor,
        *,
        caches: Sequence[LayerCache] | None = None,
        positions: Tensor | None = None,
        router_logits: list[Tensor] | None = None,
        wanted: Tensor | None = None,
    ) -> Tensor:
        """Logits `[batch, time, vocab_size]` for `rows` `[batch, time]`.

        caches: one per layer, of what stands before the rows; positions: `[time]`, where the rows stand, from 0 on.
        router_logits: collects each layer's `[tokens, experts]`, for a balancing loss.
        wanted: indices `[some]` into time; logits of these alone, `[batch, some, vocab_size]`.
        """
        time, device = rows.shape[1], rows.device
        if positions is None:
            positions = torch.arange(time, device=device)
        angles = positions[:, None].float() * self.frequencies.to(device)
        rope = angles.cos() * self.concentration, angles.sin() * self.concentration
        near, far = (Visible(time, time, window, device) for window in (self.config.sliding_window, None))

        x = self.embed(rows)
        for at, layer in enumerate(self.model.layers):
            x, logits = layer(x, rope, caches[at] if caches else near if self.config.is_sliding(at) else far)
            if router_logits is not None:
                router_logits.append(logits)
        out: Tensor = self.lm_head(self.model.norm(x if wanted is None else x[:, wanted]))
        return out


@torch.inference_mode()
def generate(
    network: Transformer, prompt: list[int], *, pick: Callable[[Tensor, int], int], stop: frozenset[int], limit: int
) -> list[int]:
    """Samples rows after `prompt` without any cache: slow, obvious, and what the engines are tested against.

    pick: chooses a row from the logits `[vocab_size]` at a position. Ends after a row of `stop` or `limit` rows.
    """
    rows = list(prompt)
    while len(rows) < len(prompt) + limit:
        logits = network(torch.tensor([rows]))[0, -1]
        rows.append(pick(logits, len(rows)))
        if rows[-1] in stop:
            break
    return rows[len(prompt) :]
