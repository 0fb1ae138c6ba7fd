"""How nano is made: `python -m cadenza.model.nano.recipe OUT`, or `make nano`.

- Vocabulary: the most frequent o200k tokens of the curriculum, closed under merges. Digits and quotes stand alone, and
  no token joins letters with anything else: a word is the same tokens after a space, a quote or a newline, so that
  copying it needs no spelling; and that a value is a string is a token of its own, which masks can force.
- A step has batches of each family. At first those that copy alone: induction forms there, and everything else waits
  for it. Then whatever is short, then all.
- Embeddings begin at size 1 and layers add nothing at first: tokens outweigh what untrained layers would add.
- Muon on matrices, AdamW on the rest; loss on everything, most of it on what the assistant samples.
- Steps of attention of which none helps alone are taught one by one: by `hints`, read from layers in the middle as the
  answer is from the last.
- `--start FOLDER` goes on from another checkpoint, of the same network or of one with fewer layers or smaller experts,
  with its vocabulary or, after `--transplant`, with the one above; of several folders it takes the mean (model soups,
  arXiv:2203.05482), and with `--steps 0 0 0` writes that. `--family NAME` trains some families alone.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from cadenza.harmony import BytePairVocabulary, Special, is_special, o200k_harmony, render_conversation, restricted

from .. import checkpoint
from ..checkpoint import Checkpoint
from ..config import ModelConfig
from ..train.muon import Muon
from ..transformer import Transformer
from .batches import Batches
from .curriculum import efforts
from .draw import Draw
from .families import COPYING, FAMILIES, SHORT, Family
from .packing import Pack, PackedAttention

VOCABULARY_SIZE: Final = 1024
LAYERS: Final = 5
WIDTH: Final = 192
UNITS: Final = 320  # of an expert
SEED: Final = 7

STAGES: Final = (((COPYING,), 400), (SHORT, 4800), (FAMILIES, 3200))  # families, and for how many steps
WARMUP: Final = 100  # steps
DECAY: Final = 0.6  # the last part of all steps, in which the rate falls to zero
RATE_ADAMW, RATE_MUON = 2.5e-3, 4e-3
BALANCE: Final = 0.01
HINTED: Final = {"declarations": 2, "requests": 3}  # the layers behind which hints are read
HINT: Final = 0.1  # share of each in the loss
BATCHES: Final = 3  # in a step, at the least


def config(vocab_size: int) -> ModelConfig:
    return ModelConfig(
        vocab_size=vocab_size,
        hidden_size=WIDTH,
        intermediate_size=UNITS,
        num_layers=LAYERS,
        num_heads=6,
        num_kv_heads=1,
        head_dim=32,
        num_experts=8,
        experts_per_token=2,
        max_context=4096,
    )


def build_vocabulary(samples: int = 12_000) -> BytePairVocabulary:
    """The most frequent tokens of the curriculum, closed under merges."""
    whole = o200k_harmony()
    counts: Counter[int] = Counter()
    draw = Draw(random.Random(SEED))
    apart = whole.restrict(id for id in whole.ids if is_special(id) or _stands_apart(whole.token_bytes(id)))
    for at in range(samples):
        family, effort = FAMILIES[at % len(FAMILIES)], efforts(draw)
        shared, go_on = family.begin(draw, effort)
        counts.update(render_conversation([*shared, *go_on()], apart))
    kept = apart.close({int(token) for token in Special})
    for id, _ in counts.most_common():
        closed = apart.close([id])
        if len(kept | closed) > VOCABULARY_SIZE:
            break
        kept |= closed
    return whole.restrict(sorted(kept))


def _stands_apart(token: bytes) -> bool:
    """Whether a token is letters alone, one digit or quote, or has none of these."""
    letters = [chr(byte).isalpha() or byte > 127 for byte in token]
    return len(token) == 1 or all(letters) or not (any(letters) or any(chr(byte) in '"0123456789' for byte in token))


# --- training ---------------------------------------------------------------------------------------------------------


def initialize(network: Transformer) -> None:
    """Embeddings of size 1, so that tokens outweigh what untrained layers add; layers that add nothing at first."""
    for name, parameter in network.named_parameters():
        if "embed" in name:
            torch.nn.init.normal_(parameter, std=1.0)
        elif name.endswith(("bias", "sinks", "o_proj.weight", "down_proj")):
            torch.nn.init.zeros_(parameter)
        elif parameter.dim() >= 2:
            fan_in = parameter.shape[-2] if ".experts." in name else parameter.shape[-1]
            torch.nn.init.normal_(parameter, std=0.02 if "head" in name or "router" in name else fan_in**-0.5)


def optimizers(network: Transformer) -> list[torch.optim.Optimizer]:
    matrices: list[torch.nn.Parameter] = []
    rest: list[torch.nn.Parameter] = []
    for name, parameter in network.named_parameters():
        hidden = ".self_attn." in name or ".experts." in name
        is_matrix = parameter.dim() >= 2 and hidden and not name.endswith("bias")
        (matrices if is_matrix else rest).append(parameter)
    return [
        Muon(matrices, lr=RATE_MUON, decay=0.01),
        torch.optim.AdamW(rest, lr=RATE_ADAMW, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    ]


def rate(step: int, steps: int) -> float:
    """The learning rates' factor: up, level, down to zero."""
    return min(1.0, (step + 1) / WARMUP, (steps - step) / (DECAY * steps))


