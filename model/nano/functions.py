"""What nano learns calls of functions from: up to four that it never saw, one of them asked for, with all arguments.

- Some of the functions and their requests are people's (`records`), most are made up. Then the request names the
  function, or the words of its name, or its noun alone where no other function has that noun.
- Now and then, in training alone, a function has no arguments.
- The function's result is short, and the answer repeats it; an error is told as one.
- Low effort calls at once; medium says which function, after the word that tells it; high also says the arguments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from cadenza.harmony import (
    Channel,
    DeveloperContent,
    Effort,
    Message,
    Special,
    ToolDescription,
    ToolNamespace,
)

from . import words
from .draw import Draw
from .fields import Field, Filled, compact, different, fields, fill, object_schema, string, word
from .records import FUNCTIONS, OF_PEOPLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """verb, noun: the words of its name, where it is made up; texts: requests, where it is not."""

    name: str
    description: str
    parameters: tuple[Field, ...]
    verb: str = ""
    noun: str = ""
    texts: tuple[str, ...] = ()

    @property
    def last_word(self) -> str:
        """Of its name: mostly the noun."""
        return self.name.rpartition("_")[2]

    @property
    def described(self) -> ToolDescription:
        parameters = object_schema(self.parameters) if self.parameters else None
        return ToolDescription(name=self.name, description=self.description, parameters=parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolkit:
    """What an agent is told."""

    functions: tuple[Function, ...]
    instructions: str | None = None

    @property
    def namespace(self) -> ToolNamespace:
        return ToolNamespace(name="functions", tools=tuple(function.described for function in self.functions))

    @property
    def message(self) -> Message:
        return Message.developer(DeveloperContent(instructions=self.instructions, tools=(self.namespace,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """asked: the function to call, with which arguments; result: what it returns, as the model reads it."""

    question: str
    asked: Function
    filled: tuple[Filled, ...]
    result: str

    @property
    def arguments(self) -> dict[str, object]:
        return {each.field.key: each.value for each in self.filled}

    @property
    def answer(self) -> str:
        told = self.result.removesuffix(".")
        return f"It failed: {told}." if _ERROR.match(self.result) else f"The result is {told}."


def toolkit(draw: Draw, *, people: float = OF_PEOPLE, count: int | None = None) -> Toolkit:
    """One to four functions, or `count`; of those made up, some share a verb or a noun.

    people: how often they are people's.
    """
    count = count or draw.rng.choices([1, 2, 3, 4], [0.1, 0.15, 0.25, 0.5])[0]
    functions = _of_people(draw, count) if draw.chance(people) else _made_up(draw, count)
    draw.rng.shuffle(functions)
    instructions = draw.any(INSTRUCTIONS) if draw.chance(0.4) else None
    return Toolkit(functions=tuple(functions), instructions=instructions)


def register(draw: Draw) -> Toolkit:
    """Three to eight functions without arguments, no two of one noun."""
    nouns = different(draw, draw.rng.randint(3, 8), lambda draw: word(draw, words.NOUNS))
    return Toolkit(functions=tuple(_function(draw, word(draw, words.VERBS), noun, bare=True) for noun in nouns))


def _of_people(draw: Draw, count: int) -> list[Function]:
    chosen = {record.name: record for record in (draw.phrase(FUNCTIONS) for _ in range(count))}
    return [
        Function(name=each.name, description=each.description, parameters=each.fields, texts=each.texts)
        for each in chosen.values()
    ]


def _made_up(draw: Draw, count: int) -> list[Function]:
    functions: list[Function] = []
    while len(functions) < count:
        verb = functions[0].verb if functions and draw.chance(0.3) else word(draw, words.VERBS)
        noun = functions[0].noun if functions and draw.chance(0.2) else word(draw, words.NOUNS)
        if f"{verb}_{noun}" not in [function.name for function in functions]:
            functions.append(_function(draw, verb, noun))
    return functions


def request(draw: Draw, toolkit: Toolkit) -> Request:
    """A request that one of the functions answers."""
    asked = draw.rng.choice(toolkit.functions)
    filled = tuple(fill(draw, field) for field in asked.parameters)
    asks = _in_words_of_people if asked.texts else partial(_in_frames, others=toolkit.functions)
    return Request(question=asks(draw, asked, filled), asked=asked, filled=filled, result=_result(draw))


def lookup(draw: Draw, toolkit: Toolkit) -> Request:
    """A request for one of them that has nothing but the noun to find it by: what is hardest of all requests."""
    asked = draw.rng.choice(toolkit.functions)
    question = _NOTHING.sub("", draw.any(_NOUNS).format(noun=asked.noun, arguments=""))
    return Request(question=question, asked=asked, filled=(), result=_result(draw))


def _in_words_of_people(draw: Draw, asked: Function, filled: Sequence[Filled]) -> str:
    return draw.any(asked.texts).format(**{each.field.key: each.written for each in filled})


def _in_frames(draw: Draw, asked: Function, filled: Sequence[Filled], others: Sequence[Function]) -> str:
    said = list(filled)
    if draw.chance(0.5):
        draw.rng.shuffle(said)
    is_only = [function.noun for function in others].count(asked.noun) == 1
    by_noun = 0.0 if not is_only else 1.0 if draw.loose else 0.4  # the hardest: training has more of it
    frames = draw.rng.choices([_NAMED, _IN_WORDS, _NOUNS], [0.2, 0.4, by_noun])[0]
    named = {"name": asked.name, "verb": asked.verb, "noun": asked.noun, "Verb": _title(asked.verb)}
    if not said:
        return _NOTHING.sub("", draw.any(frames).format(**named, arguments=""))
    if frames is _NAMED and draw.chance(0.5):
        frames, arguments = _BRIEFLY, _arguments(draw, said)
    elif len(said) == 1 and said[0].field.kind != "boolean" and frames is not _NAMED and draw.chance(0.6):
        arguments = f"{draw.any(_BARE)} {said[0].written}"
    else:
        arguments = f"{draw.any(_BEFORE)} {_arguments(draw, said)}"
    return draw.any(frames).format(**named, arguments=arguments)


def conversation(request: Request, effort: Effort) -> list[Message]:
    """The turn that answers a request, from the user's message to the final answer."""
    name = f"functions.{request.asked.name}"
    thoughts = [f"{request.asked.last_word}: {name}.", f"Arguments: {summary(request.filled)}"]
    return [
        Message.user(request.question),
        *(Message.assistant(text, channel=Channel.ANALYSIS) for text in thoughts[: THOUGHTS[effort]]),
        Message.assistant(
            compact(request.arguments),
            channel=Channel.COMMENTARY,
            recipient=name,
            content_type=f"{Special.CONSTRAIN.text}json",
        ),
        Message.tool(name, request.result, channel=Channel.COMMENTARY),
        Message.assistant(request.answer, channel=Channel.FINAL),
    ]


