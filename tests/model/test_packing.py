"""A pack of conversations is learnt from as each of them alone would be."""

from __future__ import annotations

import random
from functools import partial

import pytest
import torch
from torch.nn import functional as F

from cadenza.model import resolve
from cadenza.model.nano import recipe
from cadenza.model.nano.batches import Batch, Batches
from cadenza.model.nano.draw import Draw
from cadenza.model.nano.families import ARITHMETIC, COPYING, FUNCTIONS, LOOKUPS
from cadenza.model.nano.packing import SAMPLED, Pack
from cadenza.model.transformer import Transformer


@pytest.fixture
def batches() -> list[Batch]:
    """One whose beginning is longer than the window, one whose conversations are, and one without a beginning."""
    made = Batches(resolve("nano").vocabulary, seed=1)
    sizes = ((ARITHMETIC, 3), (FUNCTIONS, 2), (COPYING, 2))
    return [made.of(family, Draw(random.Random(at)), size) for at, (family, size) in enumerate(sizes)]


@pytest.fixture
def network() -> Transformer:
    torch.manual_seed(2)
    network = Transformer(recipe.config(len(resolve("nano").vocabulary.ids)))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return network.requires_grad_(True)


def test_loss_and_gradients_are_those_of_each_conversation_alone(
    network: Transformer, batches: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "BALANCE", 0.0)  # of all tokens together, as are hints
    monkeypatch.setattr(recipe, "HINT", 0.0)
    ids = resolve("nano").vocabulary.ids
    row_of = {id: row for row, id in enumerate(ids)}
    pack = Pack(batches, ids)
    learnt = recipe.learn(network, pack)
    torch.autograd.backward(learnt.loss)
    packed = {name: parameter.grad for name, parameter in network.named_parameters()}
    network.zero_grad()

    alone = torch.zeros(())
    for batch, segment in zip(batches, pack.segments, strict=True):
        weighed = sum(sum(each.weights[1:]) for each in batch.documents)
        for each, where in zip(batch.documents, segment.conversations, strict=True):
            rows = torch.tensor([[row_of[id] for id in [*batch.prefix, *each.ids]]])
            logits = network(rows)[0, len(batch.prefix) : -1]
            own = F.cross_entropy(logits, rows[0, len(batch.prefix) + 1 :], reduction="none")
            torch.testing.assert_close(learnt.nats[where][1:], own.detach(), atol=1e-4, rtol=1e-4)
            assert pack.sampled[where].tolist() == [False, *(weight >= SAMPLED for weight in each.weights[1:])]
            assert learnt.right[where][1:].tolist() == (logits.argmax(-1) == rows[0, len(batch.prefix) + 1 :]).tolist()
            alone = alone + batch.share * (own * torch.tensor(each.weights[1:])).sum() / weighed
    alone = alone / sum(batch.share for batch in batches)
    torch.testing.assert_close(learnt.loss.detach(), alone.detach(), atol=1e-4, rtol=1e-4)
    torch.autograd.backward(alone)
    for name, gradient in packed.items():
        own_gradient = network.get_parameter(name).grad
        assert gradient is not None
        assert own_gradient is not None
        torch.testing.assert_close(gradient, own_gradient, atol=1e-3, rtol=1e-2, msg=partial("{}: {}".format, name))


def test_hints_stand_where_their_tokens_are(network: Transformer) -> None:
    vocabulary = resolve("nano").vocabulary
    batch = Batches(vocabulary, seed=1).of(LOOKUPS, Draw(random.Random(4)), 3)
    pack = Pack([Batches(vocabulary, seed=1).of(ARITHMETIC, Draw(random.Random(1)), 1), batch], vocabulary.ids)
    rows, begin = pack.rows[0].tolist(), pack.segments[1].prefix.start
    (declared, begins), (named, wanted) = pack.hints["declarations"], pack.hints["requests"]
    assert [vocabulary.ids[row] for row in begins] == list(batch.hints.values())
    assert [rows[at] for at in declared] == [rows[begin + at] for at in batch.hints]
    asked = pack.segments[1].conversations
    assert len(named) == len(wanted) == sum(len(each.hints) for each in batch.documents) >= 3
    assert all(any(at in range(each.start, each.stop) for each in asked) for at in named.tolist())

    learnt = recipe.learn(network, pack)
    assert learnt.hints.keys() == recipe.HINTED.keys()
    assert min(learnt.hints.values()) > 0