@dataclass(frozen=True, slots=True)
class Learnt:
    """loss: of a step; nats, right: of each token, and whether it was foreseen, `[tokens]`; hints: nats by kind."""

    loss: Tensor
    nats: Tensor
    right: Tensor
    hints: dict[str, float]


def learn(network: Transformer, pack: Pack) -> Learnt:
    """What a step learns from, its gradients still to be computed."""
    config, routers, inside = network.config, list[Tensor](), list[Tensor]()
    near, far = PackedAttention(pack, config.sliding_window), PackedAttention(pack, None)
    caches = [near if config.is_sliding(at) else far for at in range(config.num_layers)]
    with ExitStack() as hooks:
        for at in HINTED.values():
            hook = network.model.layers[at].register_forward_hook(lambda _, given, made: inside.append(made[0]))
            hooks.enter_context(hook)
        logits = network(pack.rows, caches=caches, positions=pack.positions, router_logits=routers).flatten(0, 1)
    targets = pack.rows[0].roll(-1)  # the first token follows the last one, with no weight
    nats = F.cross_entropy(logits, targets, reduction="none").roll(1)
    right = (logits.argmax(-1) == targets).roll(1)
    loss = (nats * pack.weights).sum() / pack.weights.sum()
    loss = loss + BALANCE * torch.stack([_imbalance(router) for router in routers]).mean()
    hints = dict[str, float]()
    for kind, states in zip(HINTED, inside, strict=True):
        where, wanted = pack.hints[kind]
        if len(where):
            hint = F.cross_entropy(network.lm_head(network.model.norm(states[0, where])), wanted)
            loss = loss + HINT * hint
            hints[kind] = hint.item()
    return Learnt(loss, nats.detach(), right, hints)


def _imbalance(logits: Tensor) -> Tensor:
    """Switch Transformer's balancing loss (arXiv:2101.03961, eq. 4) for top-2: 1 when all experts are used alike."""
    experts = logits.shape[-1]
    chosen = F.one_hot(logits.topk(2, dim=-1).indices, experts).float().sum(1).mean(0) / 2
    return experts * (chosen * logits.softmax(-1).mean(0)).sum()


@torch.no_grad()
def whole_conversations_right(
    network: Transformer, batches: Batches, family: Family, draw: Draw, count: int = 60
) -> float:
    """The share of fresh conversations whose every sampled id is the model's first choice, teacher-forced."""
    right = 0.0
    for _ in range(count):
        pack = Pack([batches.of(family, draw, 1)], batches.vocabulary.ids)
        right += (learn(network, pack).right | ~pack.sampled).all().item()
    return right / count


