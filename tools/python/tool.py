"""The `python` tool: what the model is told of it, and what it reads of each cell.

The first paragraph, and the frame of the second, are those that gpt-oss was trained on (openai-harmony 0.0.8). What
they say of time, files and network is made true for the sandbox at hand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from mimetypes import guess_type
from typing import Final

from cadenza.harmony import ToolNamespace

from ..toolset import Artefact, ToolResult, Traits
from .choose import Sandboxed
from .sandbox import Result, Sandbox, Session

_PURPOSE: Final = (
    "Use this tool to execute Python code in your chain of thought. The code will not be shown to the user. This tool "
    "should be used for internal reasoning, but not for code that is intended to be visible to the user (e.g. when "
    "creating plots, tables, or files)."
)


def description(sandbox: Sandbox, timeout: float) -> str:
    """What the model is told. timeout: seconds."""
    where = "session" if sandbox.limitations else "Jupyter notebook environment"
    files = "" if sandbox.limitations else " The drive at '/mnt/data' can be used to save and persist user files."
    lacks = f" {sandbox.limitations}" if sandbox.limitations else ""
    return (
        f"{_PURPOSE}\n\nWhen you send a message containing Python code to python, it will be executed in a stateful "
        f"{where}.{lacks} python will respond with the output of the execution or time out after {float(timeout)} "
        f"seconds.{files} Internet access for this session is disabled."
    )


_ROLLED_BACK: Final = (
    "[variables are as they were before this cell; files that it changed stay changed, and processes that cells left "
    "running have ended]"
)


def observation(
    result: Result, made: Sequence[Artefact] = (), *, keeps_files: bool = False, packages: Sequence[str] = ()
) -> str:
    """What the model reads of a cell: output, error, what became of the variables, and what came out.

    packages: named where a cell did not find a module, and not in the tool's description, since nano knows no other.
    """
    lost = "all variables are lost" if keeps_files else "all variables and files are lost"
    state = {"kept": "", "rolled_back": _ROLLED_BACK, "lost": f"[{lost}; the next cell starts afresh]"}[result.state]
    is_missing = packages and result.error and "\nModuleNotFoundError: " in f"\n{result.error}"
    lines = [result.error or "", f"[packages here: {', '.join(packages)}]" if is_missing else "", state]
    lines += [f"[{file.name}: {file.media_type}, {len(file.data)} bytes]" for file in made]
    lines += [f"[left out: {result.left_out}]" if result.left_out else ""]
    text = result.output
    for more in filter(None, lines):
        text += ("\n" if text and not text.endswith("\n") else "") + more
    return text


def _figures(result: Result, cell: int) -> tuple[Artefact, ...]:
    names = (f"figure-{cell}-{number}.png" for number in range(1, len(result.figures) + 1))
    return tuple(Artefact(name, "image/png", data) for name, data in zip(names, result.figures, strict=True))


def _files(result: Result) -> tuple[Artefact, ...]:
    return tuple(Artefact(name, _media_type(name), data) for name, data in result.files.items())


def _media_type(name: str) -> str:
    return guess_type(name)[0] or "application/octet-stream"


class PythonSession:
    """One run's interpreter."""

    def __init__(self, tool: PythonTool, sandbox: Sandbox, session: Session) -> None:
        self.namespace = ToolNamespace(name="python", description=description(sandbox, tool.spec.timeout))
        self._result_bytes = tool.spec.output_bytes
        self._keeps_files = tool.keeps_files
        self._packages = sandbox.packages
        self._session = session
        self._cells = 0

    def traits(self, recipient: str) -> Traits:
        """A sandbox has died with all that an interrupted cell did, unless it could change files that stay."""
        return Traits(stateful=True, repeatable=not self._keeps_files, result_bytes=self._result_bytes)

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        """Runs `arguments` as a cell. Raises SandboxError if no interpreter can be started."""
        result = await self._session.run(arguments)
        self._cells += 1
        images, artefacts = _figures(result, self._cells), _files(result)
        return ToolResult(
            text=observation(result, (*images, *artefacts), keeps_files=self._keeps_files, packages=self._packages),
            images=images,
            artefacts=artefacts,
            status=result.status,
            state=result.state,
            backend=result.backend,
            seconds=result.seconds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonTool(Sandboxed):
    """Stateful Python in a sandbox."""

    @property
    def name(self) -> str:
        return "python"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PythonSession]:
        """Raises SandboxError if that sandbox does not work here, or cannot have the workspace."""
        async with self.in_sandbox() as (sandbox, session):
            yield PythonSession(self, sandbox, session)
