"""`agent tools`: what there is, what a model sees of it, and a call by hand."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

import anyio
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cadenza.harmony import DeveloperContent, ToolNamespace, content_text
from cadenza.tools import RESULT_BYTES, ToolContext, ToolResult, ToolSession, clean, clean_line, fit

from ..approval import Approvals
from ..errors import UserError
from ..secrets import Redactor, of_environment
from ..task import Task
from ..taskfile import load
from ..tool_entries import KINDS, Surroundings, ToolEntry
from ..toolbox import AnyTool, Toolbox, call_of, toolsets_of
from .made import file_name, keep
from .run import ANSWERED, FAILED, told


def list_tools(task: Path | None) -> int:
    """The kinds of tools and those of installed packages; or every tool of a task, which opens them."""
    return told(partial(_list, task))


def show_tool(name: str, task: Path | None, *, workspace: Path | None) -> int:
    """Prints what stands in a prompt of a tool, or of all tools of a namespace."""
    return told(partial(anyio.run, partial(_show, name, task, workspace)))


def call_tool(
    name: str, arguments: str, task: Path | None, *, workspace: Path | None, out: Path | None, unsafe_local: bool
) -> int:
    """Calls a tool, and prints what a model would read. Who types it need not be asked."""
    text = sys.stdin.read() if arguments == "-" else arguments
    return told(partial(anyio.run, partial(_call, name, text, task, workspace, out, unsafe_local)))


def tools_named(
    names: Sequence[str], task: Path | None, *, workspace: Path | None, unsafe_local: bool, granted: Sequence[str] = ()
) -> tuple[list[AnyTool], Approvals]:
    """The tools of a task, else those of that name with their defaults; and the rules for them. Raises UserError."""
    if task is not None:
        loaded: Task = load(task)
        tools = loaded.made_tools(folder=task.parent, workspace=workspace, unsafe_local=unsafe_local)
        return tools, loaded.approvals(granted)
    around = Surroundings(folder=Path(), workspace=workspace, unsafe_local=unsafe_local)
    tools = []
    for name in names:
        try:
            tools += ToolEntry.model_validate(name).tools(around)
        except ValidationError as error:
            raise UserError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
    return tools, Approvals(granted=tuple(granted))


def _list(task: Path | None) -> int:
    table = Table("tool", "", box=None, pad_edge=False)
    for name, what in known() if task is None else anyio.run(_described, task):
        table.add_row(Text(name), Text(what))
    Console(highlight=False, markup=False).print(table)
    return ANSWERED


def known() -> list[tuple[str, str]]:
    """Imports and opens nothing."""
    declared = [
        (entry.name, f"{entry.dist.name if entry.dist else 'a package'}: {entry.value}")
        for entry in sorted(entry_points(group="cadenza.tools"))
        if entry.name not in KINDS
    ]
    return [*((name, "built in") for name in KINDS), *declared]


async def _described(task: Path) -> list[tuple[str, str]]:
    tools, _ = tools_named((), task, workspace=None, unsafe_local=False)
    async with Toolbox.open(toolsets_of(tools)) as box:
        return [
            (recipient, clean_line(description, 100))
            for space in (*box.built_in, *box.functions)
            for recipient, description in _functions(space)
        ]


def _functions(space: ToolNamespace) -> list[tuple[str, str]]:
    return [(f"{space.name}.{tool.name}", tool.description) for tool in space.tools] or [
        (space.name, space.description or "")
    ]


@asynccontextmanager
async def _opened(
    name: str, task: Path | None, workspace: Path | None, *, unsafe_local: bool = False
) -> AsyncIterator[tuple[Toolbox, ToolSession]]:
    """The toolset that a name means, alone where the name says which, and all that are open. Raises UserError."""
    first = name.partition(".")[0]
    tools, _ = tools_named((first,), task, workspace=workspace, unsafe_local=unsafe_local)
    toolsets = toolsets_of(tools)
    async with Toolbox.open([toolset for toolset in toolsets if toolset.name == first] or toolsets) as box:
        _, session = box.find(name)
        if session is None:
            raise UserError(box.unknown(name))
        yield box, session


async def _show(name: str, task: Path | None, workspace: Path | None) -> int:
    async with _opened(name, task, workspace) as (box, session):
        space = session.namespace
        if name != space.name:
            function = name.removeprefix(f"{space.name}.")
            space = replace(space, tools=tuple(tool for tool in space.tools if tool.name == function))
            if not space.tools:
                raise UserError(box.unknown(name))
        text = content_text(DeveloperContent(tools=(space,)))
    print(clean(text) if sys.stdout.isatty() else text)
    return ANSWERED


async def _call(
    name: str, text: str, task: Path | None, workspace: Path | None, out: Path | None, unsafe_local: bool
) -> int:
    async with _opened(name, task, workspace, unsafe_local=unsafe_local) as (box, session):
        space = session.namespace
        recipients = [recipient for recipient, _ in _functions(space)]
        if name not in recipients and f"{space.name}.{name}" not in recipients:
            raise UserError(box.unknown(name))
        context = ToolContext(deps=None, on_progress=lambda told: print(clean(told), file=sys.stderr))
        redactor = Redactor(of_environment())
        try:
            with context.active():
                result = redactor.result(await call_of(session, name, text))
        except Exception as error:
            redactor.error(error)
            raise
        result = fit(result, session.traits(name).result_bytes or RESULT_BYTES)
    print((clean(result.text) if sys.stdout.isatty() else result.text).removesuffix("\n"))
    _keep(result, out)
    if result.status != "ok":
        print(f"agent: {name}: {result.status}", file=sys.stderr)
    return ANSWERED if result.status == "ok" else FAILED


def _keep(result: ToolResult, out: Path | None) -> None:
    """Writes images and files into a folder; says what there is. Raises UserError."""
    for file in (*result.images, *result.artefacts):
        what = f"{file_name(file.name)} ({file.media_type}, {len(file.data):,} bytes)"
        where = "; --out FOLDER keeps it" if out is None else f", in {keep(out, file.name, file.data)}"
        print(clean(f"made {what}{where}"), file=sys.stderr)
