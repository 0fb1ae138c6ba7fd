"""Token masks: which tokens may come next, so that a turn follows its grammar.

- llguidance compiles the grammar and computes the masks; its tables are built once per vocabulary and shared.
- It is given the token ids of o200k_harmony as they are, with holes where a vocabulary is restricted, so that a
  grammar's text means the same everywhere. Only the mask is brought to the rows of a network.
- Every turn has a matcher of its own and never goes back: llguidance's rollback is not safe over ids in a grammar.
- What cannot be held to raises ConstraintError. Nothing is ever sampled unmasked instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from threading import Lock

import torch
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper
from torch import Tensor

from cadenza.harmony import Special, TurnGrammar, Vocabulary, is_special

from .errors import ConstraintError


class Constrainer:
    """Starts constraints for one engine. ids: the token id of each of the network's rows."""

    def __init__(self, vocabulary: Vocabulary, ids: Sequence[int]) -> None:
        """The first one of a vocabulary builds its tables: 0.1 s for nano, 1 s for all of o200k_harmony."""
        self._tokenizer = _tokenizer(vocabulary)  # type: ignore[arg-type] # vocabularies hash by identity
        self._index = slice(len(ids)) if ids == range(len(ids)) else torch.tensor(ids)
        self._matchers: dict[str, LLMatcher] = {}
        self._lock = Lock()  # turns may start in several threads

    def start(self, grammar: TurnGrammar) -> Constraint:
        """A constraint for one turn. Raises ConstraintError: a line that names the tool and the keyword at fault."""
        if grammar.budget is not None:
            self.matcher(grammar.budget.afterwards)  # fails now or never
        return Constraint(grammar, self)

    def matcher(self, text: str) -> LLMatcher:
        """A matcher at the beginning of a grammar. Compiled grammars are kept: a run's turns share one."""
        with self._lock:
            if text not in self._matchers:
                matcher = LLMatcher(self._tokenizer, text, log_level=0)
                if matcher.is_error():
                    raise _compile_error(matcher.get_error(), text)
                while len(self._matchers) >= _KEPT:
                    del self._matchers[next(iter(self._matchers))]
                self._matchers[text] = matcher
            return self._matchers[text].deep_copy()

    def forget(self) -> None:
        """Lets go of the compiled grammars: copies of a matcher share state, and one that fails may leave it broken."""
        with self._lock:
            self._matchers.clear()

    def rows(self, mask: bytes) -> Tensor:
        """A bit per token id -> a bool per row, `[vocab_size]`."""
        packed = torch.frombuffer(bytearray(mask), dtype=torch.uint8)
        return _BITS.index_select(0, packed.int()).view(-1)[self._index]


_KEPT = 8  # compiled grammars
_BITS = (torch.arange(256)[:, None] >> torch.arange(8) & 1).bool()  # `[256, 8]`, the bits of a byte, lowest first


