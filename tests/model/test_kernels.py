"""The kernels in C against plain torch in float32, in every set of instructions that this machine has."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from cadenza.model import kernels
from cadenza.model.batch import Reading
from cadenza.model.checkpoint import load, save
from cadenza.model.int8 import Int8Linear, dequantize, quantize, round_dense_layers
from cadenza.model.kernels import Instructions
from cadenza.model.transformer import Experts, Linear, Transformer, Visible, attend

EXACT, ROUNDED, INT8 = 3e-6, 1e-4, 0.02  # relative errors: of float32, with activations of 16 bits, with weights of 8
WIDTH = 2880

pytestmark = pytest.mark.skipif(not kernels.available(), reason="the kernels were not built")


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    torch.manual_seed(0)
    with torch.inference_mode():
        yield


@pytest.fixture(params=kernels.available() or ["none"])
def instructions(request: pytest.FixtureRequest) -> Iterator[Instructions]:
    with kernels.using(request.param):
        yield request.param


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def error(got: Tensor, wanted: Tensor) -> float:
    return float((got - wanted).norm() / wanted.norm())


def packed(small: Transformer, hidden: int, inner: int, experts: int, top_k: int) -> Experts:
    sizes = {"hidden_size": hidden, "intermediate_size": inner, "num_experts": experts, "experts_per_token": top_k}
    made = Experts(replace(small.config, **sizes), packed=True)
    for name, parameter in made.named_parameters():
        if name.endswith("blocks"):
            parameter.random_(256)
        elif name.endswith("scales"):
            parameter.random_(117, 123)
        else:
            setattr(made, name, torch.nn.Parameter(torch.randn(parameter.shape).bfloat16(), requires_grad=False))
    return made


def routed(tokens: int, experts: int, top_k: int) -> tuple[Tensor, Tensor]:
    top, chosen = torch.randn(tokens, experts).topk(top_k)
    return top.softmax(-1), chosen


@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize(
    ("tokens", "rows", "depth"),
    [
        (1, 1, 1),
        (1, 67, 100),
        (2, 32, 16),
        (7, 33, 65),
        (50, 131, 192),
        (1, 5120, WIDTH),
        (13, 512, WIDTH),
        (3, 64, 4096),
    ],
)
def test_a_linear_layer_equals_float32(tokens: int, rows: int, depth: int) -> None:
    x, weight, bias = torch.randn(tokens, depth), torch.randn(rows, depth).bfloat16(), torch.randn(rows).bfloat16()
    got = kernels.linear(x.view(1, tokens, depth), weight, bias)
    assert got.shape == (1, tokens, rows)
    assert error(got[0], x @ weight.float().T + bias.float()) < EXACT
    assert error(kernels.linear(x, weight), x @ weight.float().T) < EXACT


@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize(
    ("tokens", "rows", "depth"), [(1, 32, 64), (1, 67, 128), (7, 33, 192), (1, 512, WIDTH), (13, 512, WIDTH)]
)
def test_a_layer_in_int8_equals_its_rounded_weights_and_a_token_does_not_depend_on_others(
    tokens: int, rows: int, depth: int
) -> None:
    layer = Linear(depth, rows)
    layer.weight.data, layer.bias.data = torch.randn(rows, depth).bfloat16(), torch.randn(rows).bfloat16()
    rounded, x = Int8Linear(layer), torch.randn(tokens, depth)
    got = rounded(x)
    with kernels.using(None):
        assert error(got, rounded(x)) < ROUNDED
        assert error(got, layer(x)) < INT8
    assert torch.equal(got, torch.cat([rounded(token[None]) for token in x]))


@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize(
    ("tokens", "hidden", "inner", "experts", "top_k"),
    [
        (1, 64, 96, 4, 2),
        (3, 32, 32, 1, 1),
        (5, 96, 160, 4, 4),
        (200, 192, 64, 8, 3),
        (37, 192, 384, 8, 2),
        (1, WIDTH, WIDTH, 32, 4),
        (9, WIDTH, WIDTH, 4, 4),
    ],
)
def test_experts_equal_float32(
    small: Transformer, tokens: int, hidden: int, inner: int, experts: int, top_k: int
) -> None:
    module = packed(small, hidden, inner, experts, top_k)
    x, (weights, chosen) = torch.randn(tokens, hidden), routed(tokens, experts, top_k)
    got = module(x, weights, chosen)
    with kernels.using(None):
        assert error(got, module(x, weights, chosen)) < ROUNDED


@pytest.mark.usefixtures("instructions")
@pytest.mark.parametrize("window", [None, 1, 17, 128])
@pytest.mark.parametrize(
    ("batch", "heads", "kv_heads", "time", "keys", "head_dim"),
    [(1, 8, 1, 1, 1, 64), (2, 8, 2, 5, 200, 32), (1, 64, 8, 1, 300, 64), (1, 6, 2, 130, 130, 48), (3, 3, 1, 7, 64, 16)],
)
def test_attention_equals_float32(
    batch: int, heads: int, kv_heads: int, time: int, keys: int, head_dim: int, window: int | None
) -> None:
    queries, sinks = torch.randn(batch, time, heads, head_dim).transpose(1, 2), 3 * torch.randn(heads)
    stored = torch.randn(2, batch, kv_heads, keys + 9, head_dim)[..., :keys, :]  # a cache has room to grow
    visible = Visible(time, keys, window, queries.device)
    got = attend(queries, *stored, sinks, visible)
    with kernels.using(None):
        assert error(got, attend(queries, *stored, sinks, visible)) < EXACT


@pytest.mark.usefixtures("instructions")
def test_weights_need_no_alignment(small: Transformer) -> None:
    module, x, (weights, chosen) = packed(small, 64, 96, 4, 2), torch.randn(9, 64), routed(9, 4, 2)
    expected = module(x, weights, chosen)
    for name, parameter in list(module.named_parameters()):
        moved = torch.empty(parameter.numel() + 1, dtype=parameter.dtype)[1:].view_as(parameter).copy_(parameter)
        setattr(module, name, torch.nn.Parameter(moved, requires_grad=False))
    assert torch.equal(module(x, weights, chosen), expected)


@pytest.mark.usefixtures("instructions")
def test_an_activation_that_is_no_number_shows(small: Transformer) -> None:
    module, x, (weights, chosen) = packed(small, 64, 96, 4, 2), torch.randn(6, 64), routed(6, 4, 2)
    x[2, 40], x[4, 3] = torch.nan, torch.inf
    assert module(x, weights, chosen).isfinite().all(-1).tolist() == [True, True, False, True, False, True]


def test_an_expert_that_is_not_there_is_refused(small: Transformer) -> None:
    with pytest.raises(IndexError, match="not there"):
        packed(small, 64, 96, 4, 2)(torch.randn(1, 64), torch.ones(1, 2), torch.tensor([[0, 4]]))


@pytest.mark.usefixtures("instructions")
def test_a_network_as_it_is_stored_gives_the_logits_of_float32(small: Transformer, tmp_path: Path) -> None:
    save(small, tmp_path, experts="mxfp4")
    stored, wide = load(tmp_path, dtype=None).network, load(tmp_path).network
    rows = torch.randint(0, 500, (1, 90), generator=torch.Generator().manual_seed(1))
    with kernels.using(None):
        expected = wide(rows)
        assert error(stored(rows), expected) < EXACT
    # This network magnifies a layer's error tenfold, and more: its logits differ by 8e-6 when float32 sums otherwise.
    assert error(stored(rows), expected) < 10 * ROUNDED
    reader = Reading(stored)
    steps = [reader.read(rows[0, :41]), *(reader.read(rows[0, at : at + 1]) for at in range(41, 90))]
    assert error(torch.cat(steps), expected[0]) < 10 * ROUNDED
    assert error(stored(rows, wanted=torch.tensor([89])), expected[:, -1:]) < 10 * ROUNDED


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("form", ["mxfp4", "plain"])
def test_every_form_of_a_checkpoint_computes(small: Transformer, tmp_path: Path, dtype: torch.dtype, form: str) -> None:
    save(small, tmp_path, dtype=dtype, experts=form)  # type: ignore[arg-type]
    network, rows = load(tmp_path, dtype=None).network, torch.arange(20)[None]
    got = network(rows)
    with kernels.using(None):
        assert error(got, network(rows)) < 10 * ROUNDED


@pytest.mark.usefixtures("two_threads")
def test_threads_of_python_share_the_kernels(small: Transformer) -> None:
    module = packed(small, 192, 384, 8, 2)
    given = [(torch.randn(tokens, 192), *routed(tokens, 8, 2)) for tokens in (1, 2, 30, 64) * 4]
    expected = [module(*each) for each in given]

    @torch.inference_mode()
    def again(at: int) -> bool:
        return all(torch.equal(module(*given[at]), expected[at]) for _ in range(20))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(again, range(len(given))))


def python(code: str) -> str:
    head = (
        "import os, torch\nfrom cadenza.model import kernels\ntorch.set_num_threads(2)\ntorch.set_grad_enabled(False)\n"
    )
    done = subprocess.run([sys.executable, "-c", head + code], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_forked_process_computes() -> None:
    code = """
