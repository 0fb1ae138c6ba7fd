"""What nano learns of tools and a schema together: first the call, then its result in the form that the schema wants.

- After Python the answer is a number: alone, or the one field of an object.
- After a function it is an object that holds what the function returned: a value, or an object with the same keys and
  sometimes others.
- Reasoning is what it is without a schema.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from cadenza.harmony import Channel, DeveloperContent, Effort, Message, ResponseFormat

from . import curriculum, functions, phrases, words
from .curriculum import Problem
from .draw import Draw
from .extraction import schema
from .fields import Field, Kind, compact, fields, fill, key, word
from .functions import Request, Toolkit


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What an answer is held to. fields: of the object, none where the answer is a number alone."""

    format: ResponseFormat
    fields: tuple[Field, ...] = ()
    instructions: str | None = None

    def message(self, kit: Toolkit | None = None) -> Message:
        """What an agent is told of its answer and, with a kit, of its functions."""
        tools = () if kit is None else (kit.namespace,)
        formats = (self.format,)
        return Message.developer(
            DeveloperContent(instructions=self.instructions, tools=tools, response_formats=formats)
        )


def number(draw: Draw) -> Held:
    """A number, whole or not, alone or in an object."""
    kind: Kind = draw.rng.choice(["integer", "number"])
    instructions = draw.say(phrases.INSTRUCTIONS) if draw.chance(0.5) else None
    if draw.chance(0.25):
        name = "answer" if draw.chance(0.5) else "int" if kind == "integer" else "float"
        return Held(format=ResponseFormat(name=name, schema={"type": kind}), instructions=instructions)
    common = ["answer", "result", "value", "total", "number"]
    own = Field(key=draw.rng.choice(common) if draw.chance(0.4) else key(draw), kind=kind)
    return _object(draw, (own,), instructions)


def record(draw: Draw) -> Held:
    """An object of one or two fields."""
    instructions = draw.any(functions.INSTRUCTIONS) if draw.chance(0.4) else None
    return _object(draw, tuple(fields(draw, draw.rng.choice([1, 1, 2]))), instructions)


def _object(draw: Draw, own: tuple[Field, ...], instructions: str | None) -> Held:
    title = word(draw, words.NOUNS).capitalize() if draw.chance(0.5) else None
    shape = ResponseFormat(name=title or "answer", schema=schema(draw, own, title))
    return Held(format=shape, fields=own, instructions=instructions)


def problem(draw: Draw, held: Held) -> Problem:
    """A problem whose answer is of the kind that is wanted."""
    kind = held.fields[0].kind if held.fields else held.format.schema["type"]
    while True:
        asked = replace(curriculum.problem(draw), instructions=None, number_alone=True)
        if kind == "number" or "." not in asked.answer:
            return asked


def result_of(asked: Problem, held: Held) -> str:
    """The final answer to a problem."""
    value = json.loads(asked.answer)
    return compact({held.fields[0].key: value} if held.fields else value)


def request(draw: Draw, kit: Toolkit, held: Held) -> tuple[Request, str]:
    """A request that a function answers with what is wanted, and the final answer."""
    filled = [fill(draw, field) for field in held.fields]
    if len(filled) == 1 and draw.chance(0.6):
        result = filled[0].written
    else:
        own = {each.field.key: each.value for each in filled}
        more = [fill(draw, field) for field in fields(draw, draw.rng.choice([0, 0, 1]))]
        shown = list(({each.field.key: each.value for each in more} | own).items())
        draw.rng.shuffle(shown)
        result = compact(dict(shown))
    asked = replace(functions.request(draw, kit), result=result)
    return asked, compact({each.field.key: each.value for each in filled})


def calculated(asked: Problem, held: Held, effort: Effort) -> list[Message]:
    """The turn that answers a problem."""
    return _ending(curriculum.conversation(asked, effort), result_of(asked, held))


def called(asked: Request, text: str, effort: Effort) -> list[Message]:
    """The turn that answers a request."""
    return _ending(functions.conversation(asked, effort), text)


def _ending(turn: list[Message], text: str) -> list[Message]:
    return [*turn[:-1], Message.assistant(text, channel=Channel.FINAL)]
