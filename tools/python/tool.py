"""The `python` tool: what the model is told of it, and what it reads of each cell.

The first paragraph, and the frame of the second, are those that gpt-oss was trained on (openai-harmony 0.0.8). What
they say of time, files and network is made true for the sandbox at hand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from cadenza.harmony import ToolNamespace

from ..toolset import ToolResult, Traits
from .choose import choose
from .sandbox import MIB, Result, Sandbox, SandboxError, Session, Spec

_PURPOSE: Final = (
    "Use this tool to execute Python code in your chain of thought. The code will not be shown to the user. This tool "
    "should be used for internal reasoning, but not for code that is intended to be visible to the user (e.g. when "
    "creating plots, tables, or files)."
)


KEPT_BYTES: Final = 4 * MIB
"""Of what a cell prints, at least: the model reads less, and the rest is an artefact."""


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


def observation(result: Result, *, keeps_files: bool = False) -> str:
    """What the model reads of a cell: output, then the error, then what became of the variables if they are lost."""
    text = result.output
    lost = "all variables are lost" if keeps_files else "all variables and files are lost"
    for more in (result.error, f"[{lost}; the next cell starts afresh]" if result.state == "lost" else None):
        if more:
            text += ("\n" if text and not text.endswith("\n") else "") + more
    return text


def keeping_more(spec: Spec) -> Spec:
    """For a session whose output is kept, and cut for the model later."""
    return replace(spec, output_bytes=max(spec.output_bytes, KEPT_BYTES))


class PythonSession:
    """One run's interpreter."""

    def __init__(self, sandbox: Sandbox, session: Session, spec: Spec) -> None:
        self.namespace = ToolNamespace(name="python", description=description(sandbox, spec.timeout))
        self._result_bytes = spec.output_bytes
        self._keeps_files = sandbox.name == "local" or spec.workspace is not None
        self._session = session

    def traits(self, recipient: str) -> Traits:
        """A sandbox has died with all that an interrupted cell did, unless it could change files that stay."""
        return Traits(stateful=True, repeatable=not self._keeps_files, result_bytes=self._result_bytes)

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        """Runs `arguments` as a cell. Raises SandboxError if no interpreter can be started."""
        result = await self._session.run(arguments)
        return ToolResult(
            text=observation(result, keeps_files=self._keeps_files),
            status=result.status,
            state=result.state,
            backend=result.backend,
            seconds=result.seconds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonTool:
    """Stateful Python in a sandbox.

    sandbox: "auto" takes the strongest that works here; spec: limits of a session, `output_bytes` being what the model
    reads of a cell's output; unsafe_local: no sandbox at all,
    which only a person at the command line or in code may say, never a task file.
    """

    sandbox: Literal["auto", "bubblewrap", "monty"] = "auto"
    spec: Spec = field(default_factory=Spec)
    unsafe_local: bool = False

    @property
    def name(self) -> str:
        return "python"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PythonSession]:
        """Raises SandboxError if that sandbox does not work here, or cannot have the workspace."""
        sandbox = await choose("auto" if self.unsafe_local else self.sandbox, unsafe_local=self.unsafe_local)
        if self.spec.workspace is not None and sandbox.name == "monty":
            raise SandboxError("workspace: the sandbox monty has no files; use bubblewrap, or do without a workspace")
        async with sandbox.session(keeping_more(self.spec)) as session:
            yield PythonSession(sandbox, session, self.spec)
