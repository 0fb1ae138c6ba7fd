"""A real llama-server that serves nano's weights: greedily, the same ids as in this process.

`make test-llama` builds the server and says where llama.cpp is, in LLAMA_CPP. llama.cpp's own converter makes the GGUF.
Nano knows a part of the vocabulary; a task file cannot say that of a model on a server, so the engine is told here.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import torch

from cadenza.agent import Agent
from cadenza.agent.events import Event, RunFinished, ToolCallReady
from cadenza.agent.taskfile import parse
from cadenza.harmony import (
    TURN_STOP_TOKENS,
    Message,
    Provenance,
    Role,
    Special,
    SystemContent,
    Transcript,
    Vocabulary,
    o200k_harmony,
)
from cadenza.harmony import (
    parse as parse_ids,
)
from cadenza.model import ModelError, Sampled, Sampling, TokenEngine
from cadenza.model.checkpoint import load
from cadenza.model.engines.chat import Chat
from cadenza.model.engines.completions import CompletionsEngine
from cadenza.model.engines.dialects import DIALECTS, Asked
from cadenza.model.engines.http import Server
from cadenza.model.engines.messages import MessagesEngine
from cadenza.model.engines.torch import TorchEngine
from cadenza.model.nano import served
from cadenza.model.resolve import find

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "arithmetic.yaml"
NANO = TorchEngine.load(find("nano"))
"""The local engine. What is served has its weights, bit for bit: tests/model/test_served.py."""

CONTEXT = 4096
_MINUTES = 10.0
"""To start in."""


@dataclass(frozen=True)
class Serving:
    """folder: the checkpoint; gguf: the same for llama.cpp; url: of the server; log: what it has printed."""

    folder: Path
    gguf: Path
    url: str
    log: Path

    def asked(self, **body: Any) -> list[dict[str, Any]]:
        """The events of a completion, greedily."""
        about = {"temperature": 0.0, "return_tokens": True, "stream": True, **body}
        with httpx2.stream("POST", f"{self.url}/completion", json=about, trust_env=False, timeout=300) as answer:
            lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line.startswith("data: ")]
        return [json.loads(line) for line in lines]

    def running(self) -> int:
        """How many slots are at work."""
        slots = httpx2.get(f"{self.url}/slots", trust_env=False, timeout=60).json()
        return sum(slot["is_processing"] for slot in slots)

    def is_freed(self) -> bool:
        """Whether it comes to rest in 20 seconds."""
        deadline = time.monotonic() + 20
        while (at_work := self.running()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return at_work == 0


def llama_cpp() -> Path:
    folder = os.environ.get("LLAMA_CPP")
    if folder is None:
        pytest.fail("LLAMA_CPP names no folder with llama.cpp: run `make test-llama`", pytrace=False)
    return Path(folder)


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    home = tmp_path_factory.mktemp("llama")
    folder, gguf = home / "nano", home / "nano.gguf"
    served.write(folder)
    command = [sys.executable, str(llama_cpp() / "source" / "convert_hf_to_gguf.py"), str(folder)]
    done = subprocess.run([*command, "--outfile", str(gguf), "--outtype", "f32"], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.fail(f"llama.cpp cannot convert the checkpoint:\n{done.stderr[-2000:]}", pytrace=False)
    with _server(folder, gguf, home / "log") as (started, _):
        yield started


@contextmanager
def _server(folder: Path, gguf: Path, log: Path) -> Iterator[tuple[Serving, subprocess.Popen[bytes]]]:
    """The server, from its first answer on; stopped in any case. It computes and remembers in float32, as here."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    template = llama_cpp() / "source" / "models" / "templates" / "openai-gpt-oss-120b.jinja"
    options = ["--model", str(gguf), "--alias", "nano", "--host", "127.0.0.1", "--port", str(port), "--offline"]
    options += ["--ctx-size", str(CONTEXT), "--cache-type-k", "f32", "--cache-type-v", "f32", "--flash-attn", "off"]
    options += ["--jinja", "--chat-template-file", str(template), "--slots"]
    started = Serving(folder, gguf, f"http://127.0.0.1:{port}", log)
    with log.open("wb") as output:
        program = llama_cpp() / "build" / "bin" / "llama-server"
        server = subprocess.Popen([str(program), *options], stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(server, started)
        yield started, server
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                server.send_signal(number)
                server.wait(30)
            except subprocess.TimeoutExpired:
                continue


def _wait(server: subprocess.Popen[bytes], started: Serving) -> None:
    """Until it answers; fails with the last lines of its log."""
    begun, why = time.monotonic(), f"has not answered in {_MINUTES:.0f} minutes"
    while time.monotonic() < begun + _MINUTES * 60:
        if server.poll() is not None:
            why = f"ended with {server.returncode}"
            break
        try:
            if httpx2.get(f"{started.url}/health", trust_env=False, timeout=5).status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.5)
    last = "\n".join(started.log.read_text(errors="replace").splitlines()[-30:])
    pytest.fail(f"llama-server {why}:\n{last}", pytrace=False)


