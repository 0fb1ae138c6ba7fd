"""The grammar of one assistant turn, as llguidance's Lark text: what may follow `<|start|>assistant`.

    (analysis | preamble)* and then a call of a tool that exists, or the final answer

- Headers are token ids, exactly those that `render` gives, so no other spelling of a recipient can be sampled.
- Built-in tools are called on the analysis channel with content type `code`: text where a namespace has no functions
  (`python`), else JSON by the function's schema. A developer's functions are called on the commentary channel.
- The final answer carries no content type, also where it is JSON: the format's guide (OpenAI cookbook, "Structured
  output") shows none, and openai-harmony 0.0.8 takes the `<|constrain|>json` after `final` for a recipient.
- Texts are any UTF-8 and no special token; JSON is compact, its properties in the schema's order (see `schema`).
- The text names ids of o200k_harmony, so it serves every engine of the vocabulary that it was made with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from .conversation import NO_TOOL, Channel, JsonObject, Message, ToolNamespace
from .errors import GrammarError
from .render import open_turn, render
from .schema import Mask, mask_of
from .vocabulary import Special, Vocabulary


@dataclass(frozen=True, slots=True)
class CallTo:
    """The turn has to call one tool: "functions.weather", "python", or a namespace for any of its functions."""

    recipient: str


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | CallTo
"""auto: a call or an answer; none: an answer; required: a call. Reasoning stays free in all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSpec:
    """What a turn may be.

    built_in: namespaces of the system message; functions: namespaces of the developer message;
    output: a JSON Schema of the final answer, None for free text; reasoning: how many tokens of analysis there may be
    in the turn, 0 for none at all and None for any number; unmasked: calls and FINAL_ANSWER that are held to JSON, and
    not to their schemas.
    """

    built_in: tuple[ToolNamespace, ...] = ()
    functions: tuple[ToolNamespace, ...] = ()
    choice: ToolChoice = "auto"
    output: JsonObject | None = None
    reasoning: int | None = None
    unmasked: frozenset[str] = frozenset()


FINAL_ANSWER: Final = "the final answer"
"""What a call's recipient is to a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningBudget:
    """When reasoning has to end.

    tokens: of analysis messages, their headers left out; afterwards: the grammar of what may follow the `<|end|>` of
    the last one.
    """

    tokens: int
    afterwards: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnd:
    """A message that ends a turn.

    message: an empty one, as its header says it; header: the ids between `<|start|>assistant` and its text;
    schema: what its JSON is masked by, None for text; beyond: what that leaves out of its own, such as "`not` at $.a".
    """

    message: Message
    header: tuple[int, ...]
    schema: JsonObject | None
    stop: Special
    beyond: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """A call's recipient, or FINAL_ANSWER."""
        return self.message.recipient or FINAL_ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnGrammar:
    """One turn.

    text: Lark, over the ids of the vocabulary; a grammar cannot count, so the budget stands beside it.
    For engines that mask less than a turn: ends, what may end it; analysis, preamble: headers of the messages that do
    not, as ids. For engines that take tools instead of ids: spec, what it was made from.
    """

    text: str
    ends: tuple[TurnEnd, ...] = ()
    analysis: tuple[int, ...] = ()
    preamble: tuple[int, ...] = ()
    spec: TurnSpec = TurnSpec()
    budget: ReasoningBudget | None = None


def turn_grammar(spec: TurnSpec, vocabulary: Vocabulary) -> TurnGrammar:
    """The grammar of a turn. Raises GrammarError for a choice that no tool fits, or a name that no header can carry.

    Whether the schemas can be masked is for the engine to say: its generate raises ConstraintError.
    """
    opened = _sequence(open_turn(vocabulary))
    rules, ends = _ends(spec, vocabulary)
    analysis, preamble = (
        _header(Message.assistant("", channel=channel), vocabulary)
        for channel in (Channel.ANALYSIS, Channel.COMMENTARY)
    )
    without, budget = f"({_spoken(preamble)} {opened})* end", None
    text = _lark(f"(({_spoken(analysis)} | {_spoken(preamble)}) {opened})* end", rules)
    if spec.reasoning == 0:
        text = _lark(without, rules)
    elif spec.reasoning is not None:
        if spec.reasoning < 0:
            raise GrammarError(f"reasoning: {spec.reasoning} tokens; it must be 0 or more, or None")
        budget = ReasoningBudget(tokens=spec.reasoning, afterwards=_lark(f"{opened} {without}", rules))
    return TurnGrammar(text=text, ends=ends, analysis=analysis, preamble=preamble, spec=spec, budget=budget)


