"""Token ids -> messages, as they stream in.

`feed` takes ids in chunks of any size and returns typed events; the chunking never changes what they add up to, it only
joins or splits text deltas.

- Each message keeps its own ids, and together they are all ids that were fed: nothing is lost.
- The joined text deltas of a message are its text, also where a token ends inside a UTF-8 character.
- The tolerant parser (the default) never raises: what a model sampled is repaired, and each repair is named in
  the message's `repairs`. The strict one raises ParseError with offset, state and token.
- Special tokens inside a text stay visible as their names.
- Channel and recipient are told as soon as the header shows them.

It reads the header order of the model and that of openai-harmony alike.
"""

from __future__ import annotations

from codecs import utf_8_decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from .conversation import Message, Role, is_call
from .errors import ParseError, VocabularyError
from .header import Header, Repair, Word, read_header, split_headless
from .vocabulary import MESSAGE_ENDS, ORDINARY_SIZE, Special, Vocabulary

_PREVIEWED: Final = 64  # tokens of a header that are looked at before it ends: longer ones are no headers
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}".encode()


class HeaderShown(NamedTuple):
    """What is known of a header that still goes on: a channel, a recipient, or both."""

    channel: str | None
    recipient: str | None


class MessageStarted(NamedTuple):
    """A header is complete; text follows."""

    header: Header


class TextDelta(NamedTuple):
    """More text of the current message."""

    header: Header
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFinished:
    """A whole message.

    ids: all its tokens, from the header's first to the stop token; ended_by: that stop token, None where the
    input ended or another message began; repairs: what had to be mended.
    """

    message: Message
    ids: tuple[int, ...]
    ended_by: Special | None
    repairs: tuple[Repair, ...] = ()


ParseEvent: TypeAlias = HeaderShown | MessageStarted | TextDelta | MessageFinished


class _State(StrEnum):
    START = "start"
    HEADER = "header"
    TEXT = "text"


_TEXT: Final = _State.TEXT


@dataclass(slots=True)
class _Draft:
    """The message being read."""

    ids: list[int] = field(default_factory=list)
    header_ids: list[int] = field(default_factory=list)
    header: Header | None = None
    shown: HeaderShown | None = None
    text: list[str] = field(default_factory=list)
    cut: bytes = b""  # the beginning of a character
    repairs: list[Repair] = field(default_factory=list)


@lru_cache(maxsize=8)
def _texts_of(vocabulary: Vocabulary) -> dict[int, str]:
    """Texts of single tokens, filled as they come: where tokens are fed one by one, most have been seen."""
    return {}