def engine(serving: Serving, vocabulary: Vocabulary = NANO.vocabulary, **fields: Any) -> CompletionsEngine:
    server = Server(base_url=serving.url, **fields)
    return CompletionsEngine(server=server, name="nano", speaks="llama.cpp", context=CONTEXT, vocabulary=vocabulary)


async def events_of(agent: Agent[Any], question: str) -> list[Event]:
    return [event async for event in agent.stream(question)]


async def finished(agent: Agent[Any], question: str) -> RunFinished:
    last = (await events_of(agent, question))[-1]
    assert isinstance(last, RunFinished), last
    return last


@pytest.mark.anyio
@pytest.mark.parametrize("boxes", ["24", "31"])
async def test_a_task_file_runs_as_on_the_local_engine(serving: Serving, boxes: str) -> None:
    where = f"speaks: llama.cpp, base_url: '{serving.url}', name: nano, context: {CONTEXT}"
    task = parse(f"{EXAMPLE.read_text()}\nmodel: {{engine: completions, {where}}}\n", "arithmetic.yaml", EXAMPLE.parent)
    values = task.fill({"boxes": boxes})
    agent = task.agent(values, folder=EXAMPLE.parent)
    assert isinstance(agent.model, CompletionsEngine)
    there = await finished(
        replace(agent, model=replace(agent.model, vocabulary=NANO.vocabulary)), task.question(values)
    )
    here = await finished(replace(agent, model=NANO, constrain=False), task.question(values))
    assert (there.answer, there.ids) == (here.answer, here.ids)


def prompt(question: str, vocabulary: Vocabulary = NANO.vocabulary) -> list[int]:
    transcript = Transcript(vocabulary)
    transcript.append(Message.system(SystemContent(current_date="2026-01-31")), Message.user(question))
    return list(transcript.prompt())


async def tokens_of(
    engine: TokenEngine,
    prompt: list[int],
    temperature: float = 0.0,
    limit: int = 64,
    stop: frozenset[int] | None = None,
) -> list[Sampled]:
    ends = frozenset(map(int, TURN_STOP_TOKENS)) if stop is None else stop
    stream = engine.generate(prompt, Sampling(temperature=temperature, top_p=1.0), stop=ends, limit=limit)
    return [token async for token in stream]


async def ids_of(engine: TokenEngine, prompt: list[int]) -> list[int]:
    return [token.id for token in await tokens_of(engine, prompt)]


@pytest.mark.anyio
@pytest.mark.parametrize("question", ["What is 48 * 17?", "Name the largest of 12, 97 and 35.", "What is the weather?"])
async def test_ids_are_the_same_greedily(serving: Serving, question: str) -> None:
    known = prompt(question)
    assert await ids_of(engine(serving), known) == await ids_of(NANO, known)
    unknown = prompt(question, o200k_harmony())  # with ids that nano has no rows of its own for
    assert await ids_of(engine(serving), unknown) == await ids_of(TorchEngine.load(serving.folder), unknown)