def mean(folders: Sequence[Path]) -> Checkpoint:
    """The mean of networks of one shape and vocabulary: of checkpoints of one course, better than each of them."""
    first, *others = map(checkpoint.load, folders)
    states = [each.network.state_dict() for each in (first, *others)]
    for name, own in first.network.state_dict().items():
        own.copy_(torch.stack([state[name].float() for state in states]).mean(0))
    return first


def grown(start: Checkpoint, vocabulary: BytePairVocabulary) -> Transformer:
    """The same network with a row for each token of another vocabulary, experts of more units, and more layers.

    A token that is new has the row that it had with a space before it, else the mean of those of its old spelling.
    A unit that is new adds nothing at first (Net2Net, arXiv:1511.05641, with zeros in place of copies), and so does a
    layer: it begins as a copy of the last one of its kind whose outputs are zeros (LLaMA Pro, arXiv:2401.02415).
    """
    old = restricted(start.ids or ())
    row_of = {id: row for row, id in enumerate(old.ids)}
    network = Transformer(config(len(vocabulary.ids)))
    state = start.network.state_dict()
    spellings = []
    for id in vocabulary.ids:
        if id in row_of:
            spellings.append([id])
            continue
        text = vocabulary.token_bytes(id).decode(errors="replace")
        behind_space = old.encode(f" {text}")
        spellings.append(behind_space if len(behind_space) == 1 else old.encode(text))
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        rows = [state[name][[row_of[id] for id in spelling]].mean(0) for spelling in spellings]
        state[name] = torch.stack(rows)
    for layer in range(start.network.config.num_layers, LAYERS):
        of_same_kind = f"model.layers.{layer - 2}."
        for name in [name for name in state if name.startswith(of_same_kind)]:
            adds = ".o_proj." in name or ".down_proj" in name
            copy = f"model.layers.{layer}.{name.removeprefix(of_same_kind)}"
            state[copy] = torch.zeros_like(state[name]) if adds else state[name].clone()
    for name, own in network.state_dict().items():
        if ".experts." in name and state[name].shape != own.shape:
            new = torch.randn(own.shape) * WIDTH**-0.5 if name.endswith("gate_up_proj") else torch.zeros(own.shape)
            new[tuple(map(slice, state[name].shape))] = state[name]
            state[name] = new
    network.load_state_dict(state)
    return network


class Progress:
    """What the last steps came to."""

    def __init__(self) -> None:
        self._noted: dict[str, list[tuple[float, float]]] = {}
        self._hints: dict[str, list[float]] = {}

    def note(self, pack: Pack, learnt: Learnt) -> None:
        right = learnt.right | ~pack.sampled
        for segment in pack.segments:
            own = [bool(right[each].all()) for each in segment.conversations]
            all_of_them = slice(segment.conversations[0].start, segment.conversations[-1].stop)
            sampled = learnt.nats[all_of_them][pack.sampled[all_of_them]]
            self._noted.setdefault(segment.family, []).append((sampled.mean().item(), sum(own) / len(own)))
        for kind, nats in learnt.hints.items():
            self._hints.setdefault(kind, []).append(nats)

    def told(self) -> str:
        """Of each family the nats per sampled token and the share of conversations that are right; then forgets."""
        means = {
            family: [sum(each) / len(each) for each in zip(*own, strict=True)] for family, own in self._noted.items()
        }
        told = [f"{family} {nats:.3f} nats {right:.2f}" for family, (nats, right) in means.items()]
        told += [f"hints in {kind} {sum(nats) / len(nats):.3f} nats" for kind, nats in self._hints.items()]
        self._noted.clear()
        self._hints.clear()
        return ", ".join(told)


