"""Transcripts: they append, and a message costs the message."""

from __future__ import annotations

from collections.abc import Sequence

from cadenza.harmony import (
    BytePairVocabulary,
    Message,
    Provenance,
    Role,
    Special,
    Transcript,
    o200k_harmony,
    open_turn,
    render_conversation,
)


class Counting:
    """The vocabulary, and how many characters it was asked to encode."""

    def __init__(self) -> None:
        self.characters = 0
        self._whole: BytePairVocabulary = o200k_harmony()

    @property
    def ids(self) -> Sequence[int]:
        return self._whole.ids

    def encode(self, text: str) -> list[int]:
        self.characters += len(text)
        return self._whole.encode(text)

    def token_bytes(self, id: int) -> bytes:
        return self._whole.token_bytes(id)

    def bytes_of(self, ids: Sequence[int]) -> bytes:
        return self._whole.bytes_of(ids)


def test_a_message_costs_the_message_never_the_history() -> None:
    vocabulary = Counting()
    transcript = Transcript(vocabulary, [Message.user("word " * 10_000)])
    for text in ("short", "also short"):
        before = vocabulary.characters
        transcript.append(Message.user(text))
        transcript.prompt()
        transcript.extend([1, 2, 3, Special.RETURN], Provenance.SAMPLED)
        assert vocabulary.characters - before == len("user" + text + "assistant")


def test_the_prompt_is_the_exact_ids_and_opens_the_turn_once() -> None:
    vocabulary, asked = o200k_harmony(), Message.user("1?")
    transcript = Transcript(vocabulary, [asked])
    expected = (*render_conversation([asked], vocabulary), *open_turn(vocabulary, Role.ASSISTANT))
    assert transcript.prompt() == expected
    assert transcript.prompt() == expected == transcript.ids
    sampled = [Special.CHANNEL, *vocabulary.encode("final"), Special.MESSAGE, *vocabulary.encode("1"), Special.RETURN]
    transcript.extend(sampled, Provenance.SAMPLED)
    transcript.append(Message.user("2?"))
    assert transcript.prompt()[: len(expected) + len(sampled)] == (*expected, *sampled)


def test_only_a_policy_changes_ids_and_it_says_which_prefix_survives() -> None:
    vocabulary, asked = o200k_harmony(), Message.user("1?")
    thought, said = Message.assistant("hm", channel="analysis"), Message.assistant("1", channel="final")
    transcript = Transcript(vocabulary, [asked, thought, said])
    before, kept = transcript.ids, transcript.copy()
    assert kept.renew("keep_all") == len(before)
    assert kept.ids == before
    surviving = transcript.renew("per_turn")
    assert transcript.ids == tuple(render_conversation([asked, said], vocabulary))
    assert before[:surviving] == transcript.ids[:surviving]
    assert before[surviving] != transcript.ids[surviving]


def test_the_end_of_a_message_that_was_cut_short_does_not_survive_as_it_was_not_there() -> None:
    vocabulary = o200k_harmony()
    transcript = Transcript(vocabulary, [Message.user("1?")])
    transcript.prompt()
    cut = [Special.CHANNEL, *vocabulary.encode("final"), Special.MESSAGE, *vocabulary.encode("1")]
    transcript.extend(cut, Provenance.SAMPLED)
    before = transcript.ids
    assert transcript.renew("keep_all") == len(before)
    assert transcript.ids == (*before, Special.END)
