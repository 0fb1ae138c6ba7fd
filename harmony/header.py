"""The header of a message: who speaks, on which channel, to whom, in what form.

    assistant<|channel|>commentary to=functions.f <|constrain|>json

Recipient and content type may stand in the part of the role or of the channel, as openai-harmony writes them and as the
model does. What models really emit beyond that is read as it is meant, and every such liberty has a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from .conversation import Channel, Message, Role, TextContent
from .vocabulary import Special


class Repair(StrEnum):
    """What the tolerant parser mended."""

    MISSING_START = "missing_start"
    """A message began without `<|start|>`."""
    MISSING_MESSAGE = "missing_message"
    """A header ended without `<|message|>`: what stands behind role and channel is the text."""
    MISSING_END = "missing_end"
    """A new message began before the last one ended."""
    MISSING_ROLE = "missing_role"
    """A header names nobody: taken as the assistant's."""
    DOUBLED_ROLE = "doubled_role"
    """A role stands there twice, such as `assistantassistant`."""
    SPELLED_MARKER = "spelled_marker"
    """`<|channel|>` or `<|constrain|>` as text, such as `to=functions.f<|channel|>commentary`."""
    LONE_MARKER = "lone_marker"
    """`<|channel|>` or `<|constrain|>` with no word after it."""
    CHANNEL_NAME = "channel_name"
    """A channel with something stuck to it, such as `commentary?`."""
    RECIPIENT_WITHOUT_TO = "recipient_without_to"
    """A recipient such as `functions.f` without its `to=`."""
    BARE_NAME = "bare_name"
    """A recipient without its namespace, such as `f` for `functions.f`. Whoever knows the tools finds it."""
    EXTRA_HEADER_WORDS = "extra_header_words"
    """Header words without a meaning: left out of the message, kept in its ids."""
    CALL_END = "call_end"
    """A call ended by another token than `<|call|>`."""
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

    def message(self, text: str) -> Message:
        return Message(
            role=self.role,
            content=(TextContent(text),),
            name=self.name,
            channel=self.channel,
            recipient=self.recipient,
            content_type=self.content_type,
        )


Word: TypeAlias = str | Special
"""A word of a header, or one of its markers: CHANNEL or CONSTRAIN."""
Mended: TypeAlias = tuple[Repair, str]
"""A repair, and what was wrong."""

_ROLES: Final = frozenset(Role)
_SPELLED: Final = re.compile(f"({'|'.join(re.escape(each.text) for each in (Special.CHANNEL, Special.CONSTRAIN))})")
_CHANNEL: Final = re.compile(f"({'|'.join(Channel)})[^a-z]*")
_CONTENT_TYPE: Final = re.compile(r"[A-Za-z][\w/+.-]*")
_BARE_RECIPIENT: Final = re.compile(r"(functions|browser)\.\w[\w.-]*|python")


def read_header(words: Sequence[Word], given: Role | None) -> tuple[Header, list[Mended]]:
    """The header that words make, and what had to be mended. given: the role, where the prompt ended in it."""
    mended: list[Mended] = []
    role, name, rest = _speaker(list(_spelled_out(words, mended)), given, mended)
    channel = recipient = content_type = None
    marker: Special | None = None
    for word in rest:
        if isinstance(word, Special):
            if marker is not None:
                mended.append((Repair.LONE_MARKER, f"{marker.text} with no word after it"))
            marker = word
        elif marker is Special.CONSTRAIN:
            if content_type is not None:
                mended.append((Repair.EXTRA_HEADER_WORDS, f"a second content type, after {content_type!r}"))
            content_type, marker = marker.text + word, None
        elif marker is Special.CHANNEL and channel is None:
            channel, marker = _channel(word, mended), None
        elif marker is Special.CHANNEL:
            mended.append((Repair.EXTRA_HEADER_WORDS, f"a second channel, {word!r}"))
            marker = None
        elif word.startswith("to=") and recipient is None:
            recipient = word.removeprefix("to=")
        elif recipient is None and _BARE_RECIPIENT.fullmatch(word):
            mended.append((Repair.RECIPIENT_WITHOUT_TO, f"the recipient {word!r} without to="))
            recipient = word
        elif content_type is None and _CONTENT_TYPE.fullmatch(word):
            content_type = word
        else:
            mended.append((Repair.EXTRA_HEADER_WORDS, f"{word!r} has no place in a header"))
    if marker is not None:
        mended.append((Repair.LONE_MARKER, f"{marker.text} with no word after it"))
    return Header(role=role, name=name, channel=channel, recipient=recipient, content_type=content_type), mended


def _spelled_out(words: Sequence[Word], mended: list[Mended]) -> Iterator[Word]:
    """The same words, with markers for what spells one."""
    for word in words:
        if isinstance(word, Special) or "<|" not in word:
            yield word
            continue
        for part in filter(None, _SPELLED.split(word)):
            if _SPELLED.fullmatch(part):
                mended.append((Repair.SPELLED_MARKER, f"{part} as text"))
                yield Special.CHANNEL if part == Special.CHANNEL.text else Special.CONSTRAIN
            else:
                yield part


def _speaker(words: list[Word], given: Role | None, mended: list[Mended]) -> tuple[Role, str | None, list[Word]]:
    """Role, name, and the words after them. A first word that is no role is a tool's name."""
    first = words[0] if words and isinstance(words[0], str) else ""
    if given is not None:
        if first == given:
            mended.append((Repair.DOUBLED_ROLE, f"the role {first!r} a second time"))
            words = words[1:]
        return given, None, words
    if not first or first.startswith("to="):
        mended.append((Repair.MISSING_ROLE, "a header without a role"))
        return Role.ASSISTANT, None, words
    role, _, name = first.partition(":")
    half = role[: len(role) // 2]
    if role not in _ROLES and half in _ROLES and role == half * 2:
        mended.append((Repair.DOUBLED_ROLE, f"the role {half!r} a second time"))
        role = half
    if role not in _ROLES or first == Role.TOOL:  # a tool may be named like its role
        return Role.TOOL, first, words[1:]
    return Role(role), name or None, words[1:]


def _channel(word: str, mended: list[Mended]) -> str:
    """A channel of ours with other signs stuck to it is that channel; any other name stays."""
    known = _CHANNEL.fullmatch(word)
    if known is None or known[1] == word:
        return word
    mended.append((Repair.CHANNEL_NAME, f"the channel {word!r}"))
    return known[1]


def split_headless(words: str, given: Role | None) -> tuple[Role, str | None, str]:
    """Role, channel and text of a header that never came to its `<|message|>`; markers stand in it as their names."""
    role, rest = given, words
    if role is None:
        found = next((each for each in Role if words.startswith(each)), None)
        role, rest = found or Role.ASSISTANT, words.removeprefix(found or "")
    if not rest.startswith(Special.CHANNEL.text):
        return role, None, rest
    rest = rest.removeprefix(Special.CHANNEL.text)
    known = next((channel for channel in Channel if rest.startswith(channel)), None)
    channel = known or (rest.split() or [""])[0]
    return role, channel or None, rest[rest.find(channel) + len(channel) :].lstrip()