class Constraint:
    """What may come next in one turn. Feed it every token of the turn: those it forced, and those that were sampled."""

    def __init__(self, grammar: TurnGrammar, constrainer: Constrainer) -> None:
        self._constrainer = constrainer
        self._matcher = constrainer.matcher(grammar.text)
        self._budget = grammar.budget  # None once reasoning is over
        self._analysis = grammar.analysis
        self._reasoned = 0  # tokens of analysis
        self._reasoning = False  # inside the text of an analysis message
        self._recent: list[int] = []  # ids since the last message began
        self._computed: bytes | None = None

    @property
    def finished(self) -> bool:
        """Whether the turn is whole: nothing may follow."""
        return self._matcher.is_stopped()

    @property
    def allowed(self) -> Tensor:
        """A bool for each row, `[vocab_size]`. Raises ConstraintError if no row is left."""
        rows = self._constrainer.rows(self._mask())
        if not rows.any():
            raise ConstraintError("the turn's grammar leaves no token that this model has a row for")
        return rows

    def forced(self, limit: int) -> list[int]:
        """Accepts and returns the ids, at most `limit`, that have to come next. Raises ConstraintError.

        Where it returns none, and the turn is not finished, there is a choice.
        """
        return self._take_all(self._forced, limit)

    def foreseen(self, limit: int) -> list[int]:
        """`forced`, as far as it can be told without computing a mask."""
        return self._take_all(self._foreseen, limit)

    def accept(self, id: int) -> None:
        """Goes on by one token. Raises ConstraintError if it is not allowed; the constraint is as it was then."""
        if self.finished or not self._allows(id):
            raise ConstraintError(f"token id {id} is not allowed here")
        self._take(id)

    def _take_all(self, forced: Callable[[], list[int]], limit: int) -> list[int]:
        taken: list[int] = []
        while len(taken) < limit and not self.finished:
            ids = forced()[: limit - len(taken)]
            if not ids:
                break
            for id in ids:
                self._take(id)
            taken += ids
        return taken

    def _foreseen(self) -> list[int]:
        return [] if self._spent else self._matcher.compute_ff_tokens()

    def _forced(self) -> list[int]:
        if self._spent and self._allows(Special.END):  # not inside a character of several tokens
            return [int(Special.END)]
        if ids := self._matcher.compute_ff_tokens():
            return ids
        bits = int.from_bytes(self._mask(), "little")
        return [bits.bit_length() - 1] if bits.bit_count() == 1 else []

    @property
    def _spent(self) -> bool:
        """Whether the text at hand is analysis, and the budget is used up."""
        return self._budget is not None and self._reasoning and self._reasoned >= self._budget.tokens

    def _take(self, id: int) -> None:
        """Consumes an id that is known to be allowed."""
        self._computed = None
        if not self._matcher.consume_token(id):
            raise self._failed()
        self._spend(id)

    def _spend(self, id: int) -> None:
        """Keeps count of the reasoning; past the budget, the rest of the turn has a grammar without any."""
        if self._budget is None:
            return
        self._recent.append(id)
        self._reasoned += self._reasoning
        if id == Special.MESSAGE:
            self._reasoning = tuple(self._recent[-len(self._analysis) :]) == self._analysis
        elif id == Special.END:
            if self._spent:
                self._matcher = self._constrainer.matcher(self._budget.afterwards)
                self._budget = None
            self._reasoning = False
            self._recent.clear()

    def _mask(self) -> bytes:
        if self._computed is None:
            self._computed = self._matcher.compute_bitmask()
            if self._matcher.is_error():
                raise self._failed()
        return self._computed

    def _failed(self) -> ConstraintError:
        self._constrainer.forget()
        return ConstraintError(f"the turn cannot be held to its grammar: {_one_line(self._matcher.get_error())}")

    def _allows(self, id: int) -> bool:
        mask = self._mask()
        return id < 8 * len(mask) and bool(mask[id >> 3] >> (id & 7) & 1)


class _Encoder:
    """What llguidance wants to know of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.tokens = [b""] * (vocabulary.ids[-1] + 1)  # nothing can match where a restricted vocabulary has no token
        for id in vocabulary.ids:
            self.tokens[id] = vocabulary.token_bytes(id)
        self.special_token_ids = [id for id in vocabulary.ids if is_special(id)]
        self.eos_token_id = int(Special.ENDOFTEXT)
        self.bos_token_id = None

    def __call__(self, text: str) -> list[int]:
        return self._vocabulary.encode(text)


@lru_cache(maxsize=4)
def _tokenizer(vocabulary: Vocabulary) -> LLTokenizer:
    """The tables of a vocabulary; for all of o200k_harmony they take 140 MB."""
    encoder = _Encoder(vocabulary)
    return LLTokenizer(TokenizerWrapper(encoder), n_vocab=len(encoder.tokens))


def _compile_error(message: str, text: str) -> ConstraintError:
    """llguidance's message begins "at {line}({column}): "; the line above it in a turn's grammar names the tool."""
    found = re.match(r"at (\d+)\(\d+\): (?:failed to compile JSON schema: )?", message)
    if found is None:
        return ConstraintError(f"the turn's grammar cannot be compiled: {_one_line(message)}")
    end = text.splitlines()[max(0, int(found[1]) - 2)].removeprefix("// ")
    reason = _one_line(message[found.end() :])
    return ConstraintError(f"the JSON Schema of {end} cannot be masked: {reason}", end=end, reason=reason)


def _one_line(message: str) -> str:
    """Without the state, the trace and the grammar that llguidance appends."""
    return (
        " ".join(re.split(r"\s<state>|\s<backtrace>|\n\s*\d+ \|", message)[0].split()) or "the grammar is too complex"
    )
