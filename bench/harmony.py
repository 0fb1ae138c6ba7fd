"""cadenza.harmony against openai-harmony and plain tiktoken, in one run: `make bench-harmony`.

CPU time, the median of several runs, everything loaded beforehand; nothing is cached between runs.
"""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import openai_harmony
import tiktoken

from cadenza.harmony import (
    Conversation,
    DeveloperContent,
    Message,
    Parser,
    Provenance,
    SystemContent,
    ToolDescription,
    ToolNamespace,
    Transcript,
    content_text,
    o200k_harmony,
    parse,
    render_conversation,
)
from cadenza.harmony.vocabulary import _bundled_tokens

PROSE = "The quick brown fox jumps over the lazy dog, and nobody asks why. "


def reference() -> openai_harmony.HarmonyEncoding:
    """openai-harmony's encoding, from our ranks: it would load them from a network."""
    folder = Path(os.environ["TIKTOKEN_ENCODINGS_BASE"])
    lines = (b"%s %d\n" % (base64.b64encode(token), rank) for rank, token in enumerate(_bundled_tokens()))
    (folder / "o200k_base.tiktoken").write_bytes(b"".join(lines))
    return openai_harmony.load_harmony_encoding(openai_harmony.HarmonyEncodingName.HARMONY_GPT_OSS)


def median(work: Callable[[], object], runs: int = 9) -> float:
    """Milliseconds of CPU time."""
    times = []
    for _ in range(runs):
        begin = time.process_time()
        work()
        times.append((time.process_time() - begin) * 1000)
    return statistics.median(times)


def agent_prompt() -> list[Message]:
    """Three messages and five tools."""
    parameters = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Name of the city."},
            "days": {"type": "integer", "description": "How many days.", "default": 3},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city"],
    }
    tools = tuple(
        ToolDescription(name=f"tool_{at}", description="Looks something up.", parameters=parameters) for at in range(5)
    )
    return [
        Message.system(SystemContent(current_date="2026-01-31")),
        Message.developer(
            DeveloperContent(instructions="Be brief. " * 20, tools=(ToolNamespace(name="functions", tools=tools),))
        ),
        Message.user("What is the weather in Oslo?"),
    ]


def chat(turns: int, words: int) -> list[Message]:
    said = [Message.system(SystemContent()), Message.user(PROSE)]
    for at in range(turns):
        said += [Message.assistant(f"{at} {PROSE * words}", channel="final"), Message.user(f"{at}? {PROSE * words}")]
    return said


def row(what: str, ours: float, theirs: float) -> None:
    print(f"| {what} | {ours:.3f} | {theirs:.3f} | {theirs / ours:.1f} |")


def main() -> None:
    encoding, vocabulary = reference(), o200k_harmony()
    keep = openai_harmony.RenderConversationConfig(auto_drop_analysis=False)

    def their(messages: list[Message]) -> openai_harmony.Conversation:
        return openai_harmony.Conversation.from_json(_json(messages))

    print("| CPU milliseconds, medians | cadenza | openai-harmony | times as fast |\n|---|---|---|---|")
    plain = tiktoken.Encoding(
        "plain", pat_str=vocabulary._encoding._pat_str, mergeable_ranks=vocabulary._ranks, special_tokens={}
    )
    small, large = agent_prompt(), chat(49, 30)
    render_conversation(small, vocabulary), render_conversation(large, vocabulary)
    for what, messages in (("render 3 messages, 5 tools", small), ("render 100 messages", large)):
        converted = their(messages)
        expected = encoding.render_conversation(converted, keep)
        assert render_conversation(messages, vocabulary) == expected
        what = f"{what}, {len(expected):,} tokens"
        row(
            what,
            median(lambda messages=messages: render_conversation(messages, vocabulary)),
            median(lambda converted=converted: encoding.render_conversation(converted, keep)),
        )
        text = "".join(content_text(part) for message in messages for part in message.content)
        print(f"| plain tiktoken over the same texts | {median(partial(plain.encode_ordinary, text)):.3f} | | |")

    def grow_ours() -> None:
        transcript = Transcript(vocabulary, growing[:2])
        for message in growing[2:]:
            transcript.append(message)

    def grow_theirs() -> None:
        for at in range(2, len(growing) + 1):
            encoding.render_conversation(openai_harmony.Conversation(messages=converted_growing.messages[:at]), keep)

    growing = chat(100, 3)
    converted_growing = their(growing)
    row("a chat that grows by 200 messages, prompt each time", median(grow_ours, 5), median(grow_theirs, 1))

    body = vocabulary.encode(PROSE * 800)[:9990]
    header = vocabulary.encode("assistant")
    ids = [
        id for _ in range(5) for id in (200006, *header, 200005, *vocabulary.encode("analysis"), 200008, *body, 200007)
    ]
    row(
        f"parse {len(ids):,} tokens",
        median(lambda: parse(ids, vocabulary)),
        median(lambda: encoding.parse_messages_from_completion_tokens(ids, None), 5),
    )

    def stream_theirs() -> None:
        parser = openai_harmony.StreamableParser(encoding, None)
        for id in ids:
            parser.process(id)
            _ = parser.last_content_delta

    def stream_ours(size: int) -> None:
        parser = Parser(vocabulary, role=None)
        for at in range(0, len(ids), size):
            parser.feed(ids[at : at + size])

    theirs = median(stream_theirs, 5)
    for size in (1, 16):
        row(f"stream {len(ids):,} tokens, {size} at a time", median(lambda size=size: stream_ours(size), 5), theirs)
    row("load", load(LOADS["cadenza"]), load(LOADS["openai-harmony"]))
    assert [each.message.text for each in parse(ids, vocabulary, role=None)] == [
        message.content[0].text for message in encoding.parse_messages_from_completion_tokens(ids, None)
    ]
    prefill(encoding)


