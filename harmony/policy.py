"""What survives from one user turn to the next, and calls without an answer. Pure functions on messages.

gpt-oss is trained to see its reasoning between the tool calls of one turn, and none of earlier turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias

from .conversation import Channel, Message, Role, is_call

Policy: TypeAlias = Literal["per_turn", "keep_all", "reference"]


def per_turn(messages: Sequence[Message]) -> list[Message]:
    """Drops what stands on the analysis channel before the assistant's last final answer.

    That is reasoning, and calls of built-in tools with their results: a result goes where its call goes.
    """
    finals = [
        at for at, message in enumerate(messages) if message.role is Role.ASSISTANT and message.channel == Channel.FINAL
    ]
    last_final = finals[-1] if finals else 0
    channel_of: dict[str | None, str | None] = {}
    kept = []
    for at, message in enumerate(messages):
        channel = message.channel
        if is_call(message):
            channel_of[message.recipient] = channel
        elif message.role is Role.TOOL:
            channel = channel_of.get(message.name, channel)
        if at >= last_final or channel != Channel.ANALYSIS:
            kept.append(message)
    return kept


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


UNANSWERED: Final = "This call was never answered."


def mend_calls(messages: Sequence[Message]) -> list[Message]:
    """Every call with an answer, as the model has always seen them: an orphaned call is answered by UNANSWERED.

    Orphaned is a call that no tool answered before the turn went on to a final answer or to somebody else. A call
    of the last turn may still be answered, and stays as it is.
    """
    mended: list[Message] = []
    pending: list[Message] = []
    for message in messages:
        if message.role is Role.TOOL:
            answered = next((at for at, call in enumerate(pending) if call.recipient == message.name), len(pending))
            del pending[answered : answered + 1]
        elif is_call(message):
            pending.append(message)
        elif message.role is not Role.ASSISTANT or message.channel == Channel.FINAL:
            mended += [Message.tool(call.recipient or "", UNANSWERED, channel=call.channel) for call in pending]
            pending = []
        mended.append(message)
    return mended


POLICIES: dict[Policy, Callable[[Sequence[Message]], list[Message]]] = {
    "per_turn": per_turn,
    "keep_all": keep_all,
    "reference": reference,
}
