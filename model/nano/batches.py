"""Batches of fresh conversations, each id with its weight in the loss.

The conversations of a batch have one beginning, which is read once for all: an effort, and what the agent is told.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cadenza.harmony import (
    BytePairVocabulary,
    Channel,
    Message,
    Role,
    Special,
    is_special,
    open_turn,
    render,
    render_conversation,
)

from . import hints
from .curriculum import efforts
from .draw import Draw
from .families import FAMILIES, Family
from .hints import Hints

CONTEXT_WEIGHT: Final = 0.2
"""Loss weight of what the assistant reads; what it samples weighs 1, what a batch shares nothing."""
DECISION_WEIGHT: Final = 3.0
"""Loss weight of the words of reasoning and of a function's name in a header: few tokens, and all that is decided."""


@dataclass(frozen=True, slots=True)
class Document:
    """Ids, the weight of each in the loss, and hints to those that ask for a function."""

    ids: list[int]
    weights: list[float]
    hints: Hints


def document(
    messages: Sequence[Message], vocabulary: BytePairVocabulary, known: Mapping[bytes, int] | None = None
) -> Document:
    """A conversation as the model meets it: a final answer ends in `<|return|>`, since it is sampled.

    known: words that end the name of a function, and the id in which it begins.
    """
    ids: list[int] = []
    weights: list[float] = []
    found = Hints()
    prompt = len(open_turn(vocabulary))
    asked = max((at for at, message in enumerate(messages) if message.role is Role.USER), default=0)
    for at, message in enumerate(messages):
        own = render(message, vocabulary)
        sampled = message.role is Role.ASSISTANT and at > asked  # earlier answers are context
        if sampled and message.channel == Channel.FINAL:
            own[-1] = int(Special.RETURN)
        if message.role is Role.USER:
            found |= {len(ids) + at: id for at, id in hints.of_words(own, vocabulary, known or {}).items()}
        ids += own
        weights += [CONTEXT_WEIGHT] * prompt
        if not sampled:
            weights += [CONTEXT_WEIGHT] * (len(own) - prompt)
            continue
        header = own.index(Special.MESSAGE)
        names = message.channel == Channel.COMMENTARY
        weights += [DECISION_WEIGHT if names else 1.0] * (header - prompt)
        if message.channel == Channel.ANALYSIS and message.recipient is None:
            weights += [DECISION_WEIGHT if _is_word(id, vocabulary) else 1.0 for id in own[header:]]
        else:
            weights += [1.0] * (len(own) - header)
    return Document(ids, weights, found)


def _is_word(id: int, vocabulary: BytePairVocabulary) -> bool:
    """Whether a token is special or has a letter in it, unlike numbers and operators."""
    return is_special(id) or any(chr(byte).isalpha() for byte in vocabulary.token_bytes(id))


@dataclass(frozen=True, slots=True)
class Batch:
    """Conversations that share one beginning. share: of a step's loss; hints: to tokens of the beginning."""

    family: str
    prefix: list[int]  # ids; none at all where nothing is shared
    documents: list[Document]
    share: float
    hints: Hints


class Batches:
    """Batches of all families. What a step learns from is the same each time it is asked for."""

    def __init__(self, vocabulary: BytePairVocabulary, seed: int) -> None:
        self.vocabulary = vocabulary
        self.seed = seed

    def of_step(self, step: int, families: Sequence[Family] = FAMILIES, *, times: int = 1) -> Iterator[Batch]:
        """times: how often each family has its batches."""
        for family in families:
            draw = Draw(random.Random(f"{self.seed} {family.name} {step}"), loose=True)
            for _ in range(times * family.batches):
                yield self.of(family, draw, family.size)

    def of(self, family: Family, draw: Draw, size: int) -> Batch:
        effort = efforts(draw)
        shared, go_on = family.begin(draw, effort)
        prefix = render_conversation(shared, self.vocabulary)
        declared, known = hints.of_declarations(prefix, self.vocabulary)
        documents = [document(go_on(), self.vocabulary, known) for _ in range(size)]
        return Batch(family.name, prefix, documents, family.share / family.batches, declared)
