"""Token ids -> messages, as they stream in.

`feed` takes ids in chunks of any size and returns typed events; the chunking never changes what they add up to.

- Each message keeps its own ids, and together they are all ids that were fed: nothing is lost.
- The joined text deltas of a message are its text, also where a token ends inside a UTF-8 character.
- The tolerant parser (the default) never raises: what a model sampled is repaired, and each repair is named in
  the message's `repairs`. The strict one raises ParseError with offset, state and token.
- Special tokens inside a text stay visible as their names.

It reads the header order of the model and that of openai-harmony alike.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from .conversation import Message, Role, TextContent
from .errors import ParseError, VocabularyError
from .vocabulary import MESSAGE_ENDS, Special, Vocabulary


class Repair(StrEnum):
    """What the tolerant parser mended."""

    MISSING_START = "missing_start"
    """A message began without `<|start|>`."""
    MISSING_MESSAGE = "missing_message"
    """A header ended without `<|message|>`: its words became the text."""
    MISSING_END = "missing_end"
    """A new message began before the last one ended."""
    MISSING_ROLE = "missing_role"
    """A header names nobody: taken as the assistant's."""
    LONE_MARKER = "lone_marker"
    """`<|channel|>` or `<|constrain|>` with no word after it."""
    EXTRA_HEADER_WORDS = "extra_header_ids"
    """Header words without a meaning: left out of the message, kept in its ids."""
    UNKNOWN_TOKEN = "unknown_token"
    """An id outside the vocabulary: U+FFFD in the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Who speaks, where and to whom; the fields are those of Message."""

    role: Role
    name: str | None = None
    channel: str | None = None
    recipient: str | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class MessageStarted:
    """A header is complete; text follows."""

    header: Header


@dataclass(frozen=True, slots=True)
class TextDelta:
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


ParseEvent: TypeAlias = MessageStarted | TextDelta | MessageFinished


class _State(StrEnum):
    START = "start"
    HEADER = "header"
    TEXT = "text"


_Word: TypeAlias = str | Special
"""A word of a header, or one of its markers: CHANNEL or CONSTRAIN."""


