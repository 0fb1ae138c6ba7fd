"""What other servers load is the same model, and the same vocabulary."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

from cadenza.harmony import Message, Special, SystemContent, Transcript, o200k_harmony, restricted
from cadenza.model.checkpoint import Checkpoint, load
from cadenza.model.nano.served import ENCODINGS, whole, write_vocabulary
from cadenza.model.resolve import find


def read(model: Checkpoint) -> list[int]:
    assert model.ids is not None
    transcript = Transcript(restricted(model.ids))
    transcript.append(Message.system(SystemContent(current_date="2026-01-31")), Message.user("What is 48 * 17?"))
    return list(transcript.prompt())


@torch.inference_mode()
def test_a_row_for_every_id_changes_no_logit_and_no_unknown_id_is_the_likeliest() -> None:
    model = load(find("nano"))
    assert model.ids is not None
    network, prompt = whole(model), read(model)
    rows = [model.ids.index(id) for id in prompt]
    wide, narrow = network(torch.tensor([prompt]))[0], model.network(torch.tensor([rows]))[0]
    torch.testing.assert_close(wide[:, list(model.ids)], narrow, atol=1e-4, rtol=1e-4)
    assert wide.argmax(-1).tolist() == [model.ids[row] for row in narrow.argmax(-1)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    write_vocabulary(folder)
    return folder


def test_the_tokenizer_is_ours(written: Path) -> None:
    theirs, ours = Tokenizer.from_file(str(written / "tokenizer.json")), o200k_harmony()
    for text in ("How many shells?\n\n  12345 x 7 = ", "naïve façade — 東京 🦀🦀", "    def f(x):\r\n\treturn x's"):
        assert theirs.encode(text).ids == ours.encode(text)
        assert theirs.decode(ours.encode(text)) == text
    assert theirs.encode("<|return|>").ids == [Special.RETURN]


def test_the_ranks_are_a_line_for_each_ordinary_token(written: Path) -> None:
    lines = (written / ENCODINGS / "o200k_base.tiktoken").read_bytes().splitlines()
    assert (len(lines), lines[0], lines[-1].split()[1]) == (199_998, b"IQ== 0", b"199997")