_NO_ARGUMENTS: Final[JsonObject] = {"type": "object", "properties": {}, "additionalProperties": False}
_ANY_OBJECT: Final[JsonObject] = {"type": "object"}


def _ends(spec: TurnSpec, vocabulary: Vocabulary) -> tuple[str, tuple[TurnEnd, ...]]:
    """What may end the turn, and the rules of it, as alternatives of `end`."""
    ends = [] if spec.choice == "none" else _calls(spec, vocabulary)
    if isinstance(spec.choice, CallTo):
        name = spec.choice.recipient
        ends = [end for end in ends if end.label == name or end.label.startswith(f"{name}.")]
    if spec.choice in ("auto", "none"):
        answer = Message.assistant("", channel=Channel.FINAL)
        ends.append(_end(answer, spec.output, Special.RETURN, vocabulary))
    if not ends:
        asked = f"a call to {spec.choice.recipient!r}" if isinstance(spec.choice, CallTo) else "a call"
        known = ", ".join(call.label for call in _calls(spec, vocabulary)) or "none"
        raise GrammarError(f"tool choice: {asked} is required, but no tool fits; there is: {known}")
    rules, made = [f"end: {' | '.join(f'end_{at}' for at in range(len(ends)))}"], list[TurnEnd]()
    for at, end in enumerate(ends):
        body, schema = "TEXT", end.schema
        beyond: tuple[str, ...] = ()
        if schema is not None:
            if end.label in spec.unmasked:
                schema = {} if end.label == FINAL_ANSWER else _ANY_OBJECT
            mask, text = _mask(schema, end.label)
            body, schema, beyond = f"%json {text}", mask.schema, mask.beyond
        made.append(replace(end, schema=schema, beyond=beyond))
        rules.append(f"// {end.label}\nend_{at}: {_sequence(end.header)} {body} {_sequence([end.stop])}")
    return "\n".join(rules), tuple(made)


def _mask(schema: JsonObject, label: str) -> tuple[Mask, str]:
    """Also the mask's schema as text. Raises GrammarError."""
    try:
        mask = mask_of(schema)
        return mask, json.dumps({**mask.schema, "x-guidance": {"whitespace_flexible": False, "lenient": True}})
    except RecursionError:
        raise GrammarError(f"the JSON Schema of {label} is nested too deeply") from None
    except (TypeError, ValueError) as error:  # a value that is none of JSON's, a cycle
        raise GrammarError(f"the JSON Schema of {label} is no JSON: {error}") from None


def _end(message: Message, schema: JsonObject | None, stop: Special, vocabulary: Vocabulary) -> TurnEnd:
    return TurnEnd(message=message, header=_header(message, vocabulary), schema=schema, stop=stop)


def _calls(spec: TurnSpec, vocabulary: Vocabulary) -> list[TurnEnd]:
    """A message for each tool. Raises GrammarError."""
    calls = []
    for space in spec.built_in:
        for name, schema in _functions(space) or [(space.name, None)]:
            message = Message.assistant("", channel=Channel.ANALYSIS, recipient=name, content_type="code")
            calls.append(_end(message, schema, Special.CALL, vocabulary))
    for space in spec.functions:
        for name, schema in _functions(space):
            message = Message.assistant(
                "", channel=Channel.COMMENTARY, recipient=name, content_type=f"{Special.CONSTRAIN.text}json"
            )
            calls.append(_end(message, schema, Special.CALL, vocabulary))
    names = [call.label for call in calls]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise GrammarError(f"two tools answer to {name!r}")
        if name in ("", *NO_TOOL) or not name.isprintable() or any(char.isspace() or char in "<>" for char in name):
            raise GrammarError(f"a tool cannot be called {name!r}: no header can carry that recipient")
    return calls


def _functions(space: ToolNamespace) -> list[tuple[str, JsonObject | None]]:
    """Recipient and schema of each function."""
    return [
        (f"{space.name}.{tool.name}", _NO_ARGUMENTS if tool.parameters is None else tool.parameters)
        for tool in space.tools
    ]


def _spoken(header: Sequence[int]) -> str:
    """A message that does not end the turn."""
    return f"{_sequence(header)} TEXT {_sequence([Special.END])}"


def _header(message: Message, vocabulary: Vocabulary) -> tuple[int, ...]:
    """The ids between `<|start|>assistant` and the text, `<|message|>` included."""
    return tuple(render(message, vocabulary)[len(open_turn(vocabulary)) : -1])


def _sequence(ids: Iterable[int]) -> str:
    return " ".join(f"<[{int(id)}]>" for id in ids)


def _lark(start: str, ends: str) -> str:
    return f"start: {start}\nTEXT: /(?s:.*)/\n{ends}\n"