def train(
    out: Path,
    *,
    stages: Sequence[tuple[Sequence[Family], int]] = STAGES,
    threads: int = 2,
    start: Sequence[Path] = (),
    transplant: bool = False,
    full_rate: float = 1.0,
    seed: int = SEED,
) -> None:
    """Trains and writes the checkpoint to `out`. Killed on the way, it goes on from the last saved step.

    start: checkpoints with whose mean to begin, in place of random numbers; transplant: to give it the curriculum's
    vocabulary; full_rate: what share of the learning rates is the highest; seed: of all that is drawn.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    state = out / "training.pt"
    own = (out,) if state.exists() else () if transplant else start
    vocabulary = restricted(checkpoint.load(own[0]).ids or ()) if own else build_vocabulary()
    network = Transformer(config(len(vocabulary.ids)))
    if start:
        network = grown(mean(start), vocabulary)
    else:
        initialize(network)
    network.requires_grad_(True).train()
    size = sum(parameter.numel() for parameter in network.parameters())
    print(f"{len(vocabulary.ids)} tokens, {size / 1e6:.2f}M parameters", flush=True)
    batches = Batches(vocabulary, seed)
    pair = optimizers(network)
    first = _restore(state, network, pair) if state.exists() else 0
    schedule = [families for families, steps in stages for _ in range(steps)]
    steps = len(schedule)
    begin = time.monotonic()
    progress = Progress()
    for step in range(first, steps):
        factor = full_rate * rate(step, steps)
        for optimizer, full in zip(pair, (RATE_MUON, RATE_ADAMW), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = full * factor
        learning = schedule[step]
        times = -(-BATCHES // sum(family.batches for family in learning))
        pack = Pack(list(batches.of_step(step, learning, times=times)), vocabulary.ids)
        learnt = learn(network, pack)
        learnt.loss.backward()  # type: ignore[no-untyped-call]
        progress.note(pack, learnt)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for optimizer in pair:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if step % 50 == 49:
            print(f"{step + 1:6} {(time.monotonic() - begin) / 60:6.1f} min  {progress.told()}", flush=True)
        if step % 250 == 249 or step == steps - 1:
            checkpoint.save(network, out, ids=tuple(vocabulary.ids))
            _keep(state, network, pair, step + 1)
    if not schedule:
        checkpoint.save(network, out, ids=tuple(vocabulary.ids))
    for family in schedule[-1] if schedule else ():
        share = whole_conversations_right(network, batches, family, Draw(random.Random(steps), held_out=True))
        print(f"held out, conversations right: {family.name} {share:.2f}", flush=True)
    state.unlink(missing_ok=True)


def _keep(path: Path, network: Transformer, pair: list[torch.optim.Optimizer], step: int) -> None:
    state = {
        "network": network.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in pair],
        "step": step,
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def _restore(path: Path, network: Transformer, pair: list[torch.optim.Optimizer]) -> int:
    state = torch.load(path, weights_only=True)
    network.load_state_dict(state["network"])
    for optimizer, own in zip(pair, state["optimizers"], strict=True):
        optimizer.load_state_dict(own)
    step: int = state["step"]
    return step


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Train nano from nothing.")
    arguments.add_argument("out", type=Path, help="folder for the checkpoint")
    steps = [steps for _, steps in STAGES]
    arguments.add_argument("--steps", type=int, nargs=len(STAGES), default=steps, help="of each stage")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--start", type=Path, nargs="+", default=[], help="folders of checkpoints to begin with")
    arguments.add_argument("--transplant", action="store_true", help="give it the vocabulary of the curriculum")
    arguments.add_argument("--family", action="append", choices=[family.name for family in FAMILIES], help="only this")
    arguments.add_argument("--rate", type=float, default=1.0, help="share of the learning rates")
    arguments.add_argument("--seed", type=int, default=SEED, help="one's own for a course that goes on")
    given = arguments.parse_args()
    stages = [
        ([family for family in families if family.name in (given.family or family.name)], steps)
        for (families, _), steps in zip(STAGES, given.steps, strict=True)
    ]
    if any(steps > 0 and not families for families, steps in stages):
        arguments.error("--family leaves nothing to a stage: give that one 0 of the --steps")
    train(
        given.out,
        stages=stages,
        threads=given.threads,
        start=given.start,
        transplant=given.transplant,
        full_rate=given.rate,
        seed=given.seed,
    )
