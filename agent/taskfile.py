"""Reading task.yaml: every fault is found at once and told as `file:line:column: path: what is wrong`.

Reading a task imports and executes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml
from pydantic import BaseModel, ValidationError

from .engines import ALTERNATIVES, EngineFields
from .errors import UserError
from .output import output_of
from .task import (
    ApproveFields,
    Example,
    LimitFields,
    Param,
    SamplingFields,
    Task,
    TaskError,
    placeholders,
)
from .tool_entries import KINDS, ToolEntry

_Path: TypeAlias = tuple[str | int, ...]
_MOST_COPIES: Final = 10_000  # of nodes, by aliases


@dataclass(frozen=True, slots=True)
class _Place:
    line: int
    column: int

    @classmethod
    def of(cls, mark: yaml.Mark) -> _Place:
        return cls(mark.line + 1, mark.column + 1)


class _AliasError(Exception):
    """What aliases stand for is without end, or too much to be read."""

    def __init__(self, node: yaml.Node, what: str) -> None:
        super().__init__(what)
        self.place = _Place.of(node.start_mark)


def load(path: Path) -> Task:
    """Raises TaskError."""
    return parse(read(path), str(path), path.parent)


def read(path: Path) -> str:
    """The text of a task file. Raises TaskError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TaskError([f"{path}: no such file"]) from None
    except UnicodeDecodeError as error:
        raise TaskError([f"{path}: not UTF-8 text, at byte {error.start}"]) from None
    except OSError as error:
        raise TaskError([f"{path}: cannot be read: {error.strerror}"]) from None


