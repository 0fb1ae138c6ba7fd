"""The o200k_harmony vocabulary: 199,998 byte-pair ranks and 1,091 special tokens.

- Text is always encoded as ordinary text: no string ever becomes a special token.
- The ranks ship with the package and load at first use, without a network.
- A restriction keeps a closed subset of the ranks under their original ids, so that every model
  speaks one id space, however small its embedding.
- Nothing outside this file knows a special token's number.

Sources: OpenAI's tiktoken (MIT) for the ranks and the split pattern, openai-harmony 0.0.8 (Apache-2.0)
for the special tokens.
"""

from __future__ import annotations

import lzma
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from functools import cache, cached_property
from importlib.resources import files
from itertools import accumulate, pairwise
from typing import Final, Protocol

import tiktoken

from .errors import VocabularyError

ORDINARY_SIZE: Final = 199_998
VOCABULARY_SIZE: Final = 201_088
"""Rows of the embedding of a released gpt-oss checkpoint."""
LAST_SPECIAL: Final = 201_088
"""The highest id of the encoding. It has no row in the released checkpoints, so no model can sample it."""

_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_BEFORE_WORD, _AFTER_WORD = r"[^\r\n\p{L}\p{N}]?", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
SPLIT_PATTERN: Final = "|".join(
    [
        f"{_BEFORE_WORD}{_UPPER}*{_LOWER}+{_AFTER_WORD}",
        f"{_BEFORE_WORD}{_UPPER}+{_LOWER}*{_AFTER_WORD}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)
"""How o200k_base splits a text before it merges bytes (tiktoken_ext.openai_public)."""


class Special(IntEnum):
    """The special tokens that have a meaning in the format."""

    STARTOFTEXT = 199998
    ENDOFTEXT = 199999
    RETURN = 200002
    CONSTRAIN = 200003
    CHANNEL = 200005
    START = 200006
    END = 200007
    MESSAGE = 200008
    CALL = 200012

    @property
    def text(self) -> str:
        return f"<|{self.name.lower()}|>"


STOP_TOKENS: Final = frozenset({Special.RETURN, Special.END, Special.CALL})
"""What ends a message in the format."""
MESSAGE_ENDS: Final = STOP_TOKENS | {Special.ENDOFTEXT}
"""What ends a message in practice: models also sample `<|endoftext|>`."""
TURN_STOP_TOKENS: Final = frozenset({Special.RETURN, Special.CALL, Special.ENDOFTEXT})
"""What ends a model's turn: the answer is given, or a tool is to run."""

_SPECIAL_TEXT: Final[dict[int, str]] = {id: f"<|reserved_{id}|>" for id in range(ORDINARY_SIZE, LAST_SPECIAL + 1)} | {
    special.value: special.text for special in Special
}


def is_special(id: int) -> bool:
    """Whether an id is one of the 1,091 special tokens, reserved ones included."""
    return ORDINARY_SIZE <= id <= LAST_SPECIAL


class Vocabulary(Protocol):
    """Text to ids and back. All ids are those of o200k_harmony."""

    @property
    def ids(self) -> Sequence[int]:
        """Every id that this vocabulary holds, ascending; a model's embedding has one row for each."""

    def encode(self, text: str) -> list[int]:
        """The ids of a text, as ordinary text throughout. Lone surrogates become U+FFFD."""

    def token_bytes(self, id: int) -> bytes:
        """The bytes of one token; a special token's are its name. Raises VocabularyError for an unknown id."""

    def bytes_of(self, ids: Sequence[int]) -> bytes:
        """The bytes of ordinary tokens, joined. Raises VocabularyError for any other id."""


class BytePairVocabulary:
    """A vocabulary over a set of byte-pair ranks, with tiktoken's encoder.

    ranks: bytes of each ordinary token -> its id in o200k. Every single byte must be among them.
    special: the ids of the special tokens that this vocabulary holds.
    """

    def __init__(self, ranks: Mapping[bytes, int], special: Iterable[int]) -> None:
        missing = [byte for byte in range(256) if bytes([byte]) not in ranks]
        if missing:
            raise VocabularyError(f"a vocabulary needs all 256 single bytes; missing: {missing[:5]}")
        self._ranks = dict(ranks)
        self._special = frozenset(special)
        self._encoding = tiktoken.Encoding(
            "o200k_harmony", pat_str=SPLIT_PATTERN, mergeable_ranks=self._ranks, special_tokens={}
        )

    @cached_property
    def ids(self) -> Sequence[int]:
        return (*sorted(self._ranks.values()), *sorted(self._special))

    def encode(self, text: str) -> list[int]:
        ids: list[int] = []
        at = 0
        for begin, end in _long_blanks(text):
            ids += self._encoding.encode_ordinary(text[at:begin])
            ids += self._one_piece.encode_ordinary(text[begin:end])
            at = end
        return ids + self._encoding.encode_ordinary(text[at:])

    @cached_property
    def _one_piece(self) -> tiktoken.Encoding:
        """Merges all of a text, without splitting it first."""
        return tiktoken.Encoding(
            "o200k_harmony_piece", pat_str="(?s:.+)", mergeable_ranks=self._ranks, special_tokens={}
        )

    def token_bytes(self, id: int) -> bytes:
        if id in self._special:
            return _SPECIAL_TEXT[id].encode()
        try:
            return self._encoding.decode_single_token_bytes(id)
        except (KeyError, OverflowError):
            raise VocabularyError(f"token id {id} is not in this vocabulary of {len(self.ids)} tokens") from None

    def bytes_of(self, ids: Sequence[int]) -> bytes:
        try:
            return b"".join(map(self._token_of, ids))
        except KeyError as error:
            raise VocabularyError(f"token id {error} is not among this vocabulary's ordinary tokens") from None

    @cached_property
    def _token_of(self) -> Callable[[int], bytes]:
        return {id: token for token, id in self._ranks.items()}.__getitem__

    def restrict(self, ids: Iterable[int]) -> BytePairVocabulary:
        """The same vocabulary with fewer tokens, each under its own id.

        ids must hold all 256 single bytes; use `close` first so that each token can be reached by merges.
        Raises VocabularyError for an id that is not in this vocabulary.
        """
        wanted = list(ids)
        if unknown := [id for id in wanted if is_special(id) and id not in self._special]:
            raise VocabularyError(f"token id {unknown[0]} is not in this vocabulary of {len(self.ids)} tokens")
        ranks = {self.token_bytes(id): id for id in wanted if not is_special(id)}
        return BytePairVocabulary(ranks, self._special.intersection(wanted))

    def close(self, ids: Iterable[int]) -> set[int]:
        """`ids` plus every token on the way of merges that leads to one of them, plus all single bytes.

        A byte-pair encoder reaches a token only through the pieces that its last merge joins, so a
        restriction that lacks a piece would never produce the token.
        """
        rank_of = self._ranks
        closed = {rank_of[bytes([byte])] for byte in range(256)}
        todo = list(ids)
        while todo:
            id = todo.pop()
            if id in closed:
                continue
            closed.add(id)
            if not is_special(id):
                todo.extend(rank_of[piece] for piece in _last_merge(self.token_bytes(id), rank_of))
        return closed


WHITE: Final = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""Unicode's White_Space, which is not quite Python's, as the inside of a pattern's brackets."""
_LONG: Final = 50_000  # characters; from about half a million on, tiktoken's splitter overflows its stack
_LONG_WHITE: Final = re.compile(f"(?<![{WHITE}])[{WHITE}]{{{_LONG},}}")  # not tried at each blank of a shorter run


def _long_blanks(text: str, white: re.Pattern[str] = _LONG_WHITE) -> Iterator[tuple[int, int]]:
    """Where the pieces begin and end that the pattern makes of long white space.

    It is one piece up to its last end of a line, and one of the blanks behind that, but for the last blank if other
    text follows: that one begins the next piece. Ends of lines right behind a sign belong to the sign.
    """
    for run in white.finditer(text):
        begin, end = run.span()
        if begin and unicodedata.category(text[begin - 1])[0] in "PSC":
            begin += len(run[0]) - len(run[0].lstrip("\r\n"))
        line = max(text.rfind("\r", begin, end), text.rfind("\n", begin, end)) + 1
        if line > begin:
            yield begin, line
        blanks = max(begin, line), end if end == len(text) else end - 1
        if blanks[1] > blanks[0]:
            yield blanks


def _last_merge(token: bytes, rank_of: Mapping[bytes, int]) -> tuple[bytes, ...]:
    """The two pieces that byte-pair encoding joins last to make `token`."""
    pieces = [bytes([byte]) for byte in token]
    limit = rank_of[token]
    while len(pieces) > 2:
        ranks = [rank_of.get(left + right, limit) for left, right in pairwise(pieces)]
        lowest = min(ranks)
        if lowest >= limit:
            break
        at = ranks.index(lowest)
        pieces[at : at + 2] = [pieces[at] + pieces[at + 1]]
    return tuple(pieces)


def _bundled_tokens() -> list[bytes]:
    """The ordinary tokens in rank order."""
    raw = lzma.decompress((files(__package__) / "data" / "o200k_base.lens.xz").read_bytes())
    bounds = accumulate(raw[:ORDINARY_SIZE], initial=ORDINARY_SIZE)
    return [raw[start:end] for start, end in pairwise(bounds)]


@cache
def o200k_harmony() -> BytePairVocabulary:
    """The whole vocabulary. The first call takes a third of a second; the object is shared."""
    ranks = {token: rank for rank, token in enumerate(_bundled_tokens())}
    return BytePairVocabulary(ranks, range(ORDINARY_SIZE, LAST_SPECIAL + 1))


def restricted(ids: Sequence[int]) -> BytePairVocabulary:
    """`o200k_harmony().restrict(ids)` without building the whole encoder: 60 ms instead of 400.

    Raises VocabularyError for an id outside o200k_harmony, or if a single byte is missing.
    """
    tokens = _bundled_tokens()
    unknown = [id for id in ids if not 0 <= id <= LAST_SPECIAL]
    if unknown:
        raise VocabularyError(f"token id {unknown[0]} is not in o200k_harmony")
    ranks = {tokens[id]: id for id in ids if not is_special(id)}
    return BytePairVocabulary(ranks, filter(is_special, ids))
