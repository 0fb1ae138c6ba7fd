"""What nano learns extraction from: a text that states every field of a flat schema, and the object to answer with.

- Some of the forms and their texts are people's (`records`), most are made up.
- Values stand in the text as they are; often it states more than the schema wants, or in another order.
- The answer is compact JSON in the schema's order, as masks have it.
- Low effort answers at once; medium names the fields; high also says their values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cadenza.harmony import Channel, DeveloperContent, Effort, JsonObject, Message, ResponseFormat

from . import words
from .draw import Draw
from .fields import Field, Filled, compact, fields, fill, word
from .functions import THOUGHTS, summary
from .records import FORMS, OF_PEOPLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What an agent is told. name: what the schema is called; stated: what a text states, of `texts` if any."""

    fields: tuple[Field, ...]
    schema: JsonObject
    stated: tuple[Field, ...] = ()
    texts: tuple[str, ...] = ()
    name: str = "answer"
    instructions: str | None = None

    @property
    def message(self) -> Message:
        formats = (ResponseFormat(name=self.name, schema=self.schema),)
        return Message.developer(DeveloperContent(instructions=self.instructions, response_formats=formats))


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text, and what it says of the fields of a form."""

    question: str
    filled: tuple[Filled, ...]

    @property
    def answer(self) -> dict[str, object]:
        return {each.field.key: each.value for each in self.filled}


def form(draw: Draw, *, people: float = OF_PEOPLE) -> Form:
    """A form of one to five fields. people: how often it is people's."""
    instructions = draw.any(_INSTRUCTIONS) if draw.chance(0.5) else None
    if draw.chance(people):
        record = draw.phrase(FORMS)
        stated, texts, name = record.fields, record.texts, record.name.title().replace("_", "")
        own = tuple(field for field in stated if draw.chance(0.9)) or stated
    else:
        own = stated = tuple(fields(draw, draw.rng.choices([2, 3, 4, 5], [0.25, 0.3, 0.25, 0.2])[0]))
        texts, name = (), word(draw, words.NOUNS).capitalize()
    title = name if draw.chance(0.5) else None
    return Form(
        fields=own,
        schema=schema(draw, own, title),
        stated=stated,
        texts=texts,
        name=title or "answer",
        instructions=instructions,
    )


def text(draw: Draw, form: Form) -> Text:
    """A text that states every field, and sometimes more."""
    stated = [fill(draw, field) for field in form.stated]
    own = tuple(each for each in stated if each.field in form.fields)
    if form.texts:
        told = draw.any(form.texts).format(**{each.field.key: each.written for each in stated})
    else:
        told = _told(draw, _with_others(draw, stated))
    is_bare = form.instructions is not None and draw.chance(0.6)
    return Text(question=told if is_bare else draw.any(_REQUESTS).format(told), filled=own)


def _with_others(draw: Draw, own: Sequence[Filled]) -> list[Filled]:
    """Some fields more, in any order."""
    keys = [each.field.key for each in own]
    others = fields(draw, draw.rng.choices([0, 1, 2], [0.6, 0.25, 0.15])[0])
    stated = [*own, *(fill(draw, field) for field in others if field.key not in keys)]
    if len(stated) > len(own) or draw.chance(0.4):
        draw.rng.shuffle(stated)
    return stated


def conversation(text: Text, effort: Effort) -> list[Message]:
    """The turn that fills a form, from the user's message to the final answer."""
    thoughts = [f"Fill {', '.join(text.answer)}.", f"Values: {summary(text.filled)}"]
    return [
        Message.user(text.question),
        *(Message.assistant(thought, channel=Channel.ANALYSIS) for thought in thoughts[: THOUGHTS[effort]]),
        Message.assistant(compact(text.answer), channel=Channel.FINAL),
    ]


def schema(draw: Draw, own: Sequence[Field], title: str | None) -> JsonObject:
    """As pydantic writes it, or as a person does."""
    keys = [field.key for field in own]
    properties = {field.key: field.schema for field in own}
    if draw.chance(0.4):
        return {"properties": properties, "required": keys, "type": "object", "additionalProperties": False}
    described = {key: {"type": schema["type"], **schema} for key, schema in properties.items()}
    titled = {} if title is None else {"title": title}
    closed = {"additionalProperties": False} if draw.chance(0.5) else {}
    return {**titled, "type": "object", "properties": described, "required": keys, **closed}


def _told(draw: Draw, stated: Sequence[Filled]) -> str:
    """The fields as lines, as a list, or as sentences."""
    layout = draw.rng.random()
    spoken = draw.chance(0.6)
    pairs = [(each.field.spoken if spoken else each.field.key, each.written) for each in stated]
    if layout < 0.3:
        if spoken and draw.chance(0.3):
            pairs = [(key.capitalize(), value) for key, value in pairs]
        frame = draw.rng.choice(["{}: {}", "{}: {}", "{} = {}", "- {}: {}", "{}\t{}"])
        return "\n".join(frame.format(*pair) for pair in pairs)
    if layout < 0.55:
        frame, between = draw.rng.choice([("{}: {}", ", "), ("{} {}", ", "), ("{}={}", "; "), ("{}: {}", "; ")])
        return between.join(frame.format(*pair) for pair in pairs)
    if layout < 0.8:
        return " ".join(draw.any(_SENTENCES).format(key=key, value=value) for key, value in pairs)
    whose = draw.any(_SUBJECTS).format(name=draw.name(), noun=word(draw, words.NOUNS))
    frame = draw.rng.choice(["{} {}", "{} {}", "the {} {}", "a {} of {}"])
    *most, last = (frame.format(*pair) for pair in pairs)
    return f"{whose} {', '.join(most)} and {last}."


_SENTENCES = (
    "The {key} is {value}.",
    "(Its|The|Their|My) {key} is {value}.",
    "The {key} (is set to|was|will be|must be) {value}.",
    "(As|For) the {key}, (it is|take|we have|use) {value}.",
    "{value} is the {key}.",
    "We (have|know|noted) the {key} {value}.",
    "(It has|There is) (a|the) {key} of {value}.",
)
_SUBJECTS = (
    "{name} (has|gave|reported|wants|noted|sent)",
    "The {noun} (has|comes with|shows|lists)",
    "(A|This|Our) {noun} with",
    "(I have|We got|Here is) a {noun} with",
    "{name} (asked for|sent in|described) a {noun} with",
)
_REQUESTS = (
    "{}",
    "Extract the (fields|data|details|values): {}",
    "(Read|Parse|Convert) this: {}",
    "(Extract|Pull) the (fields|data|details|values) (from|of) (this|the) text: {}",
    "{} (Extract|Give me|Return) the (fields|data|details).",
    "(Fill|Complete) (in |)the form: {}",
    "(What are the fields|Which values are there) in this? {}",
    "Text: {}",
    "(Turn|Put) this into JSON: {}",
    "Here is (the|a) (text|note|message): {}",
)
_INSTRUCTIONS = (
    "Extract the (fields|data|details|values)( from the text|).",
    "(Fill|Complete) (in |)the form.",
    "(Answer|Reply) (in|with) JSON.",
    "You (extract|read|collect) (fields|data|details)( from texts|).",
    "Return the (fields|data) (of|in) the text.",
    "Be (precise|brief|careful).",
    "Read the text and (fill in|give) (every field|all fields).",
)
