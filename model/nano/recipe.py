"""How nano is made: `python -m cadenza.model.nano.recipe OUT`, or `make nano`. About 75 minutes of two cores.

- Vocabulary: the most frequent o200k tokens of the curriculum, closed under merges; digits stand alone.
- First short packs without a system message (repeating, picking a field, calling Python): copying forms there,
  and everything else waits for it. Then the conversations as the agent runs them.
- A step has two batches, each with a system message (and so an effort) of its own, which is read once for all of the
  batch's conversations.
- Embeddings begin at size 1 and layers add nothing at first: tokens outweigh what untrained layers would add.
- Muon on matrices, AdamW on the rest; loss on everything, most of it on what the assistant samples.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from cadenza.harmony import (
    BytePairVocabulary,
    Channel,
    Message,
    Role,
    Special,
    is_special,
    o200k_harmony,
    open_turn,
    render,
    restricted,
)

from .. import checkpoint
from ..config import ModelConfig
from ..train.muon import Muon
from ..transformer import LayerCache, Transformer, Visible, attend
from .curriculum import Draw, conversation, dialogue, efforts, problem, system

VOCABULARY_SIZE: Final = 1024
LAYERS: Final = 4
WIDTH: Final = 192
SEED: Final = 7

SHORT_STEPS: Final = 400
LONG_STEPS: Final = 4600
BATCHES: Final = 2  # a step
CONVERSATIONS: Final = 12  # a batch
WARMUP: Final = 100  # steps
DECAY: Final = 0.4  # the last part of all steps, in which the rate falls to zero
RATE_ADAMW, RATE_MUON = 2.5e-3, 4e-3
BALANCE: Final = 0.01
CONTEXT_WEIGHT: Final = 0.2
"""Loss weight of what the assistant reads; what it samples weighs 1, the system message nothing."""
DECISION_WEIGHT: Final = 3.0
"""Loss weight of the words of reasoning: few tokens, and all that the effort decides."""


def config(vocab_size: int) -> ModelConfig:
    return ModelConfig(
        vocab_size=vocab_size,
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
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
    for _ in range(samples):
        effort = efforts(draw)
        messages = [system(draw, effort), *conversation(problem(draw), effort)]
        for message in messages:
            counts.update(render(message, whole))
    special = {int(token) for token in Special}
    kept = whole.close(special)
    for id, _ in counts.most_common():
        token = whole.token_bytes(id)
        closed = whole.close([id])
        if sum(chr(byte).isdigit() for byte in token) > 1 and id not in special:
            continue
        if len(kept | closed) > VOCABULARY_SIZE:
            break
        kept |= closed
    return whole.restrict(sorted(kept))


# --- documents --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Document:
    """Ids and the weight of each in the loss."""

    ids: list[int]
    weights: list[float]


def document(messages: Sequence[Message], vocabulary: BytePairVocabulary) -> Document:
    """A conversation as the model meets it: a final answer ends in `<|return|>`, since it is sampled."""
    ids: list[int] = []
    weights: list[float] = []
    prompt = len(open_turn(vocabulary))
    asked = max((at for at, message in enumerate(messages) if message.role is Role.USER), default=0)
    for at, message in enumerate(messages):
        own = render(message, vocabulary)
        sampled = message.role is Role.ASSISTANT and at > asked  # earlier answers are context
        if sampled and message.channel == Channel.FINAL:
            own[-1] = int(Special.RETURN)
        ids += own
        weights += [CONTEXT_WEIGHT] * prompt
        if sampled and message.channel == Channel.ANALYSIS and message.recipient is None:
            weights += [DECISION_WEIGHT if _is_word(id, vocabulary) else 1.0 for id in own[prompt:]]
        else:
            weights += [1.0 if sampled else CONTEXT_WEIGHT] * (len(own) - prompt)
    return Document(ids, weights)


def _is_word(id: int, vocabulary: BytePairVocabulary) -> bool:
    """Whether a token is special or has a letter in it, unlike numbers and operators."""
    return is_special(id) or any(chr(byte).isalpha() for byte in vocabulary.token_bytes(id))


def warm_up_conversation(draw: Draw) -> list[Message]:
    """Repeat this, or pick a field: the smallest tasks that need copying."""

    def value() -> str:
        if draw.chance(0.4):
            return str(draw.integer(6))
        return " ".join(draw.word() for _ in range(draw.rng.randint(1, 3)))

    if draw.chance(0.5):
        text = " ".join(value() for _ in range(draw.rng.randint(1, 4)))
        ask = draw.rng.choice(["Repeat: {}", "Say {}", "Repeat after me: {}", "Copy this: {}"])
        return [Message.user(ask.format(text)), Message.assistant(text, channel=Channel.FINAL)]
    fields = {draw.word(): value() for _ in range(draw.rng.randint(2, 5))}
    wanted = draw.rng.choice(list(fields))
    lines = ", ".join(f"{key}: {value}" for key, value in fields.items())
    return [Message.user(f"{lines}. What is {wanted}?"), Message.assistant(fields[wanted], channel=Channel.FINAL)]


@dataclass(frozen=True, slots=True)
class Batch:
    """Conversations that share one system message."""

    prefix: Tensor  # [1, time] embedding rows; no time at all in the short phase
    rows: Tensor  # [batch, time], padded on the right
    weights: Tensor  # [batch, time], of each row in the loss


class Batches:
    """Batches of fresh conversations. What a step learns from is the same each time it is asked for."""

    def __init__(self, vocabulary: BytePairVocabulary) -> None:
        self.vocabulary = vocabulary
        self.row_of = {id: row for row, id in enumerate(vocabulary.ids)}

    def short(self, step: int) -> Iterator[Batch]:
        """No system message; repeating and picking beside problems."""
        draw = Draw(random.Random(f"{SEED} {step}"))
        for _ in range(BATCHES):
            conversations = [
                warm_up_conversation(draw) if draw.chance(0.6) else conversation(problem(draw), "medium")
                for _ in range(CONVERSATIONS)
            ]
            yield self._batch([], conversations)

    def long(self, step: int) -> Iterator[Batch]:
        """As the agent runs them."""
        draw = Draw(random.Random(f"{SEED} {step}"))
        for _ in range(BATCHES):
            effort = efforts(draw)
            opening = document([system(draw, effort)], self.vocabulary)
            yield self._batch(opening.ids, [dialogue(draw, effort) for _ in range(CONVERSATIONS)])

    def _batch(self, prefix: list[int], conversations: Sequence[list[Message]]) -> Batch:
        documents = [document(messages, self.vocabulary) for messages in conversations]
        longest = max(len(each.ids) for each in documents)
        rows = torch.zeros(len(documents), longest, dtype=torch.long)
        weights = torch.zeros(len(documents), longest)
        for at, each in enumerate(documents):
            rows[at, : len(each.ids)] = torch.tensor([self.row_of[id] for id in each.ids])
            weights[at, : len(each.ids)] = torch.tensor(each.weights)
        return Batch(torch.tensor([[self.row_of[id] for id in prefix]], dtype=torch.long), rows, weights)


class SharedPrefix:
    """A layer's keys and values of a prefix that all rows of a batch share, with gradients.

    What comes first is the prefix; what comes later sees it, and is not kept.
    """

    def __init__(self, window: int | None) -> None:
        self._window = window
        self._prefix: tuple[Tensor, Tensor] | None = None

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, sinks: Tensor) -> Tensor:
        if self._prefix is None:
            self._prefix = keys, values
        else:
            old_keys, old_values = (part.expand(len(keys), -1, -1, -1) for part in self._prefix)
            keys, values = torch.cat((old_keys, keys), dim=2), torch.cat((old_values, values), dim=2)
        visible = Visible(queries.shape[2], keys.shape[2], self._window, queries.device)
        return attend(queries, keys, values, sinks, visible)


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


def loss_of(network: Transformer, batch: Batch) -> tuple[Tensor, float, float]:
    """The loss, the mean nats per token that the assistant samples, and the share of these that are right."""
    config, caches = network.config, list[LayerCache]()
    if batch.prefix.numel():
        caches += [
            SharedPrefix(config.sliding_window if config.is_sliding(at) else None) for at in range(config.num_layers)
        ]
        network(batch.prefix, caches=caches)
    routers: list[Tensor] = []
    positions = batch.prefix.shape[1] + torch.arange(batch.rows.shape[1])
    logits = network(batch.rows, caches=caches, positions=positions, router_logits=routers)[:, :-1].flatten(0, 1)
    targets, weights = batch.rows[:, 1:].flatten(), batch.weights[:, 1:].flatten()
    each = F.cross_entropy(logits, targets, reduction="none")
    loss = (each * weights).sum() / weights.sum()
    loss = loss + BALANCE * torch.stack([_imbalance(router) for router in routers]).mean()
    sampled = weights >= 1.0
    right = (logits.argmax(-1) == targets)[sampled].float().mean()
    return loss, each[sampled].mean().item(), right.item()


def _imbalance(logits: Tensor) -> Tensor:
    """Switch Transformer's balancing loss (arXiv:2101.03961, eq. 4) for top-2: 1 when all experts are used alike."""
    experts = logits.shape[-1]
    chosen = F.one_hot(logits.topk(2, dim=-1).indices, experts).float().sum(1).mean(0) / 2
    return experts * (chosen * logits.softmax(-1).mean(0)).sum()


