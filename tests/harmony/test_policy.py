"""Which messages survive, and calls that nobody answered."""

from __future__ import annotations

from cadenza.harmony import UNANSWERED, Message, keep_all, mend_calls, per_turn, reference

USER, FINAL = Message.user("?"), Message.assistant("!", channel="final")
THOUGHT = Message.assistant("hm", channel="analysis")


def call(recipient: str, channel: str = "commentary") -> Message:
    return Message.assistant("{}", channel=channel, recipient=recipient)


PYTHON, PRINTED = call("python", "analysis"), Message.tool("python", "42", channel="analysis")
F, OF_F = call("functions.f"), Message.tool("functions.f", "ok")
CHAT = [USER, THOUGHT, PYTHON, PRINTED, F, OF_F, FINAL, USER, THOUGHT, FINAL]


def test_what_each_policy_keeps() -> None:
    assert keep_all(CHAT) == CHAT
    assert per_turn(CHAT) == [USER, F, OF_F, FINAL, USER, FINAL]
    assert reference(CHAT) == [USER, F, OF_F, FINAL, USER, THOUGHT, FINAL]
    assert per_turn(CHAT[:6]) == CHAT[:6]


def test_a_result_goes_where_its_call_goes_whatever_its_channel() -> None:
    elsewhere = [
        Message.tool("python", "42", channel="commentary"),
        Message.tool("functions.f", "ok", channel="analysis"),
    ]
    assert per_turn([USER, PYTHON, elsewhere[0], F, elsewhere[1], FINAL]) == [USER, F, elsewhere[1], FINAL]


def test_an_orphaned_call_is_answered_where_the_turn_went_on() -> None:
    python, of_f = Message.tool("python", UNANSWERED, channel="analysis"), Message.tool("functions.f", UNANSWERED)
    assert mend_calls([USER, PYTHON, USER]) == [USER, PYTHON, python, USER]
    assert mend_calls([USER, F, PYTHON, PRINTED, FINAL]) == [USER, F, PYTHON, PRINTED, of_f, FINAL]
    assert mend_calls([USER, F, F, OF_F, FINAL]) == [USER, F, F, OF_F, of_f, FINAL]


def test_answered_and_pending_calls_stay_as_they_are() -> None:
    for whole in (
        CHAT,
        [USER, F, THOUGHT, OF_F, FINAL],
        [USER, F, PYTHON, OF_F, PRINTED, FINAL],
        [USER, PYTHON],
        [OF_F],
    ):
        assert mend_calls(whole) == whole
