"""The `shell` tool: commands in the sandbox of the Python tool, each in a process of its own.

Any session that runs cells of CPython runs commands: a cell starts the process and waits for it. So a command has the
same walls, limits and workspace as a cell, and nothing here is a second way into a sandbox. It asks before each call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from .decorator import tool
from .errors import ToolRetry
from .functions import FunctionSession, FunctionToolset
from .python import Result, SandboxError, Session, Spec, choose, keeping_more
from .toolset import ToolResult

_DESCRIPTION: Final = (
    "Commands in a sandbox without network. Each starts in the workspace, in a process of its own; files stay, "
    "variables and the current folder do not."
)
_CELL: Final = """
import os, shutil, signal, subprocess
_command, _workdir = {command!r}, {workdir!r}
if isinstance(_command, str):
    _command = [shutil.which("bash") or "/bin/sh", "-c", _command]
try:
    _process = subprocess.Popen(_command, stdin=subprocess.DEVNULL, cwd=_workdir, start_new_session=True)
except OSError as _error:
    print(f"{{_error.filename}}: {{_error.strerror}}\\n127")
else:
    try:
        print(f"\\n{{_process.wait()}}")
    except BaseException:
        os.killpg(_process.pid, signal.SIGKILL)
        raise
"""
"""Its last line is the exit code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellTool:
    """Commands in a sandbox. The fields are those of PythonTool; monty has no commands."""

    sandbox: Literal["auto", "docker", "bubblewrap", "landlock"] = "auto"
    spec: Spec = field(default_factory=Spec)
    unsafe_local: bool = False

    @property
    def name(self) -> str:
        return "shell"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FunctionSession]:
        """Raises SandboxError if no sandbox here runs commands."""
        sandbox = await choose("auto" if self.unsafe_local else self.sandbox, unsafe_local=self.unsafe_local)
        if sandbox.name == "monty":
            raise SandboxError(
                "shell: the sandbox monty runs no commands, and no other works here; `agent doctor` says why"
            )
        async with sandbox.session(keeping_more(self.spec)) as session:
            shell, keeps_files = _Shell(session, self.spec), self.spec.workspace is not None or self.unsafe_local
            execute = tool(
                shell.exec,
                timeout=None,  # the session's
                idempotent=not keeps_files,  # a sandbox has died with all that an interrupted command did
                needs_approval=True,
                reads_private=keeps_files,
            )
            toolset = FunctionToolset(
                [execute],
                name=self.name,
                description=_DESCRIPTION,
                stateful=not keeps_files,
                result_bytes=self.spec.output_bytes,
            )
            async with toolset.open() as opened:
                yield opened


class _Shell:
    def __init__(self, session: Session, spec: Spec) -> None:
        self._session = session
        self._spec = spec

    async def exec(self, command: list[str] | str, workdir: str = ".", timeout: float | None = None) -> ToolResult:
        """Runs a command.

        Args:
            command: A program and its arguments, or a line for bash.
            workdir: The folder to start in.
            timeout: Seconds, if fewer than usual.
        """
        if not command or "\0" in "".join([workdir, *command]):
            raise ToolRetry("command: must be a program and its arguments, or a line for bash")
        if timeout is not None and not timeout > 0:
            raise ToolRetry("timeout: must be more than 0 seconds")
        limit = min(timeout or self._spec.timeout, self._spec.timeout)
        result = await self._session.run(_CELL.format(command=command, workdir=workdir), timeout=limit)
        text, status = _told(result, limit)
        return ToolResult(text=text, status=status, state=result.state, backend=result.backend, seconds=result.seconds)


def _told(result: Result, limit: float) -> tuple[str, Literal["ok", "error", "timeout", "killed"]]:
    """What the model reads: the output, then how the command ended, then what else was lost with it."""
    output, _, code = result.output.rstrip("\n").rpartition("\n")
    status = result.status
    if status == "ok" and code.removeprefix("-").isdecimal():
        number = int(code)
        end = f"[exit code {number}]" if number >= 0 else f"[killed by signal {-number}]"
        status = "ok" if number == 0 else "error"
    else:
        output = result.output
        end = f"[timed out after {limit:g} seconds]" if status == "timeout" else f"[{result.error or 'no exit code'}]"
    if result.state == "rolled_back":
        end += "\n[processes that earlier commands left running have ended]"
    if result.state == "lost":
        end += "\n[the sandbox was lost with all that was not in the workspace; the next command starts afresh]"
    return (f"{output}\n" if output and not output.endswith("\n") else output) + end, status