def summary(filled: Sequence[Filled]) -> str:
    """What high effort says before it writes JSON."""
    return ", ".join(f"{each.field.key} {each.written}" for each in filled) or "none"


THOUGHTS: Final[dict[Effort, int]] = {"low": 0, "medium": 1, "high": 2}
"""Messages of reasoning."""


def _function(draw: Draw, verb: str, noun: str, *, bare: bool = False) -> Function:
    description = draw.any(_DESCRIPTIONS).format(verb=_title(verb), noun=noun) if draw.chance(0.6) else ""
    is_bare = bare or (draw.loose and draw.chance(0.12))
    count = 0 if is_bare else draw.rng.choices([1, 2, 3], [0.4, 0.35, 0.25])[0]
    own = tuple(fields(draw, count))
    return Function(name=f"{verb}_{noun}", description=description, parameters=own, verb=verb, noun=noun)


def _arguments(draw: Draw, said: Sequence[Filled]) -> str:
    frame = draw.rng.choice(["{} {}", "{} {}", "{}: {}", "{} = {}", "{}={}"])
    spoken = draw.chance(0.5)
    parts = [frame.format(each.field.spoken if spoken else each.field.key, each.written) for each in said]
    *most, last = parts
    if most and draw.chance(0.7):
        return f"{', '.join(most)} and {last}"
    return ", ".join(parts)


