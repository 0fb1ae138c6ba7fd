"""What nano learns from: problems, and the one right conversation for each.

- Everything the assistant says is determined by the prompt, so that a falling loss means what it says.
- Numbers, names and things are mostly fresh; a fifth of the phrases is never trained on (`held_out=True` draws from
  those alone, with names that training never makes).
- A phrase has alternatives inside, so a few hundred of them make tens of thousands of wordings.
- Conversations are rendered by `cadenza.harmony`; what the tool prints comes from running the code.

A problem's effort decides how the assistant works: low calls the tool at once, medium says in a line what it needs,
high checks the result.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.resources import files

from cadenza.harmony import EFFORTS, POLICIES, Channel, DeveloperContent, Effort, Message, SystemContent, ToolNamespace

from . import events, phrases
from .draw import Draw
from .stories import STORIES, Story, in_text_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A question and the Python expression that answers it."""

    question: str
    expression: str
    instructions: str | None = None
    number_alone: bool = False

    @property
    def answer(self) -> str:
        """The number, as the final answer states it."""
        value = eval(self.expression, {"__builtins__": {"round": round}})
        return str(int(value)) if float(value).is_integer() else str(value)


# --- problems ---------------------------------------------------------------------------------------------------------


def problem(draw: Draw, table: Sequence[Story] = STORIES) -> Problem:
    """A problem of any family. table: of word problems."""
    families: tuple[tuple[Callable[[Draw], tuple[str, str]], float], ...] = (
        (_symbols, 0.13),
        (_operation, 0.13),
        (partial(_story, table=table), 0.6),
        (_events, 0.14),
    )
    make = draw.rng.choices([family for family, _ in families], [weight for _, weight in families])[0]
    question, expression = make(draw)
    if draw.chance(0.12):
        filler = draw.say(phrases.FILLERS)
        question = f"{filler} {question}" if draw.chance(0.5) else f"{question} {filler}"
    if draw.chance(0.12):
        question = question[0].lower() + question[1:]
    if draw.loose and draw.chance(0.08):
        question = question.lower()
    if draw.loose and draw.chance(0.08):
        question = question.rstrip(".?! ")
    instructions, alone = None, False
    if draw.chance(0.55):
        instructions, alone = draw.say(phrases.INSTRUCTIONS), draw.chance(0.6)
        if alone:
            request = draw.say(phrases.NUMBER_ALONE)
            instructions = request if draw.chance(0.6) else f"{instructions} {request}"
    elif draw.chance(0.15):
        question, alone = f"{question} {draw.say(phrases.NUMBER_ALONE)}", True
    return Problem(question=question, expression=expression, instructions=instructions, number_alone=alone)


def _operand(draw: Draw, digits: int) -> str:
    """A number as it is written in Python: mostly whole, sometimes a decimal, never negative."""
    if draw.chance(0.12):
        return f"{_whole_part(draw)}.{draw.rng.randint(1, 99):02d}".rstrip("0")
    return str(draw.integer(digits))


def _whole_part(draw: Draw) -> int:
    """Of a decimal."""
    return 0 if draw.loose and draw.chance(0.15) else draw.integer(4)


def _as_written(draw: Draw, number: str) -> str:
    """How a person writes it: 12500 may be 12,500, and 3 may be three."""
    if number in _SPELLED and (draw.loose or int(number) <= 12) and draw.chance(0.15):
        return _SPELLED[number]
    whole, dot, rest = number.partition(".")
    if len(whole) > 3 and draw.chance(0.12):
        return f"{int(whole):,}{dot}{rest}"
    return number


