"""What reasoning survives from one user turn to the next. Pure functions on messages.

gpt-oss is trained to see its reasoning between the tool calls of one turn, and none of earlier turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from .conversation import Channel, Message, Role

Policy: TypeAlias = Literal["per_turn", "keep_all", "reference"]


def per_turn(messages: Sequence[Message]) -> list[Message]:
    """Drops what stands on the analysis channel before the assistant's last final answer.

    That is reasoning, and calls of built-in tools with their results.
    """
    finals = [
        at for at, message in enumerate(messages) if message.role is Role.ASSISTANT and message.channel == Channel.FINAL
    ]
    last_final = finals[-1] if finals else 0
    return [message for at, message in enumerate(messages) if at >= last_final or message.channel != Channel.ANALYSIS]


def reference(messages: Sequence[Message]) -> list[Message]:
    """As openai-harmony 0.0.8 drops: what stands on the analysis channel before the conversation's first final answer,
    if the last thing that the assistant said is a final answer.
    """
    said = [message.channel for message in messages if message.role is Role.ASSISTANT]
    finals = [at for at, message in enumerate(messages) if message.channel == Channel.FINAL]
    first_final = finals[0] if said and said[-1] == Channel.FINAL else 0
    return [message for at, message in enumerate(messages) if at >= first_final or message.channel != Channel.ANALYSIS]


def keep_all(messages: Sequence[Message]) -> list[Message]:
    """Drops nothing: the prompt only ever grows, so an engine's prefix cache always hits."""
    return list(messages)


POLICIES: dict[Policy, Callable[[Sequence[Message]], list[Message]]] = {
    "per_turn": per_turn,
    "keep_all": keep_all,
    "reference": reference,
}
