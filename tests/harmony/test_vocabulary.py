"""`vocabulary` against openai-harmony's tokenizer, and restrictions of it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai_harmony import HarmonyEncoding as Reference

import cadenza.harmony.vocabulary as vocabulary_module
from cadenza.harmony import BytePairVocabulary, Special, VocabularyError, is_special, o200k_harmony, restricted

ORDINARY = range(199_998)
SPECIAL = range(199_998, 201_089)

names = [f"<|{special.name.lower()}|>" for special in Special] + [
    "<|reserved_200018|>",
    "<|endofprompt|>",
    "<|end",
    "|>",
]
spaced = st.text(" \n\r\t\u00a0\u3000'sSllé1234.,/", max_size=30)
unicode = st.text(st.characters(codec="utf-8"), max_size=40)
texts = unicode | st.lists(st.sampled_from(names) | spaced | unicode, max_size=6).map("".join)


@pytest.fixture(scope="module")
def vocabulary() -> BytePairVocabulary:
    return o200k_harmony()


def decoded(ids: list[int], vocabulary: BytePairVocabulary) -> str:
    return b"".join(map(vocabulary.token_bytes, ids)).decode()


@given(text=texts)
def test_text_has_the_reference_s_ids(reference: Reference, vocabulary: BytePairVocabulary, text: str) -> None:
    ids = vocabulary.encode(text)
    assert ids == reference.encode(text, disallowed_special=())
    assert decoded(ids, vocabulary) == text


@given(text=texts)
def test_text_never_becomes_a_special_token(vocabulary: BytePairVocabulary, text: str) -> None:
    assert not any(map(is_special, vocabulary.encode(text)))


def test_the_name_of_every_special_token_is_ordinary_text(vocabulary: BytePairVocabulary) -> None:
    for id in SPECIAL:
        assert not any(map(is_special, vocabulary.encode(vocabulary.token_bytes(id).decode())))


def test_a_lone_surrogate_becomes_a_replacement_character(vocabulary: BytePairVocabulary) -> None:
    assert decoded(vocabulary.encode("a\ud800b"), vocabulary) == "a\N{REPLACEMENT CHARACTER}b"


def test_every_ordinary_id_has_its_bytes(ranks: list[bytes], vocabulary: BytePairVocabulary) -> None:
    assert [vocabulary.token_bytes(id) for id in ORDINARY] == ranks


def test_every_special_id_has_the_reference_s_name(reference: Reference, vocabulary: BytePairVocabulary) -> None:
    assert [vocabulary.token_bytes(id).decode() for id in SPECIAL] == [reference.decode([id]) for id in SPECIAL]
    assert all(map(is_special, SPECIAL))
    assert not any(map(is_special, [-1, 0, ORDINARY[-1], SPECIAL[-1] + 1]))


def test_the_ids_are_all_and_ascending(vocabulary: BytePairVocabulary) -> None:
    assert list(vocabulary.ids) == [*ORDINARY, *SPECIAL]


@pytest.mark.parametrize("id", [-1, 201_089, 2**40])
def test_an_id_outside_the_vocabulary_is_refused(vocabulary: BytePairVocabulary, id: int) -> None:
    with pytest.raises(VocabularyError, match=str(id)):
        vocabulary.token_bytes(id)
    with pytest.raises(VocabularyError):
        vocabulary.restrict(vocabulary.close([]) | {id})
    with pytest.raises(VocabularyError, match=str(id)):
        restricted([*vocabulary.close([]), id])


def test_a_restriction_without_a_single_byte_is_refused(vocabulary: BytePairVocabulary) -> None:
    with pytest.raises(VocabularyError, match="single bytes"):
        restricted(sorted(vocabulary.close([]))[1:])


subsets = st.lists(st.sampled_from(ORDINARY) | st.sampled_from(SPECIAL) | st.integers(0, 2000), max_size=200)


@settings(max_examples=15)
@given(ids=subsets, samples=st.lists(texts, max_size=20))
def test_a_restriction_keeps_ids_and_round_trips_any_text(
    vocabulary: BytePairVocabulary, ids: list[int], samples: list[str]
) -> None:
    closed = vocabulary.close(ids)
    small = vocabulary.restrict(closed)
    assert closed.issuperset(ids)
    assert list(small.ids) == sorted(closed)
    assert all(small.token_bytes(id) == vocabulary.token_bytes(id) for id in closed)
    for text in samples:
        encoded = small.encode(text)
        assert closed.issuperset(encoded)
        assert not any(map(is_special, encoded))
        assert decoded(encoded, small) == text


@settings(max_examples=15)
@given(ids=subsets)
def test_a_restriction_reaches_each_of_its_tokens(vocabulary: BytePairVocabulary, ids: list[int]) -> None:
    small = vocabulary.restrict(vocabulary.close(ids))
    for id in filter(ORDINARY.__contains__, small.ids):
        text = vocabulary.token_bytes(id).decode(errors="replace")
        if vocabulary.encode(text) == [id]:
            assert small.encode(text) == [id]


@settings(max_examples=5)
@given(text=texts)
def test_a_restriction_to_a_text_s_tokens_encodes_it_the_same(vocabulary: BytePairVocabulary, text: str) -> None:
    ids = vocabulary.encode(text)
    assert vocabulary.restrict(vocabulary.close(ids)).encode(text) == ids


@settings(max_examples=5)
@given(ids=subsets, text=texts)
def test_a_restriction_is_the_same_whichever_way_it_is_made(
    vocabulary: BytePairVocabulary, ids: list[int], text: str
) -> None:
    closed = sorted(vocabulary.close(ids))
    one, other = vocabulary.restrict(closed), restricted(closed)
    assert one.ids == other.ids
    assert one.encode(text) == other.encode(text)


@given(st.text(alphabet=st.sampled_from(" \n\r\t\xa0\u2003\x1c\x85a1!/.\u0301中"), max_size=40))
def test_long_white_space_is_split_as_the_pattern_splits_it(text: str) -> None:
    """Against tiktoken's own splitter, with white space that counts as long from two characters on."""
    vocabulary = o200k_harmony()
    short = re.compile(vocabulary_module._LONG_WHITE.pattern.replace(str(vocabulary_module._LONG), "2"))
    pieces, at = list[int](), 0
    for begin, end in vocabulary_module._long_blanks(text, short):
        assert at <= begin < end
        pieces += vocabulary.encode(text[at:begin]) + vocabulary._one_piece.encode_ordinary(text[begin:end])
        at = end
    assert pieces + vocabulary.encode(text[at:]) == vocabulary.encode(text)


@pytest.mark.parametrize(
    "text",
    [
        " " * 10**6,
        "a" + " " * 10**6 + "b",
        "!\n" + " \n" * 300_000,
        "a" * 2**19,
        (" " * 49_999 + "a") * 40,  # a scan from each blank would take many minutes
    ],
    ids=["blanks", "blanks inside", "lines", "letters", "many runs of blanks"],
)
def test_texts_without_an_end_are_encoded_and_decoded(text: str) -> None:
    vocabulary = o200k_harmony()
    assert vocabulary.bytes_of(vocabulary.encode(text)).decode() == text