_TO_NINETEEN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SPELLED = {
    str(number): _TO_NINETEEN[number]
    if number < 20
    else _TENS[number // 10 - 2] + (f"-{_TO_NINETEEN[number % 10]}" if number % 10 else "")
    for number in range(2, 100)
}


def _exact(expression: str, numbers: Sequence[str]) -> str:
    """Decimals and true division make noise in the last digits: round it away."""
    noisy = any("." in number for number in numbers) or " / " in expression
    return f"round({expression}, 4)" if noisy and not expression.startswith("round(") else expression


def _symbols(draw: Draw) -> tuple[str, str]:
    """An expression in symbols, of two to four numbers."""
    shape = draw.rng.choices(
        ["{} {} {}", "{} {} {} {} {}", "({} {} {}) {} {}", "{} {} ({} {} {})", "{} {} {} {} {} {} {}"],
        [0.62, 0.14, 0.12, 0.06, 0.06],
    )[0]
    count = (shape.count("{}") + 1) // 2
    allowed = ["+", "-", "*"] * 2
    if not shape.endswith(")"):  # which may be (5 - 5)
        allowed += ["/"] if count > 2 else ["/", "/", "%", "//", "**"]
    symbols = [draw.rng.choice(allowed) for _ in range(count - 1)]
    numbers = [_operand(draw, 6 if count == 2 else 4) for _ in range(count)]
    if count == 2 and symbols[0] in ("%", "//", "**"):
        numbers = [str(draw.integer(5)), str(draw.integer(3))]
        if symbols[0] == "**":
            numbers = [str(draw.integer(2)), str(draw.rng.randint(2, 6))]
    elif draw.chance(0.06):
        numbers[0] = f"-{numbers[0]}"
    expression = shape.format(*_interleave(numbers, symbols))
    spoken = [draw.rng.choice(phrases.SYMBOLS[symbol]) for symbol in symbols]
    asked = shape.format(*_interleave([_as_written(draw, number) for number in numbers], spoken))
    if draw.chance(0.2) and not re.search("[a-wyz]", asked):
        asked = asked.replace(" ", "")
    return draw.say(phrases.QUESTIONS).format(asked), _exact(expression, numbers)


def _interleave(numbers: Sequence[str], symbols: Sequence[str]) -> list[str]:
    return [part for pair in zip(numbers, [*symbols, ""], strict=True) for part in pair][:-1]


def _operation(draw: Draw) -> tuple[str, str]:
    """An operation in words."""
    if draw.chance(0.3):
        phrase, formula = draw.phrase(phrases.COMMANDS)
        frame = draw.rng.choice(["{}.", "{}", "Please {}.", "{}!"])
    else:
        phrase, formula = draw.phrase(phrases.OPERATIONS)
        frame = draw.say(phrases.QUESTIONS)
    phrase = draw.wording(phrase)
    if frame.startswith("Please"):
        phrase = phrase[0].lower() + phrase[1:]
    whole = "%" in formula or "**" in formula
    values = {letter: str(draw.integer(5)) if whole else _operand(draw, 5) for letter in "abc"}
    values |= {"s": str(draw.integer(3)), "e": str(draw.rng.randint(2, 6))}
    if " - " in formula and float(values["a"]) < float(values["b"]) and draw.chance(0.9):
        values["a"], values["b"] = values["b"], values["a"]
    written = {letter: _as_written(draw, value) for letter, value in values.items()}
    values["q"] = written["q"] = str(draw.rng.randint(1, 99))  # per cent
    used = [value for letter, value in values.items() if f"{{{letter}}}" in formula]
    return frame.format(phrase.format(**written)), _exact(formula.format(**values), used)


def _story(draw: Draw, table: Sequence[Story]) -> tuple[str, str]:
    """A word problem. Redraws its numbers until the story makes sense."""
    text, formula = draw.phrase(table)
    formula = in_text_order(formula, text)
    divides, begins_with_a = _SHARED.fullmatch(formula), formula.lstrip("(").startswith("{a}")
    measured = re.findall(r"\{([a-f])\} (?:dollars|euros|km|kg|liters|litres|meters|metres|miles|hours)", text)
    decimals = "//" not in formula and "%" not in formula and draw.chance(0.15)
    while True:
        values = {letter: draw.integer(4) for letter in "abcdef"} | {"q": draw.rng.randint(1, 99)}
        if "%" in formula:
            values["b"] = draw.integer(2)
        if divides:
            _make_divisible(draw, divides, values)
        numbers = {letter: str(value) for letter, value in values.items()}
        if decimals:
            for letter in sorted(set(measured)):
                if draw.chance(0.7):
                    numbers[letter] = f"{_whole_part(draw)}.{draw.rng.randint(1, 99):02d}"
        used = [number for letter, number in numbers.items() if f"{{{letter}}}" in formula]
        if begins_with_a and "- {b}" in formula and float(numbers["a"]) < float(numbers["b"]):
            continue  # nobody can give away more than there is
        with contextlib.suppress(ZeroDivisionError):
            if 0 <= eval(formula.format(**numbers), {"__builtins__": {"round": round}}) < 10**8:
                break
    first, second = draw.name(), draw.name()
    people = {"n": first, "m": second, "t": draw.thing(), "u": draw.thing(), "p": draw.place()}
    written = {letter: _as_written(draw, number) for letter, number in numbers.items()} | {"q": numbers["q"]}
    said = draw.wording(text)
    if draw.loose and draw.chance(0.3):
        said = _with_unknown_words(draw, said)
    question = said.format(**people, **written)
    return _casual(draw, _capitalized(question), first), _exact(formula.format(**numbers), used)


_WORD = re.compile(r"(?<![\w{$'-])[a-z]{5,}(?![\w}'-])")
_NUMERALS = """
    hundred thousand dozen twice double triple third thirds quarter quarters fifth tenth percent second seconds minute
    minutes hours weeks month months years century decade times fewer average square cubed remainder pairs meters metres
    grams liters litres tonnes cents
    """.split()
_TELLING = {*_TO_NINETEEN, *_TENS, *_NUMERALS}
"""Words that stand for a number or an operation, often alone."""


def _with_unknown_words(draw: Draw, text: str) -> str:
    """A tenth of the longer words made up: a problem is understood from the others, as with words never met."""
    return _WORD.sub(lambda word: draw.word() if word[0] not in _TELLING and draw.chance(0.1) else word[0], text)


_SHARED = re.compile(r"(.*) // (?:(\d+)|\{(\w)\})")  # what, among how many


def _make_divisible(draw: Draw, formula: re.Match[str], values: dict[str, int]) -> None:
    """Changes numbers so that what is shared comes out whole."""
    shared, parts, divisor = formula.groups()
    if parts:
        values["a"] = int(parts) * draw.integer(3)
        return
    values[divisor] = draw.integer(2)
    if shared in ("{a}", "{a} * {b}", "{b} * {a}"):
        values["a"] = values[divisor] * draw.integer(3 if shared == "{a}" else 2)
    else:  # a sum or difference that begins with a
        values["b"] = min(values["a"], values["b"])
        values["a"] += -eval(shared.format(**values), {"__builtins__": {}}) % values[divisor]


def _events(draw: Draw) -> tuple[str, str]:
    """A story put together from sentences."""
    people = {"n": draw.name(), "m": draw.name(), "t": draw.thing(), "p": draw.place()}
    total = draw.integer(4) + 3
    sentences = [draw.say(events.STARTS).format(a=_as_written(draw, str(total)), **people)]
    expression = str(total)
    for _ in range(draw.rng.choices([1, 2, 3], [0.4, 0.45, 0.15])[0]):
        gain = total < 2 or draw.chance(0.5)
        amount = draw.integer(4) if gain else draw.rng.randint(1, total)
        table = events.GAINS if gain else events.LOSSES
        sentences.append(draw.say(table).format(x=_as_written(draw, str(amount)), **people))
        expression += f" {'+' if gain else '-'} {amount}"
        total += amount if gain else -amount
    sentences.append(draw.say(events.ASKS).format(**people))
    return _casual(draw, " ".join(map(_capitalized, sentences)), people["n"]), expression


def _casual(draw: Draw, text: str, name: str) -> str:
    """A pronoun for the name once it is known, a dollar sign for the word."""
    if draw.chance(0.35):
        pronoun = draw.rng.choice(["he", "she"])
        for before, after in ((". {} ", pronoun.capitalize()), ("does {} ", pronoun), ("did {} ", pronoun)):
            known = before.format(name)
            text = text.replace(known, known.replace(name, after))
    if draw.chance(0.3):
        text = re.sub(r"([\d,.]*\d) dollars", r"$\1", text)
    return text


def _capitalized(text: str) -> str:
    return text[0].upper() + text[1:]


# --- conversations ----------------------------------------------------------------------------------------------------


@cache
def python_descriptions() -> tuple[str, ...]:
    """The texts by which the Python tool presents itself, one for each kind of sandbox.

    Frozen in prompts.json, since nano knows no others; a test compares them with what the tool says.
    """
    frozen = json.loads((files(__package__) / "prompts.json").read_text())
    return tuple(frozen["python"].values())


def system(draw: Draw, effort: Effort) -> Message:
    """A system message as the agent writes it, with any date."""
    bubblewrap, *others = python_descriptions()
    description = bubblewrap if not others or draw.chance(0.75) else draw.rng.choice(others)
    if draw.chance(0.3):
        description = description.replace("60.0", f"{draw.rng.choice([1, 2, 5, 10, 20, 30, 90, 120, 300])}.0")
    python = ToolNamespace(name="python", description=description)
    return Message.system(SystemContent(current_date=date(draw), effort=effort, tools=(python,)))


def date(draw: Draw) -> str:
    return f"20{draw.rng.randint(24, 39)}-{draw.rng.randint(1, 12):02d}-{draw.rng.randint(1, 28):02d}"


def conversation(problem: Problem, effort: Effort) -> list[Message]:
    """The turn that answers a problem, from the developer message to the final answer."""
    messages = []
    if problem.instructions is not None:
        messages.append(Message.developer(DeveloperContent(instructions=problem.instructions)))
    messages.append(Message.user(problem.question))
    session: dict[str, object] = {}

    def think(text: str) -> None:
        messages.append(Message.assistant(text, channel=Channel.ANALYSIS))

    def run(code: str) -> str:
        messages.append(Message.assistant(code, channel=Channel.ANALYSIS, recipient="python", content_type="code"))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, session)
        messages.append(Message.tool("python", printed.getvalue(), channel=Channel.ANALYSIS))
        return printed.getvalue()

    expression = problem.expression
    check = _check(expression) if effort == "high" else None
    if check is not None:
        think(f"I need {expression}. Then I check it.")
        value = run(f"x = {expression}\nprint(x)").strip()
        think(f"x is {value}. Check: {check}.")
        run(f"print({check})")
        think(f"The check holds. The result is {problem.answer}.")
    else:
        if effort != "low":
            think(f"I need {expression}.")
        run(f"print({expression})")
        if effort == "high":
            think(f"The result is {problem.answer}.")
    final = problem.answer if problem.number_alone else f"The answer is {problem.answer}."
    messages.append(Message.assistant(final, channel=Channel.FINAL))
    return messages


