"""openai-harmony 0.0.8's parser, exactly: its messages, its errors, its states after every token, its faults.

For code that was written against it and must see the same. Whoever has the choice takes `Parser`, which keeps every
token. Source: openai/harmony, src/encoding.rs (`StreamableParser`), whose names of methods and states are kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final, NoReturn

from .conversation import Message, Role
from .errors import ParseError, VocabularyError
from .header import Header
from .vocabulary import STOP_TOKENS, WHITE, Special, Vocabulary

_CHANNEL_VALUE: Final = re.compile(f"[^{WHITE}<]*")
_OUTER_WHITE: Final = re.compile(f"\\A[{WHITE}]+|[{WHITE}]+\\Z")
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


class StreamState(StrEnum):
    EXPECT_START = "ExpectStart"
    HEADER = "Header"
    CONTENT = "Content"


class StreamableParser:
    """Takes tokens one by one and shows what it knows after each.

    role: whose turn it is, where the prompt ended in `<|start|>{role}`. strict: a header that ends without
    `<|message|>` goes on; else the rest of the first message's header becomes its text, and of later ones it is lost.

    `messages` are the finished ones. An error leaves the parser as the reference's is then: a caller may go on.
    """

    def __init__(self, vocabulary: Vocabulary, role: Role | None, *, strict: bool = True) -> None:
        self._vocabulary = vocabulary
        self._strict = strict
        self._next_role = role
        self._header_ids: list[int] = []
        self._header = Header(role=Role.ASSISTANT)  # of the message whose content is being read
        self._content: list[str] = []
        self._cut = b""  # the beginning of a character
        self._stuck = False  # an id outside the vocabulary came: nothing behind it is decoded
        self.state = StreamState.EXPECT_START if role is None else StreamState.HEADER
        self.messages: list[Message] = []
        self.tokens: list[int] = []
        self.last_content_delta: str | None = None

    @property
    def current_role(self) -> Role | None:
        return self._header.role if self.state is StreamState.CONTENT else self._next_role

    @property
    def current_channel(self) -> str | None:
        return self._header.channel if self.state is StreamState.CONTENT else None

    @property
    def current_recipient(self) -> str | None:
        return self._header.recipient if self.state is StreamState.CONTENT else None

    @property
    def current_content_type(self) -> str | None:
        return self._header.content_type if self.state is StreamState.CONTENT else None

    @property
    def current_content(self) -> str:
        return "".join(self._content) if self.state is StreamState.CONTENT else ""

    def process(self, token: int) -> StreamableParser:
        """Raises ParseError, in the words of the reference."""
        self.tokens.append(token)
        match self.state:
            case StreamState.EXPECT_START if token == Special.START:
                self.state, self._header_ids = StreamState.HEADER, []
            case StreamState.EXPECT_START:
                self._refuse(f"Unexpected token {token} while expecting start token {Special.START:d}")
            case StreamState.HEADER if token == Special.MESSAGE:
                self._begin()
            case StreamState.HEADER if token in STOP_TOKENS and not self._strict:
                self._headless()
            case StreamState.HEADER:
                self._header_ids.append(token)
            case StreamState.CONTENT if token in STOP_TOKENS:
                self._end()
            case StreamState.CONTENT:
                self._read(token)
        return self

    def process_eos(self) -> StreamableParser:
        """Ends the input. Raises ParseError inside a header."""
        if self.state is StreamState.HEADER:
            told = "Unexpected EOS while waiting for message header to complete"
            raise ParseError(told, offset=len(self.tokens), state=self.state)
        if self.state is StreamState.CONTENT:
            self._end()
        return self

    # --- headers ----------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.state = StreamState.EXPECT_START  # where a header at fault leaves it
        try:
            text = self._bytes(self._header_ids).decode()
        except ValueError:
            self._refuse("could not decode header")
        header, words = self._speaker(text, self._next_role)
        recipient = content_type = None
        if words:
            last = words.pop()
            if last.startswith("to=") or not words:
                recipient = last
            else:
                content_type, recipient = last, words.pop()
            recipient = recipient.removeprefix("to=")
        if words:
            rest = _debug(" ".join(words))
            self._refuse(f"unexpected tokens remaining in message header: Some({rest})")
        self._header = replace(header, recipient=recipient, content_type=content_type)
        self._next_role = None
        self.state = StreamState.CONTENT

    def _headless(self) -> None:
        """A header that ended without `<|message|>`."""
        if self._next_role is not None and self._header_ids:
            try:
                text = self._bytes(self._header_ids).decode()
            except VocabularyError:
                unknown = next(id for id in self._header_ids if not self._known(id))
                self._refuse(f"Could not decode tokens: Invalid token error: Invalid token for decoding: {unknown}")
            except UnicodeDecodeError as error:
                size = f"invalid utf-8 sequence of {error.end - error.start} bytes"
                what = "incomplete utf-8 byte sequence" if _is_incomplete(error) else size
                told = f"Could not decode tokens: Invalid utf-8 sequence: {what} from index {error.start}"
                self._refuse(told)
            header, words = self._speaker(text, self._next_role)
            self.messages.append(header.message(" ".join(words)))
        self.state, self._next_role = StreamState.EXPECT_START, None

    def _speaker(self, text: str, given: Role | None) -> tuple[Header, list[str]]:
        """Who speaks on which channel, and the words that are left."""
        channel = None
        before, marker, behind = text.partition(Special.CHANNEL.text)
        if marker:
            found = _CHANNEL_VALUE.match(behind)
            channel = found[0] if found else ""
            if not channel:
                self._refuse("channel marker present but no channel value found in header")
            text = before + behind.removeprefix(channel)
        constrain = Special.CONSTRAIN.text
        text = _OUTER_WHITE.sub("", text).replace(constrain, f" {constrain}")
        words = [word for word in re.split("[ \t\n\f\r]+", text) if word]
        role, name = given, None
        if role is None:
            if not words:
                self._refuse("message header did not contain a role")
            first = words[0]
            if first in list(Role):
                role = Role(first)
            elif len(words) > 1 or first.startswith("to="):
                role, words = Role.TOOL, words[1:]
            else:
                self._refuse(f"Unknown role: {first}")
            name = first if role is Role.TOOL else None
        if words and words[0] == role:
            words = words[1:]
        return Header(role=role, name=name, channel=channel), words

    # --- content ----------------------------------------------------------------------------------------------------

    def _read(self, token: int) -> None:
        try:
            data = b"" if self._stuck else self._cut + self._vocabulary.token_bytes(token)
        except VocabularyError:
            self._stuck = True
        if self._stuck:
            self.last_content_delta = None
            return
        try:
            text, self._cut = data.decode(), b""
        except UnicodeDecodeError as error:  # one fault is told at a time, the rest waits
            text, self._cut = data[: error.start].decode(), data[error.start :]
            if not _is_incomplete(error):
                text, self._cut = text + _REPLACEMENT, data[error.end :]
            if not text:
                self.last_content_delta = None
                return
        self._content.append(text)
        self.last_content_delta = text

    def _end(self) -> None:
        lost = _REPLACEMENT if self._stuck else ""
        text = "".join(self._content) + lost + self._cut.decode("utf-8", "replace")
        self.messages.append(self._header.message(text))
        self.state, self.last_content_delta = StreamState.EXPECT_START, None
        self._content, self._cut, self._stuck = [], b"", False

    # --- ids --------------------------------------------------------------------------------------------------------

    def _bytes(self, ids: Sequence[int]) -> bytes:
        return b"".join(map(self._vocabulary.token_bytes, ids))

    def _known(self, id: int) -> bool:
        try:
            return bool(self._vocabulary.token_bytes(id))
        except VocabularyError:
            return False

    def _refuse(self, what: str) -> NoReturn:
        raise ParseError(what, offset=len(self.tokens) - 1, state=self.state, token=self.tokens[-1])


def parse_like_reference(
    ids: Iterable[int], vocabulary: Vocabulary, role: Role | None = None, *, strict: bool = True
) -> list[Message]:
    """All messages in `ids`. Raises ParseError, in the words of the reference; nothing of the ids is given then."""
    parser = StreamableParser(vocabulary, role, strict=strict)
    for id in ids:
        parser.process(id)
    return parser.process_eos().messages


def _is_incomplete(error: UnicodeDecodeError) -> bool:
    """Whether more bytes could make a character of it."""
    return error.reason == "unexpected end of data"


# --- Rust's {:?} ------------------------------------------------------------------------------------------------------

_NAMED: Final = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs", "Mn", "Me"})
_EXTENDING: Final = frozenset(
    map(
        chr,
        (
            *(0x9BE, 0x9D7, 0xB3E, 0xB57, 0xBBE, 0xBD7, 0xCC0, 0xCC2, 0xCC7, 0xCC8, 0xCCA, 0xCCB, 0xCD5, 0xCD6),
            *(0xD3E, 0xD57, 0xDCF, 0xDDF, 0x1715, 0x1734, 0x1B35, 0x1B3B, 0x1B3D, 0x1B43, 0x1B44, 0x1BAA, 0x1BF2),
            *(0x1BF3, 0x302E, 0x302F, 0xA953, 0xA9C0, 0xFF9E, 0xFF9F, 0x111C0, 0x11235, 0x1133E, 0x1134D, 0x11357),
            *(0x114B0, 0x114BD, 0x115AF, 0x116B6, 0x11930, 0x1193D, 0x16FF0, 0x16FF1, 0x1D165, 0x1D166),
            *range(0x1D16D, 0x1D173),
        ),
    )
)
"""Grapheme_Extend beyond the marks of no width (Unicode's DerivedCoreProperties)."""


def _debug(text: str) -> str:
    """A text as Rust's `{:?}` prints it, for characters that this Python's Unicode tables know."""

    def escaped(sign: str) -> str:
        if sign in _NAMED:
            return _NAMED[sign]
        hidden = sign in _EXTENDING or unicodedata.category(sign) in _INVISIBLE
        return f"\\u{{{ord(sign):x}}}" if hidden and sign != " " else sign

    return f'"{"".join(map(escaped, text))}"'
