"""What the tests of the model share."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import openai_harmony
import pytest

from cadenza.harmony import is_special, o200k_harmony


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai_harmony.HarmonyEncoding]:
    """openai-harmony's encoding of the gpt-oss models; the environment variable keeps it off the network."""
    folder, vocabulary = tmp_path_factory.mktemp("encodings"), o200k_harmony()
    tokens = ((id, vocabulary.token_bytes(id)) for id in vocabulary.ids if not is_special(id))
    lines = (b"%s %d\n" % (base64.b64encode(token), id) for id, token in tokens)
    (folder / "o200k_base.tiktoken").write_bytes(b"".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_ENCODINGS_BASE", str(folder))
        yield openai_harmony.load_harmony_encoding(openai_harmony.HarmonyEncodingName.HARMONY_GPT_OSS)