x, weight = torch.randn(3, 96), torch.randn(200, 96).bfloat16()
expected = kernels.linear(x, weight)
child = os.fork()
if child == 0:
    os._exit(0 if torch.equal(kernels.linear(x, weight), expected) else 1)
print(os.waitpid(child, 0)[1], torch.equal(kernels.linear(x, weight), expected))
"""
    assert python(code) == "0 True\n"


def test_without_the_library_the_network_is_plain_torch() -> None:
    code = """
from importlib import reload, machinery
machinery.EXTENSION_SUFFIXES = [".missing"]
reload(kernels)
print(kernels.path(), kernels.available(), kernels.take(torch.ones(1)))
"""
    assert python(code) == "torch () False\n"


def test_gradients_are_recorded_in_plain_torch(small: Transformer) -> None:
    with torch.inference_mode(False), torch.enable_grad():
        assert not kernels.take(torch.ones(1))
    assert kernels.take(torch.ones(1))
    with pytest.raises(ValueError, match="no kernels for 'mmx'"), kernels.using("mmx"):  # type: ignore[arg-type]
        pass


def test_a_weight_in_int8_errs_by_half_a_step_at_most() -> None:
    weight = torch.randn(600, 192)  # more rows than are rounded at a time
    weight[2] = 0
    values, scales = quantize(weight)
    errors = (dequantize(values, scales) - weight).abs().unflatten(1, (-1, 64))
    assert (errors <= scales[..., None] * 0.5001).all()
    assert (values.unflatten(1, (-1, 64)).abs().amax(-1) == 127).sum() == 1797, "all groups but those of zeros"


def test_a_rounded_network_is_the_network_of_its_rounded_weights(small: Transformer) -> None:
    rows = torch.randint(small.config.vocab_size, (1, 20))
    rounded, meant = deepcopy(small), deepcopy(small)
    round_dense_layers(rounded)
    for name, layer in rounded.named_modules():
        if isinstance(layer, Int8Linear):
            meant.get_submodule(name).weight.data = dequantize(layer.weight, layer.scales)
    assert sum(isinstance(layer, Int8Linear) for layer in rounded.modules()) == 1 + 4 * small.config.num_layers
    assert not torch.equal(meant(rows), small(rows))
    with kernels.using(None):
        assert error(rounded(rows), meant(rows)) < EXACT