@pytest.mark.anyio
async def test_log_probabilities_are_those_of_the_network(serving: Serving) -> None:
    """At a temperature of 1 any id may come, of 201,088; a special token and its end among them."""
    asked = prompt("What is 48 * 17?")
    came = await tokens_of(engine(serving), asked, temperature=1.0, limit=12)
    ids = [token.id for token in came]
    with torch.inference_mode():
        logits = served.whole(load(find("nano")))(torch.tensor([[*asked, *ids]]))[0, len(asked) - 1 : -1]
    # The server adds up 201,088 numbers one by one in float32, the largest first, and so loses some of the smallest.
    shares = (logits - logits.amax(-1, keepdim=True)).exp()
    first, most = shares.max(-1, keepdim=True)
    in_turn = torch.cat((first, shares.scatter(-1, most, 0.0)), dim=-1).numpy()
    wholes = torch.from_numpy(np.cumsum(in_turn, axis=-1, dtype=np.float32)[:, -1])
    expected = (logits[range(len(ids)), ids] - logits.amax(-1)).double() - wholes.double().log()
    told = torch.tensor([token.logprob for token in came], dtype=torch.float64)
    whole = told != 0  # of what ends inside of a character, the server says nothing
    assert whole.any()
    torch.testing.assert_close(told[whole], expected[whole], atol=2e-3, rtol=0)


@pytest.mark.anyio
async def test_a_limit_and_a_stop_token_end_an_answer(serving: Serving) -> None:
    asked = prompt("What is 48 * 17?")
    whole = await ids_of(engine(serving), asked)
    assert whole[-1] in TURN_STOP_TOKENS
    assert [token.id for token in await tokens_of(engine(serving), asked, limit=5)] == whole[:5]
    header = await tokens_of(engine(serving), asked, stop=frozenset({int(Special.MESSAGE)}))
    assert [token.id for token in header] == whole[: whole.index(Special.MESSAGE) + 1]


class ReadsAll:
    """Writes as nano does, and reads every id: under a schema, one that nano does not know may be the likeliest."""

    ids, encode = NANO.vocabulary.ids, staticmethod(NANO.vocabulary.encode)
    token_bytes, bytes_of = staticmethod(o200k_harmony().token_bytes), staticmethod(o200k_harmony().bytes_of)


@pytest.mark.anyio
async def test_an_answer_is_held_to_its_schema(serving: Serving) -> None:
    schema = {"type": "object", "properties": {"result": {"type": "integer"}}, "required": ["result"]}
    schema["additionalProperties"] = False
    agent = Agent(model=engine(serving, ReadsAll()), tools=["python"], effort="low", output=schema)
    events = await events_of(agent, "What is 48 * 17?")
    assert isinstance(last := events[-1], RunFinished), last
    assert set(json.loads(last.answer)) == {"result"}
    assert [event.recipient for event in events if isinstance(event, ToolCallReady)] == ["python"]
    assert last.spans[-1].provenance is Provenance.FORCED


def test_what_a_server_does_not_stream_of_a_character_is_read_from_its_text(serving: Serving) -> None:
    ids = o200k_harmony().encode("a🦀東b")
    likely = [[id, 50.0] for id in ids]
    events = serving.asked(prompt=prompt("Hello."), grammar='root ::= "a🦀東b"', logit_bias=likely, n_predict=32)
    assert [id for event in events for id in event["tokens"]][: len(ids)] != ids  # or else this is needed no more
    came: list[int] = []
    for event in events:
        came += DIALECTS["llama.cpp"].read(event, len(came), o200k_harmony()).ids
    assert came[: len(ids)] == ids
    assert set(came[len(ids) :]) <= TURN_STOP_TOKENS


def test_no_special_token_stands_in_a_string_of_json(serving: Serving) -> None:
    """The server's grammar takes `<|end|>` for the text of its name, and would let it come."""
    asked = Asked(
        model="nano",
        prompt=prompt("Hello."),
        sampling=Sampling(),
        stop=frozenset(),
        limit=8,
        schema={"type": "string"},
    )
    body = DIALECTS["llama.cpp"].body(asked)
    likely = [[int(Special.END), 100.0]]
    for bias, comes in ((likely, True), ([*likely, *body["logit_bias"]], False)):
        events = serving.asked(**{**body, "logit_bias": bias})
        assert comes == (Special.END in [id for event in events for id in event["tokens"]])


