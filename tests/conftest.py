"""What all tests share."""

from __future__ import annotations

import base64
import io
import lzma
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import openai_harmony
import pytest
import torch
from hypothesis import HealthCheck, settings

RANKS = 199_998

settings.register_profile(
    "sample", parent=settings(), max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("conformance", parent=settings.get_profile("sample"), max_examples=10_000)
settings.load_profile("sample")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sequences", type=int, default=5_000, help="how many sequences of ids the parser is tried on")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the journal of whoever runs it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Small tensors gain nothing from a second thread, and on a busy machine they lose a lot."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def ranks() -> list[bytes]:
    """The bytes of every ordinary token, in the order of ids; read here without `cadenza.harmony`'s own reader."""
    packed = resources.files("cadenza.harmony") / "data" / "o200k_base.lens.xz"
    data = io.BytesIO(lzma.decompress(packed.read_bytes()))
    return [data.read(length) for length in data.read(RANKS)]


@pytest.fixture(scope="session")
def reference(ranks: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai_harmony.HarmonyEncoding]:
    """openai-harmony's encoding of the gpt-oss models; the environment variable keeps it off the network."""
    folder = tmp_path_factory.mktemp("encodings")
    lines = (b"%s %d\n" % (base64.b64encode(token), rank) for rank, token in enumerate(ranks))
    (folder / "o200k_base.tiktoken").write_bytes(b"".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_ENCODINGS_BASE", str(folder))
        yield openai_harmony.load_harmony_encoding(openai_harmony.HarmonyEncodingName.HARMONY_GPT_OSS)
