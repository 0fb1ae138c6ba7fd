"""task.yaml: what an agent is and what it is asked, checked before anything runs.

Every fault is found at once and told as `file:line:column: path: what is wrong`. Reading a task imports and executes
nothing. `{{ name }}` is filled in `instructions` and `input` only, from declared params.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from cadenza.harmony import Effort, HarmonyError, Message
from cadenza.model import DEFAULT, Sampling, ScriptedEngine, TokenEngine
from cadenza.tools import BUILT_IN, PythonTool, Spec, Toolset

from .agent import Agent
from .errors import UserError
from .limits import Limits

_Path: TypeAlias = tuple[str | int, ...]


class TaskError(UserError):
    """A task file is wrong; `faults` has a line for each fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def _count(value: Any) -> Any:
    """8k -> 8000."""
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+(?:\.\d+)?)([km])", value.strip().lower())):
        return int(float(match[1]) * {"k": 1_000, "m": 1_000_000}[match[2]])
    return value


def _seconds(value: Any) -> Any:
    """15m -> 900."""
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", value.strip().lower())):
        return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]
    return value


Count: TypeAlias = Annotated[int, BeforeValidator(_count), Field(ge=1, strict=True)]
Seconds: TypeAlias = Annotated[float, BeforeValidator(_seconds), Field(gt=0, allow_inf_nan=False, strict=True)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SamplingFields(_Model):
    temperature: float | None = Field(default=None, ge=0, strict=True)
    top_p: float | None = Field(default=None, gt=0, le=1, strict=True)
    seed: int = Field(default=0, ge=0, strict=True)
    max_tokens: Count = 32_000


class LimitFields(_Model):
    turns: Count = 30
    tokens: Count = 200_000
    tool_calls: Count = 60
    time: Seconds | None = None


class Param(_Model):
    type: Literal["string", "integer", "number", "boolean"] = "string"
    description: str | None = None
    default: str | int | float | bool | None = None

    def read(self, text: str) -> str:
        """A value from the command line, as it is filled in. Raises ValueError that says what it should be."""
        try:
            if self.type == "integer":
                int(text)
            elif self.type == "number":
                float(text)
        except ValueError:
            raise ValueError(f"{text!r} is no {self.type}") from None
        if self.type == "boolean" and text not in ("true", "false"):
            raise ValueError(f"{text!r} is neither true nor false")
        return text

    @property
    def filled_default(self) -> str | None:
        if isinstance(self.default, bool):
            return str(self.default).lower()
        return None if self.default is None else str(self.default)


class PythonFields(_Model):
    sandbox: Literal["auto", "bubblewrap", "monty"] = "auto"
    timeout: Seconds = 60.0
    network: Literal[False] = False


class EngineFields(_Model):
    """`model:` as a mapping. scripted: plays turns written down beforehand, each a list of harmony messages."""

    engine: Literal["scripted"]
    turns: list[list[dict[str, Any]]]

    @field_validator("turns")
    @classmethod
    def _are_messages(cls, turns: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
        for at, turn in enumerate(turns):
            for message in turn:
                try:
                    Message.from_json({"role": "assistant", **message})
                except HarmonyError as error:
                    raise ValueError(f"turn {at + 1}: {error}") from None
        return turns

    def start(self) -> TokenEngine:
        return ScriptedEngine(
            [[Message.from_json({"role": "assistant", **message}) for message in turn] for turn in self.turns]
        )


class ToolEntry(_Model):
    python: PythonFields | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        """`- python` is `- python: {}`."""
        if isinstance(value, str):
            if value not in BUILT_IN:
                near = get_close_matches(value, BUILT_IN) or sorted(BUILT_IN)
                raise ValueError(f"no tool {value!r}; there is {', '.join(near)}")
            return {value: {}}
        if isinstance(value, Mapping):
            return {name: {} if fields is None else fields for name, fields in value.items()}
        return value


class Task(_Model):
    """The fields of task.yaml."""

    version: Literal[1] = 1
    name: str | None = None
    model: str | EngineFields = DEFAULT
    effort: Effort = "medium"
    sampling: SamplingFields = SamplingFields()
    params: dict[str, Param] = Field(default_factory=dict)
    instructions: str | None = None
    input: str
    tools: list[ToolEntry] = Field(default_factory=list)
    limits: LimitFields = LimitFields()

    def agent(
        self,
        values: Mapping[str, str],
        *,
        model: str | None = None,
        effort: Effort | None = None,
        unsafe_local: bool = False,
    ) -> Agent:
        """The agent that this task describes. values: of `fill`; the keywords are the command line's last word."""
        return Agent(
            model=model or (self.model if isinstance(self.model, str) else self.model.start()),
            effort=effort or self.effort,
            instructions=None if self.instructions is None else _substitute(self.instructions, values),
            tools=[_toolset(entry, unsafe_local) for entry in self.tools],
            sampling=Sampling(
                temperature=self.sampling.temperature, top_p=self.sampling.top_p, seed=self.sampling.seed
            ),
            limits=Limits(
                turns=self.limits.turns,
                tokens=self.limits.tokens,
                tool_calls=self.limits.tool_calls,
                time=self.limits.time,
                turn_tokens=self.sampling.max_tokens,
            ),
        )

    def question(self, values: Mapping[str, str]) -> str:
        return _substitute(self.input, values)

    def fill(self, given: Mapping[str, str]) -> dict[str, str]:
        """The value of every param, given or by default. Raises UserError: unknown, missing or of the wrong type."""
        faults = []
        for name in given.keys() - self.params.keys():
            declared = ", ".join(self.params) or "none"
            faults.append(f"--param {name}: not declared in the task; declared: {declared}")
        values = {}
        for name, param in self.params.items():
            value = given.get(name, param.filled_default)
            if value is None:
                faults.append(f"--param {name}: missing; give --param {name}=...")
                continue
            try:
                values[name] = param.read(value)
            except ValueError as error:
                faults.append(f"--param {name}: {error}")
        if faults:
            raise TaskError(sorted(faults))
        return values


def _toolset(entry: ToolEntry, unsafe_local: bool) -> Toolset:
    fields = entry.python or PythonFields()
    return PythonTool(sandbox=fields.sandbox, spec=Spec(timeout=fields.timeout), unsafe_local=unsafe_local)


_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def _substitute(text: str, values: Mapping[str, str]) -> str:
    """In one pass: a value that looks like a placeholder stays text."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


# --- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    line: int
    column: int

    @classmethod
    def of(cls, mark: yaml.Mark) -> _Place:
        return cls(mark.line + 1, mark.column + 1)


def load(path: Path) -> Task:
    """Raises TaskError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TaskError([f"{path}: no such file"]) from None
    except UnicodeDecodeError as error:
        raise TaskError([f"{path}: not UTF-8 text, at byte {error.start}"]) from None
    except OSError as error:
        raise TaskError([f"{path}: cannot be read: {error.strerror}"]) from None
    return parse(text, str(path))


def parse(text: str, source: str) -> Task:
    """Raises TaskError. source: how the faults name the file."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(node, yaml.MappingNode):
            raise TaskError([f"{source}:1:1: a task is a mapping with at least `input: ...`"])
        places: dict[_Path, _Place] = {}
        faults = [*_survey(node, (), places)]
        data = yaml.SafeLoader("").construct_document(node) if not faults else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _Place.of(mark) if mark else _Place(1, 1)
        raise TaskError([f"{source}:{place.line}:{place.column}: not YAML: {error.problem}"]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TaskError([f"{source}:1:1: not YAML: {' '.join(str(error).split())}"]) from None
    if data is not None:
        try:
            faults = [*_undeclared(data, places)]
            task = Task.model_validate(data)
        except ValidationError as error:
            faults += _located(error, places)
    if faults:
        raise TaskError([f"{source}:{line}:{column}: {what}" for line, column, what in sorted(faults)])
    return task


_Fault: TypeAlias = tuple[int, int, str]


def _survey(node: yaml.Node, path: _Path, places: dict[_Path, _Place]) -> Iterator[_Fault]:
    """Notes where each key stands; reports keys that stand there twice, and aliases that refer to themselves."""
    places.setdefault(path, _Place.of(node.start_mark))
    if len(path) > 50:
        yield places[path].line, places[path].column, f"{_dotted(path[:3])}...: nested too deeply"
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            here = (*path, name)
            place = places[here] = _Place.of(key.start_mark)
            if name in seen:
                yield place.line, place.column, f"{_dotted(here)}: stands here a second time"
            seen.add(name)
            yield from _survey(value, here, places)
    elif isinstance(node, yaml.SequenceNode):
        for at, value in enumerate(node.value):
            yield from _survey(value, (*path, at), places)


def _located(error: ValidationError, places: Mapping[_Path, _Place]) -> Iterator[_Fault]:
    for fault in error.errors(include_url=False):
        path = tuple(fault["loc"])
        known = path
        while known not in places:
            known = known[:-1]
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            near = get_close_matches(str(path[-1]), _fields_at(path[:-1]))
            message = "unknown key" + (f"; did you mean {near[0]!r}?" if near else "")
        elif fault["type"] == "missing":
            message = "missing"
        else:
            message = f"{message[0].lower()}{message[1:]}"
        yield places[known].line, places[known].column, f"{_dotted(path)}: {message}"


def _fields_at(path: _Path) -> list[str]:
    """The keys that are known below a path."""
    model: type[BaseModel] = Task
    known: dict[str, type[BaseModel]] = {
        "sampling": SamplingFields,
        "limits": LimitFields,
        "model": EngineFields,
        "params": Param,
        "tools": ToolEntry,
        "python": PythonFields,
    }
    for part in path:
        model = known.get(str(part), model)
    return list(model.model_fields)


def _undeclared(data: Mapping[str, Any], places: Mapping[_Path, _Place]) -> Iterator[_Fault]:
    declared = data.get("params") or {}
    for field in ("instructions", "input"):
        for name in _PLACEHOLDER.findall(str(data.get(field) or "")):
            if name not in declared:
                place = places[(field,)]
                yield place.line, place.column, f"{field}: {{{{ {name} }}}} is not declared in params"


def _dotted(path: _Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "task"