@pytest.mark.anyio
async def test_a_turn_that_is_asked_for_in_parts_is_read_once(serving: Serving) -> None:
    """A client that hangs up after the header is often given another slot, which has read nothing of it."""
    for number in range(8):
        asked = prompt(f"What is {number} * 17? " * 12)
        header = await tokens_of(engine(serving), asked, stop=frozenset({int(Special.MESSAGE)}))
        last = serving.asked(prompt=[*asked, *(token.id for token in header)], n_predict=1)[-1]
        assert last["timings"]["prompt_n"] < 8


_ENDLESS = """
import httpx2, sys
body = {"prompt": [1] * 8, "n_predict": 4000, "ignore_eos": True, "stream": True}
with httpx2.stream("POST", sys.argv[1] + "/completion", json=body, trust_env=False, timeout=300) as answer:
    for line in answer.iter_lines():
        print(line, flush=True)
"""


def test_a_client_that_is_killed_frees_the_server(serving: Serving) -> None:
    client = subprocess.Popen([sys.executable, "-c", _ENDLESS, serving.url], stdout=subprocess.PIPE)
    assert client.stdout is not None
    assert client.stdout.readline().startswith(b"data:")
    assert serving.running() == 1
    client.kill()
    client.communicate()
    assert serving.is_freed()


@pytest.mark.anyio
async def test_a_stream_that_is_closed_frees_the_server(serving: Serving) -> None:
    stream = engine(serving).generate(prompt("What is 48 * 17?"), Sampling(), stop=frozenset(), limit=3000)
    async with aclosing(stream):
        await anext(stream)
    assert serving.is_freed()


@pytest.mark.anyio
async def test_what_the_server_refuses_is_one_line(serving: Serving) -> None:
    elsewhere = replace(engine(serving), server=Server(base_url=f"{serving.url}/v1"))
    with pytest.raises(ModelError, match=r"/v1: 404: \S[^\n]*$"):
        await ids_of(elsewhere, prompt("Hello."))
    longer = replace(engine(serving), context=131_072)
    with pytest.raises(ModelError, match=r"400: [^\n]*context[^\n]*$"):
        await ids_of(longer, [1] * (CONTEXT + 1))


@pytest.mark.anyio
async def test_a_server_that_is_killed_is_one_line(serving: Serving, tmp_path: Path) -> None:
    with _server(serving.folder, serving.gguf, tmp_path / "log") as (mortal, process):
        stream = engine(mortal, retries=1).generate(prompt("Hello."), Sampling(), stop=frozenset(), limit=3000)
        async with aclosing(stream):
            await anext(stream)
            process.kill()
            with pytest.raises(ModelError, match=r"^http://127.0.0.1:\d+: [^\n]*; \d attempts failed$"):
                async for _ in stream:
                    pass


@pytest.mark.anyio
async def test_a_server_that_renders_the_messages_itself_is_understood_or_says_why_not(serving: Serving) -> None:
    """Of the server's own prompt nano does not know every id; what it then writes, the server may not make out."""
    there = MessagesEngine(server=Server(base_url=f"{serving.url}/v1"), name="nano", wire=Chat(), context=CONTEXT)
    stream = there.generate(
        prompt("What is 3 + 4?", o200k_harmony()), Sampling(temperature=0.0), stop=TURN_STOP_TOKENS, limit=256
    )
    tokens, why = list[Sampled](), ""
    try:
        tokens = [token async for token in stream]
    except ModelError as error:
        why = str(error)
    if not tokens:
        assert re.fullmatch(rf"{serving.url}/v1: \S[^\n]*", why)
        return
    assert {token.provenance for token in tokens} == {Provenance.FOREIGN}
    message = parse_ids([token.id for token in tokens], o200k_harmony(), role=Role.ASSISTANT)[-1].message
    assert message.text