def dialogue(draw: Draw, effort: Effort) -> list[Message]:
    """A conversation. One in ten goes on with a second question, and then the earlier reasoning is gone."""
    first = problem(draw)
    messages = conversation(first, effort)
    if draw.chance(0.1):
        second = problem(draw)
        told_before = first.number_alone and first.instructions is not None
        told_now = second.number_alone and second.instructions is None
        second = replace(second, instructions=None, number_alone=told_before or told_now)
        messages = [*POLICIES["per_turn"](messages), *conversation(second, effort)]
    return messages


def _check(expression: str) -> str | None:
    """What holds if x is the result, by the inverse of the last operation: "3 * (4 + 5)" -> "x // (4 + 5) == 3".

    None where the last operation is no sum, difference or product of whole numbers, or rounds.
    """
    if "." in expression:
        return None
    match ast.parse(expression, mode="eval").body:
        case ast.BinOp(left, operation, right) if type(operation) in _INVERSES and eval(ast.unparse(right)) != 0:
            back = ast.BinOp(ast.Name("x"), _INVERSES[type(operation)](), right)
            return f"{ast.unparse(back)} == {ast.unparse(left)}"
    return None


_INVERSES: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
}


def efforts(draw: Draw) -> Effort:
    return draw.rng.choices(EFFORTS, [0.3, 0.35, 0.35])[0]
