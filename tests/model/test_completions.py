"""The engine of servers, against one on loopback that speaks each dialect and has nano behind it."""

from __future__ import annotations

import codecs
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import pytest
import torch

from cadenza.agent import Agent, Limits, UserError
from cadenza.agent.events import Event, RunFinished, ToolCallReady
from cadenza.harmony import (
    TURN_STOP_TOKENS,
    CallTo,
    Message,
    Provenance,
    Special,
    SystemContent,
    ToolChoice,
    ToolDescription,
    ToolNamespace,
    Transcript,
    TurnGrammar,
    TurnSpec,
    is_special,
    open_turn,
    turn_grammar,
)
from cadenza.model import ModelError, Sampled, Sampling
from cadenza.model.checkpoint import Checkpoint, Reader
from cadenza.model.constrain import Constrainer
from cadenza.model.engines import http as endpoint
from cadenza.model.engines.completions import CompletionsEngine
from cadenza.model.engines.dialects import DIALECTS, Speaks
from cadenza.model.engines.torch import TorchEngine
from cadenza.model.resolve import find
from cadenza.model.transformer import Transformer

QUESTION = "What is 48 * 17?"
NANO, BEHIND = TorchEngine.load(find("nano")), TorchEngine.load(find("nano"))
NANO_CONFIG = Reader(find("nano")).config