def parse(text: str, source: str, folder: Path = Path()) -> Task:
    """Raises TaskError. source: how the faults name the file; folder: where the files are that it names."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(node, yaml.MappingNode):
            raise TaskError([f"{source}:1:1: a task is a mapping with at least `input: ...`"])
        _count(node, {})
        places: dict[_Path, _Place] = {}
        faults = [*_survey(node, (), places)]
        data = yaml.SafeLoader("").construct_document(node) if not faults else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _Place.of(mark) if mark else _Place(1, 1)
        raise TaskError([f"{source}:{place.line}:{place.column}: not YAML: {error.problem}"]) from None
    except _AliasError as error:
        raise TaskError([f"{source}:{error.place.line}:{error.place.column}: {error}"]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TaskError([f"{source}:1:1: not YAML: {' '.join(str(error).split())}"]) from None
    if data is not None:
        try:
            faults = [*_undeclared(data, places)]
            task = Task.model_validate(data)
            if wrong := [*_wrong_paths(task, folder, places)]:
                faults += wrong
            else:
                faults += _wrong_files(task, folder, places)
                faults += _wrong_workspace(task, folder, places)
        except ValidationError as error:
            faults += _located(error, places)
    if faults:
        raise TaskError([f"{source}:{line}:{column}: {what}" for line, column, what in sorted(faults)])
    return task


_Fault: TypeAlias = tuple[int, int, str]


def _count(node: yaml.Node, counts: dict[yaml.Node, int]) -> int:
    """The nodes that there are with every alias filled in. counts: of those that were counted; 0 in the middle of it.

    Raises _AliasError: a few lines of aliases may stand for billions.
    """
    if node in counts:
        if not counts[node]:
            raise _AliasError(node, "an alias stands in what it refers to")
        return counts[node]
    counts[node] = 0
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        inner = [each for pair in node.value for each in pair]
    elif isinstance(node, yaml.SequenceNode):
        inner = node.value
    counts[node] = 1 + sum(_count(each, counts) for each in inner)
    if counts[node] > len(counts) + _MOST_COPIES:
        raise _AliasError(node, f"aliases here stand for more than {_MOST_COPIES:,} copies")
    return counts[node]


def _survey(node: yaml.Node, path: _Path, places: dict[_Path, _Place]) -> Iterator[_Fault]:
    """Notes where each key stands; reports keys that stand there twice."""
    places.setdefault(path, _Place.of(node.start_mark))
    if len(path) > 50:
        yield places[path].line, places[path].column, f"{_dotted(path[:3])}...: nested too deeply"
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    yield from _survey(merged, path, places)
                continue
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
        path = tuple(part for part in fault["loc"] if part not in ALTERNATIVES)
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
        "examples": Example,
        "limits": LimitFields,
        "approve": ApproveFields,
        "model": EngineFields,
        "params": Param,
        "tools": ToolEntry,
        **KINDS,
    }
    for part in path:
        model = known.get(str(part), model)
    return list(model.model_fields)


def _undeclared(data: Mapping[str, Any], places: Mapping[_Path, _Place]) -> Iterator[_Fault]:
    declared = data.get("params")
    declared = declared if isinstance(declared, Mapping) else {}
    for field in ("instructions", "input"):
        for name in placeholders(str(data.get(field) or "")):
            if name not in declared:
                place = places[(field,)]
                yield place.line, place.column, f"{field}: {{{{ {name} }}}} is not declared in params"


def _wrong_paths(task: Task, folder: Path, places: Mapping[_Path, _Place]) -> Iterator[_Fault]:
    """Paths that the system does not even look for."""
    for path, name in {**_named(task), ("workspace",): task.workspace}.items():
        try:
            if isinstance(name, str):
                (folder / name).stat()
        except (FileNotFoundError, NotADirectoryError):
            pass
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            yield places[path].line, places[path].column, f"{_dotted(path)}: {name[:80]!r}: {why}"


def _wrong_files(task: Task, folder: Path, places: Mapping[_Path, _Place]) -> Iterator[_Fault]:
    """Files that a task names and that are not there, and schemas that are none. Executes nothing."""

    def fault(path: _Path, what: str) -> _Fault:
        return places[path].line, places[path].column, f"{_dotted(path)}: {what}"

    for path, name in _named_by_tools(task).items():
        if not (folder / name).exists() or (path[-1] == "file" and not (folder / name).is_file()):
            yield fault(path, f"{folder / name}: no such file")
    if isinstance(task.output, str) and not re.fullmatch(r"[\w.]+:\w+", task.output):
        yield fault(("output",), f"{task.output!r} is no module:Type; a schema file is {{schema: ./file.json}}")
    if not isinstance(task.output, dict):
        return
    schema: Any = task.output
    path = ("output",)
    if isinstance(schema.get("schema"), str):
        path = ("output", "schema")
        try:
            schema = json.loads((folder / schema["schema"]).read_text(encoding="utf-8"))
        except OSError as error:
            yield fault(path, f"{folder / task.output['schema']}: {error.strerror}")
            return
        except ValueError as error:
            yield fault(path, f"{folder / task.output['schema']}: not JSON: {error}")
            return
    try:
        output_of(schema)
    except UserError as error:
        yield fault(path, str(error).removeprefix("output: "))


def _named_by_tools(task: Task) -> dict[_Path, str]:
    """The files and folders that the tools of a task name, by the path of the field that does."""
    return {("tools", at, *keys): name for at, entry in enumerate(task.tools) for keys, name in entry.paths().items()}


def _named(task: Task) -> dict[_Path, Any]:
    """What makes up the task beside its own file: by the path of the field that names it."""
    schema = task.output.get("schema") if isinstance(task.output, dict) else None
    return {**_named_by_tools(task), ("journal",): task.journal, ("output", "schema"): schema}


def _wrong_workspace(task: Task, folder: Path, places: Mapping[_Path, _Place]) -> Iterator[_Fault]:
    """A task file may give away a folder below its own, in which nothing lies that makes up the task."""
    if task.workspace is None:
        return
    place, top, workspace = places[("workspace",)], folder.resolve(), (folder / task.workspace).resolve()
    if not any(entry.uses_workspace for entry in task.tools):
        which = " and ".join(kind for kind, fields in KINDS.items() if fields.uses_workspace)
        yield place.line, place.column, f"workspace: none of the tools uses one; {which} can"
    if top not in workspace.parents:
        what = f"workspace: {task.workspace!r} is not below the task's folder; --workspace takes any other"
        yield place.line, place.column, what
    for path, name in _named(task).items():
        if isinstance(name, str) and workspace in (folder / name).resolve().parents:
            where = places[path]
            yield where.line, where.column, f"{_dotted(path)}: lies in the workspace, where the model may change it"


def _dotted(path: _Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "task"
