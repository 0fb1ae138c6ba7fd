"""A task: what an agent is and what it is asked. The fields of task.yaml; `taskfile` reads them.

`{{ name }}` is filled in `instructions` and `input` only, from declared params.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from cadenza.harmony import CallTo, Effort, ToolChoice
from cadenza.model import DEFAULT, Sampling
from cadenza.tools import compact_json

from .agent import Agent
from .approval import Approvals, Rule
from .engines import ModelField, started
from .errors import UserError
from .fields import Count, Fields, Seconds
from .limits import Limits
from .loading import type_named
from .tool_entries import Surroundings, ToolEntry
from .toolbox import AnyTool


class TaskError(UserError):
    """A task file is wrong; `faults` has a line for each fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class SamplingFields(Fields):
    temperature: float | None = Field(default=None, ge=0, allow_inf_nan=False, strict=True)
    top_p: float | None = Field(default=None, gt=0, le=1, strict=True)
    seed: int = Field(default=0, ge=0, strict=True)
    max_tokens: Count = 32_000


class LimitFields(Fields):
    turns: Count = 30
    tokens: Count = 200_000
    tool_calls: Count = 60
    reasoning: Count | None = None
    time: Seconds | None = None
    same_call: Count | None = None
    parallel: Count = 4


def _plain(value: Any) -> Any:
    if not isinstance(value, str | int | float | bool | None):
        raise ValueError(f"must be text, a number, true or false, not a {type(value).__name__}; put text in quotes")
    return value


class Param(Fields):
    type: Literal["string", "integer", "number", "boolean"] = "string"
    description: str | None = None
    default: Annotated[str | int | float | bool | None, BeforeValidator(_plain)] = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.filled_default is not None:
            try:
                self.read(self.filled_default)
            except ValueError as error:
                raise ValueError(f"default: {error}") from None
        return self

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


class ApproveFields(Fields):
    """Rules for calls: `tool`, `tool(glob)` or `tool(argument=glob)`."""

    deny: list[str] = Field(default_factory=list)
    ask: list[str] = Field(default_factory=list)
    allow: list[str] = Field(default_factory=list)

    @field_validator("*")
    @classmethod
    def _are_rules(cls, rules: list[str]) -> list[str]:
        for rule in rules:
            try:
                Rule(rule)
            except UserError as error:
                raise ValueError(str(error).removeprefix("approve: ")) from None
        return rules


class Example(Fields):
    """An earlier question and its answer. output: text, or data that is shown as JSON."""

    input: str
    output: Any

    @property
    def answer(self) -> str:
        return self.output if isinstance(self.output, str) else compact_json(self.output)


class Task(Fields):
    """The fields of task.yaml."""

    version: Literal[1] = 1
    name: str | None = None
    model: ModelField = DEFAULT
    effort: Effort = "medium"
    sampling: SamplingFields = SamplingFields()
    params: dict[str, Param] = Field(default_factory=dict)
    instructions: str | None = None
    input: str
    examples: list[Example] = Field(default_factory=list)
    tools: list[ToolEntry] = Field(default_factory=list)
    tool_choice: str = "auto"
    output: str | dict[str, Any] | None = None
    limits: LimitFields = LimitFields()
    approve: ApproveFields = ApproveFields()
    workspace: str | None = None
    journal: str | None = None

    def agent(
        self,
        values: Mapping[str, str],
        *,
        model: str | None = None,
        effort: Effort | None = None,
        unsafe_local: bool = False,
        granted: Sequence[str] = (),
        workspace: Path | None = None,
        after: int = 0,
        folder: Path = Path(),
    ) -> Agent[Any]:
        """The agent that this task describes. Runs the code that it names. Raises UserError.

        values: of `fill`; after: turns that an earlier process has finished; folder: where its files are looked for;
        the other keywords are the command line's last word.
        """
        first, *fallbacks = started(self.model, after) if model is None else [model]
        return Agent(
            model=first,
            fallbacks=fallbacks,
            effort=effort or self.effort,
            instructions=None if self.instructions is None else _substitute(self.instructions, values),
            tools=self.made_tools(folder=folder, workspace=workspace, unsafe_local=unsafe_local),
            tool_choice=_choice(self.tool_choice),
            examples=[(example.input, example.answer) for example in self.examples],
            output=type_named(self.output, folder) if isinstance(self.output, str) else self.output_schema(folder),
            approvals=self.approvals(granted),
            sampling=Sampling(
                temperature=self.sampling.temperature, top_p=self.sampling.top_p, seed=self.sampling.seed
            ),
            limits=Limits(
                turns=self.limits.turns,
                tokens=self.limits.tokens,
                tool_calls=self.limits.tool_calls,
                reasoning=self.limits.reasoning,
                time=self.limits.time,
                same_call=self.limits.same_call,
                parallel=self.limits.parallel,
                turn_tokens=self.sampling.max_tokens,
            ),
        )

    def made_tools(self, *, folder: Path, workspace: Path | None, unsafe_local: bool) -> list[AnyTool]:
        """Its tools; runs the code of tool files. Raises UserError."""
        own = None if self.workspace is None else folder / self.workspace
        around = Surroundings(folder=folder, workspace=workspace or own, unsafe_local=unsafe_local)
        return [tool for entry in self.tools for tool in entry.tools(around)]

    def approvals(self, granted: Sequence[str]) -> Approvals:
        """Its rules, and what the command line grants."""
        return Approvals(
            deny=tuple(self.approve.deny),
            ask=tuple(self.approve.ask),
            allow=tuple(self.approve.allow),
            granted=tuple(granted),
        )

    def output_schema(self, folder: Path) -> dict[str, Any] | None:
        """The JSON Schema of the answer, inline or of a file; None for free text, and for a type of a module."""
        if not isinstance(self.output, dict):
            return None
        if isinstance(self.output.get("schema"), str):
            schema: dict[str, Any] = json.loads((folder / self.output["schema"]).read_text(encoding="utf-8"))
            return schema
        return self.output

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


def _choice(text: str) -> ToolChoice:
    """A word with a meaning, else the tool that has to be called."""
    match text:
        case "auto" | "none" | "required":
            return text
        case _:
            return CallTo(text)


_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def placeholders(text: str) -> list[str]:
    """The names that a text wants filled."""
    return _PLACEHOLDER.findall(text)


def _substitute(text: str, values: Mapping[str, str]) -> str:
    """In one pass: a value that looks like a placeholder stays text."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)