class Server(ThreadingHTTPServer):
    """breaks_after: events after which it closes a connection, once each; busy: how often it answers 503 first.

    keeps_stops: like servers that do not send the token that ended them; plays: answers written down, of events each,
    before nano is asked.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Requests)
        self.breaks_after: list[int] = []
        self.behind = BEHIND
        self.busy = 0
        self.plays: list[list[dict[str, Any]]] = []
        self.keeps_stops = False
        self.without_ids = False
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Requests(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked, event = {
            "/v1/completions": (said, of_vllm),
            "/v1/generate": (from_sglang, of_sglang),
            "/v1/completion": (from_llama_cpp, of_llama_cpp),
        }[self.path]
        asked = asked if asked is said else asked(said)
        self.server.asked.append(asked)
        self.server.keys.append(self.headers["Authorization"])
        if asked.get("model", "nano") != "nano":
            return self._refuse(404, {"error": {"message": f"no model\n {asked['model']}"}})
        if self.server.busy:
            self.server.busy -= 1
            return self._refuse(503, {"detail": "warming up"})
        breaks_after = self.server.breaks_after.pop(0) if self.server.breaks_after else None
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        if self.server.plays:
            for told in self.server.plays.pop(0):
                self.wfile.write(b"data: %s\n\n" % json.dumps(told).encode())
            return None
        tokens = anyio.run(partial(generated, self.server.behind, asked))
        stopped = bool(tokens) and tokens[-1].id in asked["stop_token_ids"]
        for at in range(len(tokens)):
            if at == breaks_after:
                return None
            last = at == len(tokens) - 1
            seen = tokens[: at + 1 - (last and stopped and self.server.keeps_stops)]
            reason = None if not last else "stop" if stopped or "structured_outputs" in asked else "length"
            told = event(seen, at, reason, tokens[at].id if last and stopped else None)
            if told is None:
                continue
            if self.server.without_ids:
                told["choices"][0].pop("token_ids")
            self.wfile.write(b"data: %s\n\n" % json.dumps(told).encode())
        if event is of_vllm:
            self.wfile.write(b'data: {"choices": [], "usage": {"completion_tokens": 1}}\n\ndata: [DONE]\n\n')
        if event is of_llama_cpp:
            ended = {"content": "", "tokens": [], "tokens_predicted": len(tokens), "stop": True}
            ended["stop_type"] = "eos" if stopped or "structured_outputs" in asked else "limit"
            self.wfile.write(b"data: %s\n\n" % json.dumps(ended).encode())
        return None

    def _refuse(self, status: int, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def of_vllm(seen: list[Sampled], before: int, reason: str | None, stop: int | None) -> dict[str, Any]:
    """An event: all that has been sampled, how much of it came before, why and by which token it ended."""
    ids, logprobs = [each.id for each in seen[before:]], [each.logprob for each in seen[before:]]
    choice = {"text": "x", "token_ids": ids, "finish_reason": reason, "stop_reason": stop}
    return {"choices": [{**choice, "logprobs": {"token_logprobs": logprobs}}]}


def of_sglang(seen: list[Sampled], before: int, reason: str | None, stop: int | None) -> dict[str, Any]:
    """Ids from the beginning at first, and later only what is new: servers differ."""
    about: dict[str, Any] = {"completion_tokens": len(seen), "finish_reason": None}
    if reason is not None:
        about["finish_reason"] = {"type": reason, "matched": stop}
    told = seen if before < 4 else seen[before:]
    about["output_token_logprobs"] = [[each.logprob, each.id, None] for each in told]
    return {"text": "x", "output_ids": [each.id for each in told], "meta_info": about}


def from_sglang(said: dict[str, Any]) -> dict[str, Any]:
    sampling = said["sampling_params"]
    asked = {**sampling, "prompt": said["input_ids"], "seed": sampling["sampling_seed"]}
    asked["max_tokens"] = sampling["max_new_tokens"]
    if "json_schema" in sampling:
        asked["structured_outputs"] = {"json": json.loads(sampling["json_schema"])}
    return asked


def of_llama_cpp(seen: list[Sampled], before: int, reason: str | None, stop: int | None) -> dict[str, Any] | None:
    """Inside of a character there is no event; the next one has the text of all its tokens, and the last token alone.

    That an answer ends is an event of its own, without tokens.
    """
    texts = [b"" if is_special(each.id) else NANO.vocabulary.token_bytes(each.id) for each in seen]
    if inside_event_of(b"".join(texts)):
        return None
    begin = before
    while begin and inside_event_of(b"".join(texts[:begin])):
        begin -= 1
    told = {"content": b"".join(texts[begin:]).decode(errors="replace"), "tokens": [seen[-1].id], "stop": False}
    probabilities = [{"id": seen[-1].id, "logprob": seen[-1].logprob}]
    return {**told, "tokens_predicted": len(seen), "completion_probabilities": probabilities}


def inside_event_of(text: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(text)
    return bool(decoder.getstate()[0])


def from_llama_cpp(said: dict[str, Any]) -> dict[str, Any]:
    """It knows the ends of a turn by itself, and stops at the names of other tokens."""
    ends = [*TURN_STOP_TOKENS, *(special for special in Special if special.text in said["stop"])]
    asked = {**said, "max_tokens": said["n_predict"], "stop_token_ids": ends}
    return asked | ({"structured_outputs": {"json": said["json_schema"]}} if "json_schema" in said else {})


async def generated(behind: TorchEngine, asked: dict[str, Any]) -> list[Sampled]:
    constraint = None
    if "structured_outputs" in asked:
        schema = json.dumps(asked["structured_outputs"]["json"] | {"x-guidance": {"whitespace_flexible": False}})
        constraint = TurnGrammar(text=f"start: %json {schema} <[{int(Special.RETURN)}]>")
    if "allowed_token_ids" in asked:
        constraint = TurnGrammar(text="start: " + " | ".join(f"<[{id}]>" for id in asked["allowed_token_ids"]))
    sampling = Sampling(temperature=asked.get("temperature"), top_p=asked.get("top_p"), seed=asked["seed"])
    stream = behind.generate(
        asked["prompt"],
        sampling,
        stop=frozenset(asked["stop_token_ids"]),
        limit=asked["max_tokens"],
        constraint=constraint,
    )
    return [token async for token in stream]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.shutdown()


def engine(behind: Server, *, speaks: Speaks = "vllm", **fields: Any) -> CompletionsEngine:
    server = endpoint.Server(base_url=behind.url, **fields)
    return CompletionsEngine(server=server, name="nano", speaks=speaks, vocabulary=NANO.vocabulary)


async def events_of(agent: Agent[Any], question: str = QUESTION) -> list[Event]:
    return [event async for event in agent.stream(question)]


async def finished(agent: Agent[Any]) -> RunFinished:
    last = (await events_of(agent))[-1]
    assert isinstance(last, RunFinished)
    return last


@pytest.mark.anyio
@pytest.mark.parametrize("speaks", DIALECTS)
async def test_a_run_on_a_server_is_the_run_on_the_model_itself(server: Server, speaks: Speaks) -> None:
    local = await finished(Agent(tools=["python"], constrain=False))
    served = await finished(Agent(model=engine(server, speaks=speaks), tools=["python"], constrain=False))
    assert (served.answer, served.ids) == (local.answer, local.ids)
    assert {span.provenance for span in served.spans} <= {Provenance.SAMPLED, Provenance.RENDERED}
    assert all(asked["prompt"] == list(local.ids[: len(asked["prompt"])]) for asked in server.asked)


@pytest.mark.anyio
@pytest.mark.parametrize("speaks", DIALECTS)
async def test_a_server_that_breaks_off_or_is_busy_loses_nothing(server: Server, speaks: Speaks) -> None:
    local = await finished(Agent(tools=["python"], constrain=False))
    server.busy, server.breaks_after = 2, [3, 1, 0, 5]
    served = await finished(Agent(model=engine(server, speaks=speaks), tools=["python"]))
    assert served.ids == local.ids


@pytest.mark.anyio
async def test_stop_tokens_that_a_server_keeps_are_put_back(server: Server) -> None:
    local = await finished(Agent(tools=["python"], constrain=False))
    server.keeps_stops = True
    served = await finished(Agent(model=engine(server), tools=["python"]))
    assert served.ids == local.ids


@pytest.mark.anyio
@pytest.mark.parametrize("speaks", DIALECTS)
async def test_an_answer_is_held_to_its_schema_after_its_header_was_sampled(server: Server, speaks: Speaks) -> None:
    schema = {"type": "object", "properties": {"result": {"type": "integer"}}, "required": ["result"]}
    schema["additionalProperties"] = False
    events = await events_of(Agent(model=engine(server, speaks=speaks), tools=["python"], effort="low", output=schema))
    assert isinstance(events[-1], RunFinished)
    assert set(json.loads(events[-1].answer)) == {"result"}
    assert [event.recipient for event in events if isinstance(event, ToolCallReady)] == ["python"]
    *others, last = server.asked
    bounded = {"type": "integer", "minimum": 1 - 2**53, "maximum": 2**53 - 1}
    assert last["structured_outputs"] == {"json": {**schema, "properties": {"result": bounded}}}
    assert not any("structured_outputs" in asked for asked in others)
    assert last["prompt"][-1] == Special.MESSAGE
    assert events[-1].ids[-1] == Special.RETURN
    assert events[-1].spans[-1].provenance is Provenance.FORCED


@pytest.mark.anyio
async def test_no_special_token_may_stand_in_json_where_a_server_would_let_it(server: Server) -> None:
    agent = Agent(model=engine(server, speaks="llama.cpp"), effort="low", output={"type": "string", "enum": ["a"]})
    await events_of(agent)
    *others, body = server.asked
    assert not any("logit_bias" in asked for asked in others)
    assert body["logit_bias"] == [[id, False] for id in Special if id not in TURN_STOP_TOKENS]


@pytest.mark.anyio
async def test_a_part_of_a_turn_ends_by_itself_where_a_server_knows_names_of_tokens(server: Server) -> None:
    agent = Agent(model=engine(server, speaks="llama.cpp"), effort="low", output={"type": "string", "enum": ["a"]})
    await events_of(agent)
    *others, body = server.asked
    assert body["stop"] == []
    assert {tuple(asked["stop"]) for asked in others} <= {("<|message|>",), ("<|end|>",)}
    spelled = NANO.vocabulary.encode("<|end|>")
    began = [event_of([id], at + 1, "") for at, id in enumerate(spelled)]
    server.plays = [[*began, event_of([], len(spelled), "", "word")], [event_of([], 0, "", "limit")]]
    stream = engine(server, speaks="llama.cpp").generate(prompt(), Sampling(), stop=frozenset({Special.END}), limit=20)
    assert [token.id async for token in stream] == spelled
    assert server.asked[-1]["prompt"] == [*prompt(), *spelled]


@pytest.mark.anyio
@pytest.mark.parametrize("speaks", DIALECTS)
async def test_characters_of_several_tokens_come_whole(server: Server, speaks: Speaks) -> None:
    schema = {"type": "string", "enum": ["東🦀京"]}
    events = await events_of(Agent(model=engine(server, speaks=speaks), effort="low", output=schema))
    assert isinstance(events[-1], RunFinished)
    assert json.loads(events[-1].answer) == "東🦀京"


def event_of(tokens: list[int], predicted: int, content: str, stop_type: str | None = None) -> dict[str, Any]:
    told = {"content": content, "tokens": tokens, "tokens_predicted": predicted, "stop": stop_type is not None}
    return told | ({} if stop_type is None else {"stop_type": stop_type})


@pytest.mark.anyio
async def test_tokens_that_a_server_keeps_are_asked_for_again_where_its_text_does_not_tell_them(server: Server) -> None:
    crab, letter = NANO.vocabulary.encode("🦀"), NANO.vocabulary.encode("a")
    whole = [event_of(crab[-1:], len(crab), "🦀"), event_of([], len(crab), "", "limit")]
    for otherwise in (event_of(crab[-1:], len(crab) + 1, "🦀"), event_of(letter, 2, "🦀")):
        server.plays = [[otherwise], whole]
        assert await tokens_of(engine(server, speaks="llama.cpp"), prompt()) == crab
    assert len(server.asked) == 4


@pytest.mark.anyio
async def test_a_limit_inside_of_a_character_is_a_limit_and_another_end_there_is_none(server: Server) -> None:
    letter = NANO.vocabulary.encode("a")
    for ended, again in (("limit", 0), ("eos", 1)):
        server.asked.clear()
        cut = [event_of(letter, 1, "a"), event_of([], 3, "", ended)]
        server.plays = [cut, [event_of([], 0, "", "limit")]]
        assert await tokens_of(engine(server, speaks="llama.cpp"), prompt()) == letter
        assert len(server.asked) == 1 + again


async def tokens_of(engine: CompletionsEngine, prompt: list[int]) -> list[int]:
    stream = engine.generate(prompt, Sampling(), stop=frozenset({Special.RETURN}), limit=5)
    return [token.id async for token in stream]


def prompt() -> list[int]:
    transcript = Transcript(NANO.vocabulary)
    transcript.append(Message.system(SystemContent(current_date="2026-01-31")), Message.user(QUESTION))
    return list(transcript.prompt())


def given_up(speaks: Speaks, ids: list[int]) -> dict[str, Any]:
    """The end of an answer that a server gives up, since it is shut down or short of memory."""
    if speaks == "vllm":
        return {"choices": [{"text": "x", "token_ids": ids, "finish_reason": "abort", "stop_reason": None}]}
    about = {"completion_tokens": len(ids), "finish_reason": {"type": "abort", "message": "Aborted"}}
    return {"text": "x", "output_ids": ids, "meta_info": about}


@pytest.mark.anyio
@pytest.mark.parametrize("speaks", ["vllm", "sglang"])
async def test_what_a_server_gives_up_is_taken_up_again_where_it_was(server: Server, speaks: Speaks) -> None:
    expected = await tokens_of(engine(server, speaks=speaks), prompt())
    server.plays = [[given_up(speaks, expected[:2])]]
    assert await tokens_of(engine(server, speaks=speaks), prompt()) == expected
    assert server.asked[-1]["prompt"] == [*prompt(), *expected[:2]]


@pytest.mark.anyio
@pytest.mark.parametrize("at_a_time", [1, 20])
async def test_no_more_comes_than_was_asked_for_whatever_a_server_sends(server: Server, at_a_time: int) -> None:
    sent = [list(range(begin, begin + at_a_time)) for begin in range(1000, 1020, at_a_time)]
    server.plays = [[{"choices": [{"text": "x", "token_ids": ids, "finish_reason": None}]} for ids in sent]]
    assert await tokens_of(engine(server), prompt()) == [1000, 1001, 1002, 1003, 1004]
    nothing = engine(server).generate(prompt(), Sampling(), stop=frozenset(), limit=0)
    assert [token async for token in nothing] == []
    assert len(server.asked) == 1


@pytest.mark.anyio
async def test_what_a_server_refuses_is_one_line_and_not_asked_again(server: Server) -> None:
    unknown = replace(engine(server), name="other")
    with pytest.raises(ModelError, match=r"^http://127.0.0.1:\d+/v1: 404: no model other$"):
        await tokens_of(unknown, prompt())
    server.without_ids = True
    with pytest.raises(ModelError, match="the server gives no token ids"):
        await tokens_of(engine(server), prompt())
    assert len(server.asked) == 2
    server.plays = [[{"choices": [{"text": "x", "token_ids": ["a"]}]}], [{"error": "no\nmemory"}]]
    for said in ("the answer is no completion: ", "v1: no memory$"):
        with pytest.raises(ModelError, match=said):
            await tokens_of(engine(server), prompt())
    for wrong in ([], [1] * 131_072):
        with pytest.raises(ModelError, match="takes 1 to 131071"):
            await tokens_of(engine(server), wrong)


@pytest.mark.anyio
async def test_a_server_that_stays_away_is_given_up(server: Server) -> None:
    server.busy = 9
    with pytest.raises(ModelError, match=r"503: .*warming up.*; 2 attempts failed"):
        await tokens_of(engine(server, retries=1), prompt())
    nobody = replace(engine(server), server=endpoint.Server(base_url="http://127.0.0.1:9/v1", retries=0))
    with pytest.raises(ModelError, match=r"127.0.0.1:9/v1: ConnectError.*; 1 attempts failed"):
        await tokens_of(nobody, prompt())


@pytest.mark.anyio
async def test_a_key_is_sent_and_never_shown(server: Server) -> None:
    keyed = engine(server, api_key="sesame")
    await tokens_of(keyed, prompt())
    assert server.keys == ["Bearer sesame"]
    assert "sesame" not in repr(keyed)
    for wrong in ("sesame\n", "sesamé"):
        with pytest.raises(ModelError, match="the API key has characters that no key has") as failure:
            await tokens_of(engine(server, api_key=wrong), prompt())
        assert "sesam" not in str(failure.value)


def test_a_tool_choice_cannot_be_held_to_by_a_server_that_takes_any_id(server: Server) -> None:
    with pytest.raises(UserError, match="its engine masks what a message says, and not to whom"):
        Agent(model=engine(server, speaks="sglang"), tools=["python"], tool_choice="required").run_sync(QUESTION)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "fields",
    [{}, {"tool_choice": "required", "effort": "low"}, {"limits": Limits(reasoning=3)}],
    ids=["auto", "required", "budget"],
)
async def test_a_server_that_can_be_told_which_ids_may_come_is_held_to_whole_turns(
    server: Server, fields: dict[str, Any]
) -> None:
    """The very ids of the run on the model itself, with its masks."""
    local = await finished(Agent(tools=["python"], **fields))
    server.breaks_after = [2, 0, 1]
    served = await finished(Agent(model=engine(server), tools=["python"], **fields))
    assert served.ids == local.ids


BOOK = ToolDescription(name="book", description="", parameters={"type": "object", "properties": {}})
TOOLS = TurnSpec(
    built_in=(ToolNamespace(name="python", description="Runs code."),),
    functions=(ToolNamespace(name="functions", tools=(BOOK, replace(BOOK, name="booklet"))),),
)


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(12))
async def test_whatever_a_model_says_its_turn_is_one_of_the_grammar(server: Server, seed: int) -> None:
    """Random weights, which would say anything; without a mask on text, as long as it is text."""
    choice: ToolChoice = ("auto", "none", "required", CallTo("functions.book"))[seed % 4]
    grammar = turn_grammar(replace(TOOLS, choice=choice, reasoning=(None, 0, 5)[seed % 3]), NANO.vocabulary)
    server.behind = rambling(seed)
    prompt, stop = open_turn(NANO.vocabulary), frozenset({int(Special.RETURN), int(Special.CALL)})
    stream = engine(server).generate(prompt, Sampling(temperature=1.0), stop=stop, limit=60, constraint=grammar)
    turn = [token async for token in stream]
    held = Constrainer(NANO.vocabulary, NANO.vocabulary.ids).start(grammar)
    for token in turn:
        held.accept(token.id)
    assert held.finished or len(turn) == 60
    assert Provenance.SAMPLED in {token.provenance for token in turn}


def rambling(seed: int) -> TorchEngine:
    """Says what is ASCII, and special tokens anywhere."""
    vocabulary = NANO.vocabulary
    network = Transformer(replace(NANO_CONFIG, num_layers=1))
    torch.manual_seed(seed)
    for name, parameter in network.named_parameters():
        torch.nn.init.normal_(parameter, std=0.02 if "layers" in name else 0.3)
    with torch.no_grad():
        network.model.norm.weight.fill_(1)
        network.model.embed_tokens.weight[:, 0] = 3
        for row, id in enumerate(vocabulary.ids):
            network.lm_head.weight[row, 0] = 2 if is_special(id) else 0 if vocabulary.token_bytes(id).isascii() else -99
    return TorchEngine(Checkpoint(network.eval(), tuple(vocabulary.ids)))
