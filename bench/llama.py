"""llama.cpp to measure against, fed with the same checkpoint as GGUF."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import gguf
import torch

from cadenza.model.checkpoint import Reader

PROGRAM = Path(".llama.cpp/build/bin/llama-bench")
"""`make bench-model` builds it."""


def speeds(program: Path, model: Path, threads: int, *tests: str) -> list[float]:
    """Tokens/s of each test, such as ("-n", "32"): the best of three."""
    command = [str(program), "-m", str(model), "-t", str(threads), "-r", "3", "-o", "json", *tests]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [max(each["samples_ts"]) for each in json.loads(done.stdout)]


def loading(program: Path, model: Path) -> tuple[float, float]:
    """Seconds until a process has loaded the model and decoded one token, and the bytes that were resident then."""
    command = [str(program), "-m", str(model), "-r", "1", "-p", "0", "-n", "1", "--no-warmup"]
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - begin, usage.ru_maxrss * 1024


def convert(folder: Path, path: Path, dense: gguf.GGMLQuantizationType) -> None:
    """Writes a checkpoint with experts in MXFP4 as GGUF, dense weights in BF16 or Q8_0 and what is small in float32.

    A block of GGUF is its scale and sixteen bytes: the first sixteen elements in low halves, the others in high ones.
    """
    reader = Reader(folder)
    config = reader.config
    writer = gguf.GGUFWriter(path, "gpt-oss")
    writer.add_tokenizer_model("none")
    writer.add_vocab_size(config.vocab_size)
    writer.add_block_count(config.num_layers)
    writer.add_context_length(config.max_context)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_expert_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_heads)
    writer.add_head_count_kv(config.num_kv_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_expert_count(config.num_experts)
    writer.add_expert_used_count(config.experts_per_token)
    writer.add_sliding_window(config.sliding_window)
    writer.add_rope_freq_base(config.rope_theta)
    if config.rope_scaling is not None:
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(config.rope_scaling.factor)
        writer.add_rope_scaling_orig_ctx_len(config.rope_scaling.original_context)

    def narrow(name: str, tensor: torch.Tensor) -> None:
        words = gguf.quants.quantize(tensor.float().contiguous().numpy(), dense)
        writer.add_tensor(name, words, raw_dtype=dense)

    def wide(name: str, tensor: torch.Tensor) -> None:
        writer.add_tensor(name, tensor.float().contiguous().numpy())

    def mxfp4(name: str, blocks: torch.Tensor, scales: torch.Tensor) -> None:
        codes = torch.stack((blocks & 15, blocks >> 4), dim=-1).flatten(-2)
        halves = codes[..., :16] | codes[..., 16:] << 4
        made = torch.cat((scales[..., None], halves), dim=-1).flatten(-2)
        writer.add_tensor(name, made.numpy(), raw_dtype=gguf.GGMLQuantizationType.MXFP4)

    narrow("token_embd.weight", reader.tensor("model.embed_tokens.weight"))
    narrow("output.weight", reader.tensor("lm_head.weight"))
    wide("output_norm.weight", reader.tensor("model.norm.weight"))
    for at in range(config.num_layers):
        ours, theirs = f"model.layers.{at}", f"blk.{at}"
        wide(f"{theirs}.attn_norm.weight", reader.tensor(f"{ours}.input_layernorm.weight"))
        wide(f"{theirs}.post_attention_norm.weight", reader.tensor(f"{ours}.post_attention_layernorm.weight"))
        wide(f"{theirs}.attn_sinks.weight", reader.tensor(f"{ours}.self_attn.sinks"))
        for name, called in (("q", "q"), ("k", "k"), ("v", "v"), ("o", "output")):
            narrow(f"{theirs}.attn_{called}.weight", reader.tensor(f"{ours}.self_attn.{name}_proj.weight"))
            wide(f"{theirs}.attn_{called}.bias", reader.tensor(f"{ours}.self_attn.{name}_proj.bias"))
        wide(f"{theirs}.ffn_gate_inp.weight", reader.tensor(f"{ours}.mlp.router.weight"))
        wide(f"{theirs}.ffn_gate_inp.bias", reader.tensor(f"{ours}.mlp.router.bias"))
        up, down = f"{ours}.mlp.experts.gate_up_proj", f"{ours}.mlp.experts.down_proj"
        blocks, scales, bias = (reader.tensor(f"{up}_{part}") for part in ("blocks", "scales", "bias"))
        for start, called in ((0, "gate"), (1, "up")):
            mxfp4(f"{theirs}.ffn_{called}_exps.weight", blocks[:, start::2], scales[:, start::2])
            wide(f"{theirs}.ffn_{called}_exps.bias", bias[:, start::2])
        mxfp4(f"{theirs}.ffn_down_exps.weight", reader.tensor(f"{down}_blocks"), reader.tensor(f"{down}_scales"))
        wide(f"{theirs}.ffn_down_exps.bias", reader.tensor(f"{down}_bias"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
