"""A course that goes on from a smaller network begins with what that network computes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cadenza.harmony import BytePairVocabulary, o200k_harmony, restricted
from cadenza.model.checkpoint import Checkpoint, save
from cadenza.model.nano import recipe
from cadenza.model.transformer import Transformer


@pytest.fixture(scope="module")
def vocabulary() -> BytePairVocabulary:
    whole = o200k_harmony()
    return whole.restrict(whole.close(whole.encode(" city name")))


@pytest.fixture(scope="module")
def start(vocabulary: BytePairVocabulary) -> Checkpoint:
    torch.manual_seed(3)
    whole = recipe.config(len(vocabulary.ids))
    smaller = replace(whole, intermediate_size=whole.intermediate_size // 2, num_layers=whole.num_layers - 1)
    network = Transformer(smaller)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return Checkpoint(network, tuple(vocabulary.ids))


def test_units_and_layers_that_are_new_add_nothing_at_first(start: Checkpoint, vocabulary: BytePairVocabulary) -> None:
    rows = torch.arange(len(vocabulary.ids))[None]
    larger = recipe.grown(start, vocabulary)
    torch.testing.assert_close(larger(rows), start.network(rows), atol=1e-4, rtol=1e-4)
    larger.requires_grad_(True)(rows).square().mean().backward()
    of_unit = larger.get_parameter("model.layers.0.mlp.experts.down_proj").grad
    assert of_unit is not None
    assert of_unit[:, start.network.config.intermediate_size :].abs().sum() > 0
    of_layer = larger.get_parameter(f"model.layers.{larger.config.num_layers - 1}.self_attn.o_proj.weight").grad
    assert of_layer is not None
    assert of_layer.abs().sum() > 0


def test_a_token_that_is_new_is_known_by_its_old_spelling(start: Checkpoint, vocabulary: BytePairVocabulary) -> None:
    whole = o200k_harmony()
    (fresh,), (behind_space,) = whole.encode("city"), restricted(start.ids or ()).encode(" city")
    wider = whole.restrict(whole.close([*vocabulary.ids, fresh]))
    known, rows = ({id: row for row, id in enumerate(each.ids)} for each in (vocabulary, wider))
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        old, new = start.network.get_parameter(name), recipe.grown(start, wider).get_parameter(name)
        for id in vocabulary.ids:
            assert torch.equal(new[rows[id]], old[known[id]])
        assert torch.equal(new[rows[fresh]], old[known[behind_space]])


def test_a_course_may_begin_with_the_mean_of_checkpoints(start: Checkpoint, tmp_path: Path) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    for factor, folder in zip((1.0, 3.0), folders, strict=True):
        network = Transformer(start.network.config)
        network.load_state_dict({name: factor * own for name, own in start.network.state_dict().items()})
        save(network, folder, ids=start.ids)
    before = [(folder / "model.safetensors").read_bytes() for folder in folders]
    made = recipe.mean(folders)
    assert made.ids == start.ids
    for name, own in made.network.state_dict().items():
        torch.testing.assert_close(own, 2 * start.network.get_parameter(name), atol=0.02, rtol=0.02, check_dtype=False)
    assert [(folder / "model.safetensors").read_bytes() for folder in folders] == before