@dataclass(slots=True)
class _Draft:
    """The message being read."""

    ids: list[int] = field(default_factory=list)
    header_ids: list[int] = field(default_factory=list)
    header: Header | None = None
    text: list[str] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)


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
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._offset = 0

    def feed(self, ids: Iterable[int]) -> list[ParseEvent]:
        """Reads more ids. Raises ParseError if strict."""
        events: list[ParseEvent] = []
        for id in ids:
            match self._state:
                case _State.START:
                    events.extend(self._read_start(id))
                case _State.HEADER:
                    events.extend(self._read_header(id))
                case _State.TEXT:
                    events.extend(self._read_text(id))
            self._offset += 1
        return events

    def finish(self) -> list[ParseEvent]:
        """Ends the input: what was begun becomes a message with `ended_by=None`. Raises ParseError if strict."""
        if self._state is _State.START or (self._state is _State.HEADER and not self._draft.ids):
            return []
        self._refuse("the input ended inside a message")
        if self._state is _State.HEADER:
            return list(self._headless(None))
        return list(self._end(None))

    def _read_start(self, id: int) -> Iterator[ParseEvent]:
        self._state = _State.HEADER
        if id == Special.START:
            self._draft.ids.append(id)
        else:
            self._mend(Repair.MISSING_START, "expected <|start|>", id)
            yield from self._read_header(id)

    def _read_header(self, id: int) -> Iterator[ParseEvent]:
        draft = self._draft
        if id == Special.START:
            if draft.header_ids:
                self._refuse("<|start|> inside a header", id)
                yield from self._headless(None)
                yield from self._read_start(id)
            else:  # a doubled <|start|>
                self._mend(Repair.EXTRA_HEADER_WORDS, "<|start|> after <|start|>", id)
                draft.ids.append(id)
            return
        draft.ids.append(id)
        if id == Special.MESSAGE:
            draft.header = self._parse_header()
            self._state = _State.TEXT
            yield MessageStarted(draft.header)
        elif id in MESSAGE_ENDS:
            self._refuse("a header without <|message|>", id)
            yield from self._headless(Special(id))
        else:
            draft.header_ids.append(id)

    def _read_text(self, id: int) -> Iterator[ParseEvent]:
        if id in MESSAGE_ENDS:
            self._draft.ids.append(id)
            yield from self._end(Special(id))
        elif id == Special.START:
            self._mend(Repair.MISSING_END, "<|start|> inside a text", id)
            yield from self._end(None)
            yield from self._read_start(id)
        else:
            self._draft.ids.append(id)
            yield from self._add_text(self._decoder.decode(self._bytes(id)))

    def _add_text(self, text: str) -> Iterator[ParseEvent]:
        if text:
            assert self._draft.header is not None
            self._draft.text.append(text)
            yield TextDelta(self._draft.header, text)

    def _headless(self, ended_by: Special | None) -> Iterator[ParseEvent]:
        """A header that never came to `<|message|>`: what stands behind role and channel is the text."""
        self._draft.repairs.append(Repair.MISSING_MESSAGE)
        words = self._words()
        channel = None
        if self._given_role is None and words and words[0] in list(Role):
            words = words[1:]
        if len(words) > 1 and words[0] is Special.CHANNEL:
            channel, words = str(words[1]), words[2:]
        header = Header(role=self._given_role or Role.ASSISTANT, channel=channel)
        self._draft.header = header
        yield MessageStarted(header)
        yield from self._add_text(" ".join(word.text if isinstance(word, Special) else word for word in words))
        yield from self._end(ended_by)

    def _end(self, ended_by: Special | None) -> Iterator[ParseEvent]:
        yield from self._add_text(self._decoder.decode(b"", final=True))
        draft, header = self._draft, self._draft.header
        assert header is not None
        self._draft = _Draft()
        self._decoder.reset()
        self._given_role = None
        self._state = _State.START
        yield MessageFinished(
            message=Message(
                role=header.role,
                content=(TextContent("".join(draft.text)),),
                name=header.name,
                channel=header.channel,
                recipient=header.recipient,
                content_type=header.content_type,
            ),
            ids=tuple(draft.ids),
            ended_by=ended_by,
            repairs=tuple(dict.fromkeys(draft.repairs)),
        )

    def _parse_header(self) -> Header:
        words = self._words()
        role, name = self._given_role, None
        if role is not None and words and words[0] == role:
            words = words[1:]
        if role is None:
            role, name, words = self._speaker(words)
        channel = recipient = content_type = None
        rest = iter(words)
        for word in rest:
            if isinstance(word, Special):
                following = next(rest, None)
                if not isinstance(following, str):
                    self._mend(Repair.LONE_MARKER, f"{word.text} with no word after it")
                elif word is Special.CONSTRAIN:
                    content_type = word.text + following
                elif channel is None:
                    channel = following
                else:
                    self._mend(Repair.EXTRA_HEADER_WORDS, f"a second channel, {following!r}")
            elif word.startswith("to=") and recipient is None:
                recipient = word.removeprefix("to=")
            elif content_type is None and not word.startswith("to="):
                content_type = word
            else:
                self._mend(Repair.EXTRA_HEADER_WORDS, f"{word!r} has no place in a header")
        return Header(role=role, name=name, channel=channel, recipient=recipient, content_type=content_type)

    def _speaker(self, words: list[_Word]) -> tuple[Role, str | None, list[_Word]]:
        """Role and name that a header opens with; a word that is no role is a tool's name."""
        if not words or isinstance(words[0], Special) or words[0].startswith("to="):
            self._mend(Repair.MISSING_ROLE, "a header without a role")
            return Role.ASSISTANT, None, words
        role, _, name = words[0].partition(":")
        if role in list(Role):
            return Role(role), name or None, words[1:]
        return Role.TOOL, words[0], words[1:]

    def _words(self) -> list[_Word]:
        """The header as words and markers."""
        words: list[_Word] = []
        text = b""
        for id in self._draft.header_ids:
            if id in (Special.CHANNEL, Special.CONSTRAIN):
                words += [*text.decode("utf-8", "replace").split(), Special(id)]
                text = b""
            else:
                text += self._bytes(id)
        return words + text.decode("utf-8", "replace").split()

    def _bytes(self, id: int) -> bytes:
        try:
            return self._vocabulary.token_bytes(id)
        except VocabularyError:
            self._mend(Repair.UNKNOWN_TOKEN, "an id outside the vocabulary", id)
            return "\N{REPLACEMENT CHARACTER}".encode()

    def _mend(self, repair: Repair, what: str, token: int | None = None) -> None:
        self._refuse(what, token)
        self._draft.repairs.append(repair)

    def _refuse(self, what: str, token: int | None = None) -> None:
        if self._strict:
            raise ParseError(what, offset=self._offset, state=self._state, token=token)


def parse(
    ids: Iterable[int], vocabulary: Vocabulary, *, role: Role | None = None, strict: bool = False
) -> list[MessageFinished]:
    """All messages in `ids`, the last one possibly unfinished. Raises ParseError if strict."""
    parser = Parser(vocabulary, role=role, strict=strict)
    events = [*parser.feed(ids), *parser.finish()]
    return [event for event in events if isinstance(event, MessageFinished)]
