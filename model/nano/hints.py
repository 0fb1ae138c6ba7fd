"""What could be known of a function long before its name is wanted: how the name begins.

A function that is asked for by the last word of its name is found in three steps of attention, of which none helps
alone: from that word in the request to the same one in a declaration, from there to the beginning of the name, and
with this to where the name is wanted. So the first two are taught by themselves, as hints to layers in the middle
(deep supervision, arXiv:1409.5185).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final, TypeAlias

from cadenza.harmony import BytePairVocabulary, is_special

Hints: TypeAlias = dict[int, int]
"""Where a token stands, and the id that is hinted at."""


def of_declarations(ids: Sequence[int], vocabulary: BytePairVocabulary) -> tuple[Hints, dict[bytes, int]]:
    """Of each token of a declaration the id in which its name begins; and of each word that ends one name alone."""
    text, starts = _text(ids, vocabulary)
    hints, of_words, names = Hints(), dict[bytes, int](), Counter[bytes]()
    for declaration in _DECLARATION.finditer(text):
        first, end = (bisect_left(starts, at) for at in (declaration.start(1), declaration.end()))
        hints |= dict.fromkeys(range(first, end), ids[first])
        word = declaration[1].rpartition(b"_")[2]
        of_words[word] = ids[first]
        names[word] += 1
    return hints, {word: id for word, id in of_words.items() if names[word] == 1}


def of_words(ids: Sequence[int], vocabulary: BytePairVocabulary, known: Mapping[bytes, int]) -> Hints:
    """Of the last token of each of these words its id."""
    text, starts = _text(ids, vocabulary)
    words = ((word.end(), known.get(word[0])) for word in _WORD.finditer(text))
    return {bisect_left(starts, end) - 1: id for end, id in words if id is not None}


_DECLARATION: Final = re.compile(rb"^type (\w+) = .*?=> any;", re.MULTILINE | re.DOTALL)
_WORD: Final = re.compile(rb"[^\W_]+")


def _text(ids: Sequence[int], vocabulary: BytePairVocabulary) -> tuple[bytes, list[int]]:
    """What ids spell, special tokens a space, and where each of them begins."""
    pieces = [b" " if is_special(id) else vocabulary.token_bytes(id) for id in ids]
    return b"".join(pieces), list(accumulate(map(len, pieces), initial=0))
