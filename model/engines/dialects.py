"""How servers take and give token ids: what a request says, and what an event of its answer holds.

- vllm: `/completions` of vLLM's OpenAI-compatible server (0.32; `return_token_ids`, `structured_outputs`,
  `allowed_token_ids`)
- sglang: `/generate` of SGLang's own API (`input_ids`; `output_ids` are all so far, or what is new)
- llama.cpp: `/completion` of llama-server (`return_tokens`); top-k and min-p are turned off, as elsewhere. It streams
  no token that ends inside of a character, only the last one, with the text of all: the others are read from that text
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from cadenza.harmony import TURN_STOP_TOKENS, JsonObject, Special, Vocabulary

from ..engine import Sampling
from .http import Away


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """schema: of a whole body of JSON, which then ends by itself; None for text up to a token out of `stop`.

    only: the ids that may come, for a server that can be told so; None for any.
    """

    model: str
    prompt: Sequence[int]
    sampling: Sampling
    stop: frozenset[int]
    limit: int
    schema: JsonObject | None
    only: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """What an event brings. logprobs: of the ids, 0 where the server gives none.

    finished: whether it is the last event; stop: the token that ended the answer, where the server names it.
    """

    ids: Sequence[int]
    logprobs: Sequence[float]
    finished: bool = False
    stop: int | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """read: an event, how many ids came before it, and what they mean.

    It raises LookupError, TypeError, ValueError for another answer; Away for ids that are lost.

    restricts: whether it can be told which ids may come.
    """

    path: str
    body: Callable[[Asked], dict[str, Any]]
    read: Callable[[Mapping[str, Any], int, Vocabulary], Came]
    restricts: bool = False


_UNFINISHED: Final = (None, "abort")
"""Reasons to end that are none of the model's: what a server gave up is to be taken up again."""


def _padded(logprobs: Sequence[float | None], ids: Sequence[int]) -> list[float]:
    return [float(value or 0.0) for value in [*logprobs, *[None] * len(ids)][: len(ids)]]


# --- vLLM -------------------------------------------------------------------------------------------------------------


def _vllm(asked: Asked) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": asked.model,
        "prompt": list(asked.prompt),
        "max_tokens": asked.limit,
        "seed": asked.sampling.seed,
        "stop_token_ids": sorted(map(int, asked.stop)),
        "include_stop_str_in_output": True,
        "skip_special_tokens": False,
        "return_token_ids": True,
        "logprobs": 0,
        "stream": True,
        **asked.sampling.said,
    }
    if asked.schema is not None:
        body["structured_outputs"] = {"json": asked.schema}
    if asked.only is not None:
        body["allowed_token_ids"] = list(asked.only)
    return body


def _from_vllm(event: Mapping[str, Any], before: int, vocabulary: Vocabulary) -> Came:
    if not (choices := event.get("choices")):
        return Came((), ())  # an event that counts tokens
    choice = choices[0]
    ids = choice.get("token_ids")
    if ids is None and choice.get("text"):
        raise ValueError("the server gives no token ids (vLLM does, from 0.10.2 on)")
    logprobs = (choice.get("logprobs") or {}).get("token_logprobs") or []
    stop = choice.get("stop_reason")
    named = stop if choice.get("finish_reason") == "stop" and isinstance(stop, int) else None
    return Came(ids or (), _padded(logprobs, ids or ()), choice.get("finish_reason") not in _UNFINISHED, named)


# --- SGLang -----------------------------------------------------------------------------------------------------------


def _sglang(asked: Asked) -> dict[str, Any]:
    sampling: dict[str, Any] = {
        "max_new_tokens": asked.limit,
        "sampling_seed": asked.sampling.seed,
        "stop_token_ids": sorted(map(int, asked.stop)),
        "no_stop_trim": True,
        "skip_special_tokens": False,
        **asked.sampling.said,
    }
    if asked.schema is not None:
        sampling["json_schema"] = json.dumps(asked.schema)
    return {"input_ids": list(asked.prompt), "sampling_params": sampling, "return_logprob": True, "stream": True}


def _from_sglang(event: Mapping[str, Any], before: int, vocabulary: Vocabulary) -> Came:
    about = event["meta_info"]
    if "output_ids" not in event:
        raise ValueError("the server gives no token ids")
    new = about["completion_tokens"] - before
    ids = event["output_ids"][-new:] if new > 0 else []
    logprobs = [entry[0] for entry in (about.get("output_token_logprobs") or [])[-len(ids) :]] if ids else []
    ended = about.get("finish_reason")
    stop = ended.get("matched") if isinstance(ended, Mapping) and ended.get("type") == "stop" else None
    finished = (ended.get("type") if isinstance(ended, Mapping) else ended) not in _UNFINISHED
    return Came(ids, _padded(logprobs, ids), finished, stop if isinstance(stop, int) else None)


# --- llama.cpp --------------------------------------------------------------------------------------------------------


def _llama_cpp(asked: Asked) -> dict[str, Any]:
    """It knows the ends of a turn, and of other tokens the names.

    A slot that ends by itself is free for the next part of the turn, which then reads only what is new; a client that
    hangs up would be given another one. Its grammar takes a special token inside of a string for the text of its name.
    """
    body: dict[str, Any] = {
        "prompt": list(asked.prompt),
        "n_predict": asked.limit,
        "seed": asked.sampling.seed,
        "top_k": 0,
        "min_p": 0.0,
        "n_probs": 1,
        "return_tokens": True,
        "cache_prompt": True,
        "stop": [special.text for special in Special if special in asked.stop and special not in TURN_STOP_TOKENS],
        "stream": True,
        **asked.sampling.said,
    }
    if asked.schema is not None:
        body["json_schema"] = asked.schema
        body["logit_bias"] = [[int(special), False] for special in Special if special not in TURN_STOP_TOKENS]
    return body


def _from_llama_cpp(event: Mapping[str, Any], before: int, vocabulary: Vocabulary) -> Came:
    if "tokens" not in event:
        raise ValueError("the server gives no token ids (llama-server does, with `return_tokens`)")
    ids = event["tokens"]
    logprobs = [entry.get("logprob") for entry in event.get("completion_probabilities") or []]
    unsent = event.get("tokens_predicted", 0) - before - len(ids)
    if unsent > 0 and event.get("stop_type") != "limit":  # which cuts an answer inside a character, too
        whole = vocabulary.encode(event["content"])
        if len(whole) != unsent + len(ids) or whole[unsent:] != ids:
            raise Away("it kept token ids to itself, inside of a character that is not written as usual")
        ids, logprobs = whole, [None] * unsent + logprobs
    finished = event["stop"] and event.get("stop_type") != "word"  # else text spells the name of a token
    return Came(ids, _padded(logprobs, ids), bool(finished))


Speaks: TypeAlias = Literal["vllm", "sglang", "llama.cpp"]

DIALECTS: Final[Mapping[Speaks, Dialect]] = {
    "vllm": Dialect("/completions", _vllm, _from_vllm, restricts=True),
    "sglang": Dialect("/generate", _sglang, _from_sglang),
    "llama.cpp": Dialect("/completion", _llama_cpp, _from_llama_cpp),
}