class Parser:
    """A streaming parser.

    role: whose turn it is, where the prompt ended in `<|start|>{role}`; None where the ids begin with `<|start|>`.
    """

    def __init__(self, vocabulary: Vocabulary, *, role: Role | None = Role.ASSISTANT, strict: bool = False) -> None:
        self._vocabulary = vocabulary
        self._strict = strict
        self._given_role = role
        self._state = _State.START if role is None else _State.HEADER
        self._draft = _Draft()
        self._texts = _texts_of(vocabulary)  # type: ignore[arg-type] # vocabularies hash by identity
        self._offset = 0
        self._events: list[ParseEvent] = []

    def feed(self, ids: Iterable[int]) -> list[ParseEvent]:
        """Reads more ids. Raises ParseError if strict."""
        fed = ids if isinstance(ids, list) else list(ids)
        at, end = 0, len(fed)
        while at < end:
            if self._state is _TEXT:
                at = self._read_text(fed, at, end)
                continue
            if self._state is _State.START:
                self._read_start(fed[at])
            else:
                self._read_header(fed[at])
            at += 1
            self._offset += 1
        events, self._events = self._events, []
        return events

    def finish(self) -> list[ParseEvent]:
        """Ends the input: what was begun becomes a message with `ended_by=None`. Raises ParseError if strict."""
        if self._state is _State.START or (self._state is _State.HEADER and not self._draft.ids):
            return []
        self._refuse("the input ended inside a message")
        if self._state is _State.HEADER:
            self._headless(None)
        else:
            self._end(None)
        events, self._events = self._events, []
        return events

    # --- states -----------------------------------------------------------------------------------------------------

    def _read_start(self, id: int) -> None:
        if id == Special.START:
            self._state = _State.HEADER
            self._draft.ids.append(id)
        else:
            self._mend(Repair.MISSING_START, "expected <|start|>", id)
            self._state = _State.HEADER
            self._read_header(id)

    def _read_header(self, id: int) -> None:
        draft = self._draft
        if id == Special.START:
            if draft.header_ids:
                self._refuse("<|start|> inside a header", id)
                self._headless(None)
                self._read_start(id)
            else:  # a doubled <|start|>
                self._mend(Repair.EXTRA_HEADER_WORDS, "<|start|> after <|start|>", id)
                draft.ids.append(id)
            return
        draft.ids.append(id)
        if id == Special.MESSAGE:
            draft.header, mended = read_header(self._words(draft.header_ids), self._given_role)
            for repair, what in mended:
                self._mend(repair, what)
            self._state = _State.TEXT
            self._events.append(MessageStarted(draft.header))
        elif id in MESSAGE_ENDS:
            self._refuse("a header without <|message|>", id)
            self._headless(Special(id))
        else:
            self._show_header(id)
            draft.header_ids.append(id)

    def _show_header(self, id: int) -> None:
        """Tells of the header's whole words, once another one begins with this id."""
        draft = self._draft
        begins = id in _MARKERS or self._bytes(id)[:1].isspace()
        if begins and draft.header_ids and len(draft.header_ids) < _PREVIEWED:
            header, _ = read_header(self._words(draft.header_ids), self._given_role)
            shown = HeaderShown(header.channel, header.recipient)
            if shown != (draft.shown or (None, None)):
                draft.shown = shown
                self._events.append(shown)

    def _read_text(self, ids: list[int], at: int, end: int) -> int:
        """Reads up to a special token, and that one too; returns where it stands then."""
        stop = end
        for here in range(at, end):
            if ids[here] >= ORDINARY_SIZE:
                stop = here
                break
        if stop == at:
            id = ids[at]
            if id == Special.START or id in MESSAGE_ENDS:
                self._leave_text(id)
                return at + 1
            stop = at + 1  # a special token without a meaning here, or an id that is unknown
        run = ids if stop - at == len(ids) else ids[at:stop]
        draft = self._draft
        draft.ids += run
        text = self._texts.get(run[0]) if stop - at == 1 and not draft.cut else None
        if text is None:
            text = self._decoded(run)
        if text:
            draft.text.append(text)
            self._events.append(TextDelta(draft.header, text))  # type: ignore[arg-type] # a text has a header
        self._offset += stop - at
        return stop

    def _decoded(self, ids: list[int]) -> str:
        """The whole characters of these ids, behind what was cut before; what is cut at their end waits."""
        draft = self._draft
        try:
            data, known = self._vocabulary.bytes_of(ids), True
        except VocabularyError:
            data, known = b"".join(self._bytes(id, behind=at) for at, id in enumerate(ids)), False
        if draft.cut:
            data, known = draft.cut + data, False
        text, used = utf_8_decode(data, "replace", False)
        draft.cut = data[used:]
        if known and len(ids) == 1 and not draft.cut:
            self._texts[ids[0]] = text
        return text

    def _leave_text(self, id: int) -> None:
        if id == Special.START:
            self._mend(Repair.MISSING_END, "<|start|> inside a text", id)
            self._end(None)
            self._read_start(id)
        else:
            self._draft.ids.append(id)
            self._end(Special(id))
        self._offset += 1

    # --- ends -------------------------------------------------------------------------------------------------------

    def _headless(self, ended_by: Special | None) -> None:
        """A header that never came to `<|message|>`: what stands behind role and channel is the text."""
        draft = self._draft
        draft.repairs.append(Repair.MISSING_MESSAGE)
        words = b"".join(map(self._bytes, draft.header_ids)).decode("utf-8", "replace")
        role, channel, text = split_headless(words, self._given_role)
        draft.header = Header(role=role, channel=channel)
        self._events.append(MessageStarted(draft.header))
        if text:
            draft.text.append(text)
            self._events.append(TextDelta(draft.header, text))
        self._end(ended_by)

    def _end(self, ended_by: Special | None) -> None:
        draft, header = self._draft, self._draft.header
        assert header is not None
        if draft.cut:  # the text ends inside a character
            cut = draft.cut.decode("utf-8", "replace")
            draft.text.append(cut)
            self._events.append(TextDelta(header, cut))
        message = header.message("".join(draft.text))
        if ended_by not in (None, Special.CALL) and is_call(message):
            self._mend(Repair.CALL_END, f"a call ended by {Special(ended_by).text}", ended_by)
        self._draft = _Draft()
        self._given_role = None
        self._state = _State.START
        self._events.append(
            MessageFinished(
                message=message,
                ids=tuple(draft.ids),
                ended_by=ended_by,
                repairs=tuple(dict.fromkeys(draft.repairs)),
            )
        )

    # --- ids --------------------------------------------------------------------------------------------------------

    def _words(self, ids: Sequence[int]) -> list[Word]:
        """A header's words and markers."""
        words: list[Word] = []
        text = bytearray()
        for id in ids:
            if id in _MARKERS:
                words += [*text.decode("utf-8", "replace").split(), Special(id)]
                text.clear()
            else:
                text += self._bytes(id, mend=False)
        return words + text.decode("utf-8", "replace").split()

    def _bytes(self, id: int, *, mend: bool = True, behind: int = 0) -> bytes:
        try:
            return self._vocabulary.token_bytes(id)
        except VocabularyError:
            if mend:
                self._mend(Repair.UNKNOWN_TOKEN, "an id outside the vocabulary", id, behind)
            return _REPLACEMENT

    def _mend(self, repair: Repair, what: str, token: int | None = None, behind: int = 0) -> None:
        """behind: how many tokens after the one that is next to be counted."""
        self._refuse(what, token, behind)
        self._draft.repairs.append(repair)

    def _refuse(self, what: str, token: int | None = None, behind: int = 0) -> None:
        if self._strict:
            offset = self._offset + behind
            at = f"at token {offset}" + ("" if token is None else f" (id {token})")
            told = f"{what}, {at}, while reading the {self._state}"
            raise ParseError(told, offset=offset, state=self._state, token=token)


_MARKERS: Final = (Special.CHANNEL, Special.CONSTRAIN)


def parse(
    ids: Iterable[int], vocabulary: Vocabulary, *, role: Role | None = None, strict: bool = False
) -> list[MessageFinished]:
    """All messages in `ids`, the last one possibly unfinished. Raises ParseError if strict."""
    parser = Parser(vocabulary, role=role, strict=strict)
    events = [*parser.feed(ids), *parser.finish()]
    return [event for event in events if isinstance(event, MessageFinished)]
