"""A small model as other servers want it: `python -m cadenza.model.nano.served FOLDER`.

- A row for each of the 201,088 ids, as vLLM has no table from ids to rows. The rows of ids that the model does not know
  are zero in the embedding; in the head they are the mean of the known rows. The mean of numbers is not above their
  largest, so no unknown id is ever the likeliest. Sampling at a temperature is another matter: they are 200,000.
- RoPE is written down as YaRN by a factor of 1, which changes nothing: vLLM reads it as YaRN whatever it is called.
- All other tensors are the model's own, bit for bit.
- The vocabulary in the two forms that vLLM reads: tokenizer.json for text and grammars, a file of ranks for harmony.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

from cadenza.harmony import Special, o200k_harmony
from cadenza.harmony.vocabulary import ORDINARY_SIZE, SPLIT_PATTERN, VOCABULARY_SIZE

from .. import checkpoint
from ..checkpoint import Checkpoint
from ..config import RopeScaling
from ..resolve import DEFAULT, find
from ..transformer import Transformer

ENCODINGS: Final = "encodings"
"""The folder, beside the weights, that openai_harmony looks for in TIKTOKEN_ENCODINGS_BASE."""


def whole(model: Checkpoint) -> Transformer:
    """The same network with a row for every id."""
    if model.ids is None:
        return model.network
    config, ids = model.network.config, torch.tensor(model.ids)
    rope = config.rope_scaling or RopeScaling(factor=1.0, original_context=config.max_context)
    with torch.device("meta"):
        network = Transformer(replace(config, vocab_size=VOCABULARY_SIZE, rope_scaling=rope))
    state = dict(model.network.state_dict())
    embedding, head = state["model.embed_tokens.weight"], state["lm_head.weight"]
    mean = head.float().mean(0).to(head.dtype)
    for name, known, unknown in (
        ("model.embed_tokens.weight", embedding, torch.zeros_like(embedding[0])),
        ("lm_head.weight", head, mean),
    ):
        state[name] = unknown.repeat(VOCABULARY_SIZE, 1).index_copy(0, ids, known)
    network.load_state_dict(state, assign=True)
    return network.eval()


def write(folder: Path, name: str = DEFAULT) -> None:
    """A checkpoint folder with all that a server reads."""
    checkpoint.save(whole(checkpoint.load(find(name), dtype=None)), folder)
    greedy = {"do_sample": False, "temperature": 0.0, "eos_token_id": [Special.RETURN, Special.ENDOFTEXT, Special.CALL]}
    (folder / "generation_config.json").write_text(json.dumps(greedy) + "\n")
    write_vocabulary(folder)


def write_vocabulary(folder: Path) -> None:
    """o200k_harmony as tokenizer.json and as tiktoken's ranks."""
    vocabulary = o200k_harmony()
    tokens = [vocabulary.token_bytes(id) for id in range(ORDINARY_SIZE)]
    (folder / ENCODINGS).mkdir(parents=True, exist_ok=True)
    ranks = b"".join(b"%s %d\n" % (base64.b64encode(token), rank) for rank, token in enumerate(tokens))
    (folder / ENCODINGS / "o200k_base.tiktoken").write_bytes(ranks)
    special = {id: vocabulary.token_bytes(id).decode() for id in range(ORDINARY_SIZE, VOCABULARY_SIZE)}
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    split = {"type": "Split", "pattern": {"Regex": SPLIT_PATTERN}, "behavior": "Isolated", "invert": False}
    in_bytes = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    described = {
        "version": "1.0",
        "added_tokens": [{"id": id, "content": text, **plain} for id, text in special.items()],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, in_bytes]},
        "decoder": in_bytes,
        "model": {
            "type": "BPE",
            "ignore_merges": True,
            "vocab": {_shown(token): id for id, token in enumerate(tokens)},
            "merges": [[_shown(left), _shown(right)] for left, right in _merges(tokens)],
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(described))
    names = {"eos_token": Special.RETURN.text, "pad_token": Special.ENDOFTEXT.text}
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(about) + "\n")


def _merges(tokens: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Any two pieces that make a token may be joined; lower ranks come first, as in tiktoken."""
    known = set(tokens)
    for token in tokens:
        for cut in range(1, len(token)):
            if token[:cut] in known and token[cut:] in known:
                yield token[:cut], token[cut:]


_PRINTED: Final = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
_SHOWN: Final = {
    byte: chr(byte) if byte in _PRINTED else chr(0x100 + sum(other not in _PRINTED for other in range(byte)))
    for byte in range(256)
}
"""A character for each byte, as byte-level tokenizers write them."""


def _shown(token: bytes) -> str:
    return "".join(map(_SHOWN.__getitem__, token))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
