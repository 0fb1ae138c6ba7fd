"""`agent harmony` as a program in a pipe."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from cadenza.harmony import UNANSWERED, Conversation, Special, o200k_harmony, render_conversation

CALL = {
    "role": "assistant",
    "content": '{"a":1}',
    "channel": "commentary",
    "recipient": "functions.f",
    "content_type": "<|constrain|>json",
}
CHAT = [
    {"role": "user", "content": "one?"},
    {"role": "assistant", "content": "hm", "channel": "analysis"},
    {"role": "assistant", "content": "1", "channel": "final"},
    {"role": "user", "content": "f?"},
    CALL,
]


def harmony(*arguments: str, lines: list[bytes | dict[str, Any]]) -> list[dict[str, Any]]:
    text = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    command = [sys.executable, "-m", "cadenza.agent", "harmony", *arguments]
    done = subprocess.run(command, input=text, capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_render_tells_tokens_and_text_and_a_bad_line_its_error() -> None:
    deep = b'{"messages":' + b"[" * 100_000
    bad = [b"junk", b"[1]", b"\xff", deep, {"messages": [{"role": "nobody"}]}, {"messages": [], "next_role": "x"}]
    whole, *errors = harmony("render", lines=[{"messages": CHAT}, *bad])
    kept = [message for message in Conversation.from_json({"messages": CHAT}).messages if message.channel != "analysis"]
    assert whole["tokens"][:-2] == render_conversation(kept, o200k_harmony())
    assert whole["text"].endswith(
        '<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a":1}<|call|><|start|>assistant'
    )
    assert [list(error) for error in errors] == [["error"]] * len(bad)


def test_render_as_the_reference_and_for_training() -> None:
    (theirs,) = harmony("render", "--mode", "reference", "--for", "conversation", lines=[{"messages": CHAT}])
    assert "assistant to=functions.f<|channel|>commentary" in theirs["text"]
    assert "hm" in theirs["text"]  # the last thing said is a call
    (training,) = harmony("render", "--for", "training", "--keep-analysis", lines=[{"messages": CHAT[:3]}])
    assert training["text"].endswith("<|channel|>final<|message|>1<|return|>")
    assert "hm" in training["text"]


def test_parse_gives_back_what_was_rendered_and_names_repairs() -> None:
    messages = Conversation.from_json({"messages": CHAT}).messages
    ids = render_conversation(messages, o200k_harmony())
    whole, cut, bad = harmony("parse", lines=[{"tokens": ids}, {"tokens": ids[2:], "role": "user"}, {"tokens": "x"}])
    assert whole == {"messages": CHAT, "repairs": []}
    assert cut["messages"] == CHAT
    assert bad == {"error": "tokens: must be a list of integers"}
    (mended,) = harmony("parse", lines=[{"tokens": [*ids[:-1], 200007], "role": None}])
    assert mended["repairs"] == ["call_end"]


def test_parse_reads_as_the_reference_where_it_is_asked_to() -> None:
    headless = {"tokens": [Special.CHANNEL, *o200k_harmony().encode("final no"), Special.END], "role": "assistant"}
    (strict,) = harmony("parse", "--mode", "strict", lines=[headless])
    assert strict == {"error": "Unexpected EOS while waiting for message header to complete"}
    (lenient,) = harmony("parse", "--mode", "lenient", lines=[headless])
    assert lenient["messages"] == [{"role": "assistant", "content": "no", "channel": "final"}]


def test_render_answers_an_orphaned_call_but_not_as_the_reference() -> None:
    orphaned = {"messages": [*CHAT, {"role": "user", "content": "well?"}]}
    (ours,) = harmony("render", lines=[orphaned])
    (theirs,) = harmony("render", "--mode", "reference", lines=[orphaned])
    assert f"<|start|>functions.f to=assistant<|channel|>commentary<|message|>{UNANSWERED}<|end|>" in ours["text"]
    assert UNANSWERED not in theirs["text"]


def test_tools_prints_a_developer_message_in_either_mode() -> None:
    tool = {
        "name": "f",
        "description": "Does.",
        "parameters": {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
    }
    ours, error = harmony("tools", lines=[tool, {"name": 3}])
    (theirs,) = harmony("tools", "--mode", "reference", lines=[tool])
    assert "a?: string | null," in ours["text"]
    assert "a?: any," in theirs["text"]
    assert list(error) == ["error"]


def test_show_frames_messages_with_their_tokens() -> None:
    command = [sys.executable, "-m", "cadenza.agent", "harmony", "show"]
    done = subprocess.run(command, input=json.dumps({"messages": CHAT}), capture_output=True, text=True, timeout=120)
    assert "assistant · commentary · to functions.f · <|constrain|>json" in done.stdout
    total = len(render_conversation(Conversation.from_json({"messages": CHAT}).messages, o200k_harmony()))
    assert done.stdout.splitlines()[-1] == f"5 messages, {total} tokens"