@torch.no_grad()
def whole_conversations_right(
    network: Transformer, vocabulary: BytePairVocabulary, *, count: int, seed: int, held_out: bool
) -> float:
    """The share of fresh conversations whose every sampled id is the model's first choice, teacher-forced."""
    row_of = {id: row for row, id in enumerate(vocabulary.ids)}
    draw = Draw(random.Random(seed), held_out=held_out)
    right = 0
    for _ in range(count):
        effort = efforts(draw)
        opening = document([system(draw, effort)], vocabulary)
        turn = document(dialogue(draw, effort), vocabulary)
        rows = torch.tensor([[row_of[id] for id in opening.ids + turn.ids]])
        sampled = torch.tensor([0.0] * len(opening.ids) + turn.weights)[1:] >= 1.0
        guessed = network(rows)[0, :-1].argmax(-1)
        right += bool((guessed == rows[0, 1:])[sampled].all())
    return right / count


def train(out: Path, *, short_steps: int = SHORT_STEPS, long_steps: int = LONG_STEPS, threads: int = 2) -> None:
    """Trains and writes the checkpoint to `out`. Killed on the way, it goes on from the last saved step."""
    torch.manual_seed(SEED)
    torch.set_num_threads(threads)
    state = out / "training.pt"
    vocabulary = restricted(checkpoint.load(out).ids or ()) if state.exists() else build_vocabulary()
    network = Transformer(config(len(vocabulary.ids)))
    initialize(network)
    size = sum(parameter.numel() for parameter in network.parameters())
    print(f"{len(vocabulary.ids)} tokens, {size / 1e6:.2f}M parameters", flush=True)
    batches = Batches(vocabulary)
    pair = optimizers(network)
    first = _restore(state, network, pair) if state.exists() else 0
    steps = short_steps + long_steps
    begin = time.monotonic()
    for step in range(first, steps):
        factor = rate(step, steps)
        for optimizer, full in zip(pair, (RATE_MUON, RATE_ADAMW), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = full * factor
        for batch in batches.short(step) if step < short_steps else batches.long(step):
            loss, nats, right = loss_of(network, batch)
            (loss / BATCHES).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for optimizer in pair:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if step % 50 == 0:
            minutes = (time.monotonic() - begin) / 60
            print(f"{step:6} {minutes:6.1f} min  loss {loss.item():.3f}  {nats:.4f} nats  {right:.4f}", flush=True)
        if step % 250 == 249 or step == steps - 1:
            checkpoint.save(network, out, ids=tuple(vocabulary.ids))
            _keep(state, network, pair, step + 1)
        if step >= short_steps and (step % 500 == 499 or step == steps - 1):
            known, held_out = (
                whole_conversations_right(network, vocabulary, count=60, seed=step, held_out=held_out)
                for held_out in (False, True)
            )
            print(f"{step:6} conversations right: {known:.2f}, of held-out phrases {held_out:.2f}", flush=True)
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
    arguments.add_argument("--short-steps", type=int, default=SHORT_STEPS)
    arguments.add_argument("--long-steps", type=int, default=LONG_STEPS)
    arguments.add_argument("--threads", type=int, default=2)
    given = arguments.parse_args()
    train(given.out, short_steps=given.short_steps, long_steps=given.long_steps, threads=given.threads)