LOADS = {
    "cadenza": "from cadenza.harmony import o200k_harmony; o200k_harmony().encode('a')",
    "openai-harmony": "import openai_harmony as o; o.load_harmony_encoding(o.HarmonyEncodingName.HARMONY_GPT_OSS)",
}


def load(code: str) -> float:
    """Milliseconds of CPU time from a bare interpreter to the first token."""
    timed = f"import time; begin = time.process_time(); {code}; print(time.process_time() - begin)"
    runs = [subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True) for _ in range(5)]
    return statistics.median(float(run.stdout) * 1000 for run in runs)


def shared(prompt: tuple[int, ...], cached: tuple[int, ...]) -> int:
    """How many leading ids are the same."""
    pairs = zip(prompt, cached, strict=False)
    return next((at for at, (new, old) in enumerate(pairs) if new != old), min(len(prompt), len(cached)))


def prefill(encoding: openai_harmony.HarmonyEncoding) -> None:
    """What an engine with a prefix cache has to read anew, over 10 user turns of 5 calls each."""
    vocabulary = o200k_harmony()
    print("\n| 10 turns of 5 calls | prompt tokens | not in the cache | share |\n|---|---|---|---|")
    for policy in ("keep_all", "per_turn", "openai-harmony"):
        total = anew = 0
        cached: tuple[int, ...] = ()
        transcript = Transcript(vocabulary, agent_prompt()[:2])
        history = agent_prompt()[:2]
        for turn in range(10):
            if turn and policy != "openai-harmony":
                transcript.renew(policy)  # type: ignore[arg-type]
            question = Message.user(f"Question {turn}: {PROSE}")
            transcript.append(question)
            history.append(question)
            for step in range(6):
                thought = Message.assistant(f"Step {step}. {PROSE}", channel="analysis")
                last = (
                    Message.assistant(f"Answer {turn}. {PROSE}", channel="final")
                    if step == 5
                    else Message.assistant(
                        f'{{"city":"Oslo","days":{step}}}',
                        channel="commentary",
                        recipient=f"functions.tool_{step}",
                        content_type="<|constrain|>json",
                    )
                )
                sampled = render_conversation([thought, last], vocabulary, training=True)[
                    2:
                ]  # after <|start|>assistant
                if policy == "openai-harmony":
                    conversation = openai_harmony.Conversation.from_json(_json(history))
                    prompt = tuple(
                        encoding.render_conversation_for_completion(conversation, openai_harmony.Role.ASSISTANT)
                    )
                else:
                    prompt = transcript.prompt()
                total += len(prompt)
                anew += len(prompt) - shared(prompt, cached)
                cached = prompt + tuple(sampled)
                transcript.extend(sampled, Provenance.SAMPLED)
                history += [thought, last]
                if step < 5:
                    result = Message.tool(f"functions.tool_{step}", f"Result {step}: {PROSE}")
                    transcript.append(result)
                    history.append(result)
        print(f"| {policy} | {total:,} | {anew:,} | {anew / total:.1%} |")


def _json(messages: list[Message]) -> str:
    return json.dumps(Conversation(tuple(messages)).to_json())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TIKTOKEN_ENCODINGS_BASE"] = folder
        main()
