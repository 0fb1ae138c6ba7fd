"""What reasoning survives from one user turn to the next. Pure functions on messages.

gpt-oss is trained to see its reasoning between the tool calls of one turn, and none of earlier turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from .conversation import Channel, Message, Role

Policy: TypeAlias = Literal["per_turn", "keep_all"]


def per_turn(messages: Sequence[Message]) -> list[Message]:
    """Drops what stands on the analysis channel before the assistant's last final answer.

    That is reasoning, and calls of built-in tools with their results.
    """
    finals = [
        at for at, message in enumerate(messages) if message.role is Role.ASSISTANT and message.channel == Channel.FINAL
    ]
    last_final = finals[-1] if finals else 0
    return [message for at, message in enumerate(messages) if at >= last_final or message.channel != Channel.ANALYSIS]


def keep_all(messages: Sequence[Message]) -> list[Message]:
    """Drops nothing: the prompt only ever grows, so an engine's prefix cache always hits."""
    return list(messages)


POLICIES: dict[Policy, Callable[[Sequence[Message]], list[Message]]] = {"per_turn": per_turn, "keep_all": keep_all}
