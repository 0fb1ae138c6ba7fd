"""What nano learns, a family each: how its conversations begin, how they go on, what share it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from cadenza.harmony import Channel, Effort, Message, SystemContent

from . import answers, curriculum, extraction, functions
from .draw import Draw

Begin: TypeAlias = Callable[[Draw, Effort], tuple[list[Message], Callable[[], list[Message]]]]
"""What conversations begin with, and what makes one that goes on from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """batches: in a step, each of `size` conversations with one beginning; share: of a step's loss."""

    name: str
    begin: Begin
    batches: int
    size: int
    share: float


def system(draw: Draw, effort: Effort) -> Message:
    """A system message without built-in tools, with any date."""
    return Message.system(SystemContent(current_date=curriculum.date(draw), effort=effort))


def _arithmetic(draw: Draw, effort: Effort) -> tuple[list[Message], Callable[[], list[Message]]]:
    return [curriculum.system(draw, effort)], lambda: curriculum.dialogue(draw, effort)


def _questions(draw: Draw, effort: Effort) -> tuple[list[Message], Callable[[], list[Message]]]:
    return [], lambda: question(draw)


def question(draw: Draw) -> list[Message]:
    """A problem and the call that it asks for, and nothing else."""
    asked = replace(curriculum.problem(draw), instructions=None)
    return curriculum.conversation(asked, "low")[:2]


def _functions(draw: Draw, effort: Effort) -> tuple[list[Message], Callable[[], list[Message]]]:
    kit = functions.toolkit(draw)
    return [system(draw, effort), kit.message], lambda: functions.conversation(functions.request(draw, kit), effort)


def _requests(draw: Draw, effort: Effort) -> tuple[list[Message], Callable[[], list[Message]]]:
    kit = functions.toolkit(draw)
    return [kit.message], lambda: functions.conversation(functions.request(draw, kit), "low")[:2]


def _lookups(draw: Draw, effort: Effort) -> tuple[list[Message], Callable[[], list[Message]]]:
    kit = functions.register(draw)
    return [system(draw, effort), kit.message], lambda: functions.conversation(functions.lookup(draw, kit), effort)[:-2]


def _extraction(draw: Draw, effort: Effort) -> tuple[list[Message], Callable[[], list[Message]]]:
    form = extraction.form(draw)
    return [system(draw, effort), form.message], lambda: extraction.conversation(extraction.text(draw, form), effort)


def _forms(draw: Draw, effort: Effort) -> tuple[list[Message], Callable[[], list[Message]]]:
    form = extraction.form(draw)
    return [form.message], lambda: extraction.conversation(extraction.text(draw, form), "low")


def _answers(draw: Draw, effort: Effort) -> tuple[list[Message], Callable[[], list[Message]]]:
    if draw.chance(0.6):
        held = answers.number(draw)
        return [curriculum.system(draw, effort), held.message()], lambda: answers.calculated(
            answers.problem(draw, held), held, effort
        )
    held, kit = answers.record(draw), functions.toolkit(draw)
    return [system(draw, effort), held.message(kit)], lambda: answers.called(*answers.request(draw, kit, held), effort)


def _copying(draw: Draw, effort: Effort) -> tuple[list[Message], Callable[[], list[Message]]]:
    return [], lambda: copying(draw)


def copying(draw: Draw) -> list[Message]:
    """Repeat this, or pick a field: the smallest tasks that need copying."""

    def value() -> str:
        if draw.chance(0.4):
            return str(draw.integer(6))
        return " ".join(draw.letters() if draw.chance(0.5) else draw.word() for _ in range(draw.rng.randint(1, 3)))

    if draw.chance(0.5):
        text = " ".join(value() for _ in range(draw.rng.randint(1, 4)))
        ask = draw.rng.choice(["Repeat: {}", "Say {}", "Repeat after me: {}", "Copy this: {}"])
        return [Message.user(ask.format(text)), Message.assistant(text, channel=Channel.FINAL)]
    fields = {draw.word() if draw.chance(0.5) else draw.letters(): value() for _ in range(draw.rng.randint(2, 5))}
    wanted = draw.rng.choice(list(fields))
    lines = ", ".join(f"{key}: {value}" for key, value in fields.items())
    return [Message.user(f"{lines}. What is {wanted}?"), Message.assistant(fields[wanted], channel=Channel.FINAL)]


COPYING: Final = Family(name="copying", begin=_copying, batches=1, size=3, share=0.01)
QUESTIONS: Final = Family(name="questions", begin=_questions, batches=1, size=36, share=0.3)
LOOKUPS: Final = Family(name="lookups", begin=_lookups, batches=1, size=8, share=0.04)
REQUESTS: Final = Family(name="requests", begin=_requests, batches=4, size=3, share=0.16)
FORMS: Final = Family(name="forms", begin=_forms, batches=2, size=3, share=0.11)
ARITHMETIC: Final = Family(name="arithmetic", begin=_arithmetic, batches=2, size=2, share=0.16)
FUNCTIONS: Final = Family(name="functions", begin=_functions, batches=1, size=3, share=0.08)
EXTRACTION: Final = Family(name="extraction", begin=_extraction, batches=2, size=2, share=0.09)
ANSWERS: Final = Family(name="answers", begin=_answers, batches=1, size=3, share=0.05)

SHORT: Final = (COPYING, QUESTIONS, LOOKUPS, REQUESTS, FORMS)
"""Without results, and but for look-ups without a system message and reasoning: most of what is hard in few tokens."""
FAMILIES: Final = (*SHORT, ARITHMETIC, FUNCTIONS, EXTRACTION, ANSWERS)