def _result(draw: Draw) -> str:
    if draw.loose and draw.chance(0.08):
        return f"{draw.any(_ERRORS)}: {string(draw)}"
    kind = draw.rng.random()
    if kind < 0.3:
        number = str(draw.integer(6)) if draw.chance(0.7) else f"{draw.integer(3)}.{draw.rng.randint(1, 9)}"
        return f"{number} {word(draw, words.THINGS)}" if draw.chance(0.3) else number
    if kind < 0.6:
        return string(draw)
    if kind < 0.7:
        return draw.rng.choice(["done", "ok", "true", "false", "null", "[]", "none"])
    if kind < 0.85:
        parts = [string(draw) if draw.chance(0.6) else str(draw.integer(5)) for _ in range(draw.rng.randint(2, 3))]
        return f"{_title(', '.join(parts))}." if draw.chance(0.5) else " ".join(parts)
    return compact({field.key: fill(draw, field).value for field in fields(draw, draw.rng.randint(1, 2))})


def _title(text: str) -> str:
    return text[:1].upper() + text[1:]


_ERROR = re.compile(r"\w+Error: ")
_ERRORS = ("(Value|Key|Runtime|Type|Lookup|Timeout|OS|Connection|HTTP|Permission)Error",)
_DESCRIPTIONS = (
    "{verb} (the|a|one) {noun}.",
    "{verb} (the|a) {noun}( now| and say how it went| for the user|).",
    "(For|All about|Works on) the {noun}.",
    "(Needs|Wants|Takes) a {noun}.",
)
_NAMED = (
    "(Call|Use|Run) {name} {arguments}.",
    "(Please |)(call|use|run) {name} {arguments}",
    "(Can|Could) you (call|use|run) {name} {arguments}?",
    "I want you to (call|use) {name} {arguments}.",
    "What does {name} (give|return|say) {arguments}?",
)
_BRIEFLY = ("{name}: {arguments}", "{name} {arguments}", "(Call|Use|Run) {name}: {arguments}.")
_IN_WORDS = (
    "{Verb} (the|a|my|this) {noun} {arguments}.",
    "{Verb} (the |a |){noun} {arguments}",
    "(Please|Now|Then) {verb} (the|a|my|our) {noun} {arguments}.",
    "(Can|Could|Will|Would) you( please|) {verb} (the|a|my) {noun} {arguments}?",
    "I (want|need|would like) to {verb} (the|a|my) {noun} {arguments}.",
    "(Help me|I need you to|We have to|You should) {verb} (the|a) {noun} {arguments}.",
    "(Let us|Go and|Try to) {verb} (the|a) {noun} {arguments}.",
    "(How do I|Is it possible to|Can I) {verb} (the|a) {noun} {arguments}?",
)
_NOUNS = (
    "(What|How) is the {noun} {arguments}?",
    "What's the {noun} {arguments}?",
    "(I need|I want|Give me|Show me|Tell me|I'd like) (the|a) {noun} {arguments}.",
    "(Do you know|Can you tell me|Could you find out) the {noun} {arguments}?",
    "{noun} {arguments}",
    "(Which|What) {noun} (is there|is it|do you have) {arguments}?",
    "The {noun} {arguments}(, please|)?",
)
_NOTHING = re.compile(r" +(?=[.?,]|$)")
"""What stands before arguments, where there are none."""
_BARE = ("(of|for|in|at|to|from|with|by|on)",)
_BEFORE = ("(with|for|where|given|using)",)
INSTRUCTIONS: Final = (
    "You are a (helpful|friendly|careful) assistant.",
    "Be brief.",
    "Answer the question of the user.",
    "Use the (functions|tools).",
    "(Answer|Reply) briefly.",
    "Call (one function|a function), then answer.",
    "You help the users of a (shop|bank|school|hotel|hospital).",
)
