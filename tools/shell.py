"""The `shell` tool: commands in the sandbox of the Python tool, each in a process of its own.

Any session that runs cells of CPython runs commands: a cell starts the process and waits for it. So a command has the
same walls, limits and workspace as a cell, and nothing here is a second way into a sandbox. It asks before each call.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal

from .decorator import tool
from .errors import ToolRetry
from .functions import FunctionSession, FunctionToolset
from .python import Result, Sandboxed, SandboxError, Session, Spec
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
    print(f"{{_error.filename}}: {{_error.strerror}}\\n{mark}127\\n", end="")
else:
    try:
        print(f"\\n{mark}{{_process.wait()}}\\n", end="")
    except BaseException:
        os.killpg(_process.pid, signal.SIGKILL)
        raise
"""
"""A line of its own has the mark and the exit code; what runs in the background may write before and after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellTool(Sandboxed):
    """Commands in a sandbox; monty has none."""

    @property
    def name(self) -> str:
        return "shell"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FunctionSession]:
        """Raises SandboxError if no sandbox here runs commands, or it cannot have the workspace."""
        async with self.in_sandbox() as (sandbox, session):
            if sandbox.name == "monty":
                raise SandboxError("shell: the sandbox monty runs no commands; `agent doctor` says what else works")
            execute = tool(
                _Shell(session, self.spec).exec,
                timeout=None,  # the session's
                idempotent=not self.keeps_files,  # a sandbox has died with all that an interrupted command did
                needs_approval=True,
                reads_private=self.keeps_files,
            )
            toolset = FunctionToolset(
                [execute],
                name=self.name,
                description=_DESCRIPTION,
                stateful=not self.keeps_files,
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
        mark = secrets.token_hex(8)
        cell = _CELL.format(command=command, workdir=workdir, mark=mark)
        result = await self._session.run(cell, timeout=limit)
        text, status = _told(result, mark, limit)
        return ToolResult(text=text, status=status, state=result.state, backend=result.backend, seconds=result.seconds)


def _told(result: Result, mark: str, limit: float) -> tuple[str, Literal["ok", "error", "timeout", "killed"]]:
    """What the model reads: the output, then how the command ended, then what else was lost with it."""
    output, status = result.output, result.status
    code = re.search(rf"\n{mark}(-?\d+)\n", output)
    if status == "ok" and code is not None:
        output, number = output[: code.start()] + output[code.end() :], int(code[1])
        end = f"[exit code {number}]" if number >= 0 else f"[killed by signal {-number}]"
        status = "ok" if number == 0 else "error"
    elif status == "ok":
        end, status = "[no exit code: there was too much other output]", "error"
    else:
        end = f"[timed out after {limit:g} seconds]" if status == "timeout" else f"[{result.error}]"
    if result.state == "rolled_back":
        end += "\n[processes that earlier commands left running have ended]"
    if result.state == "lost":
        end += "\n[the sandbox was lost with all that was not in the workspace; the next command starts afresh]"
    return (f"{output}\n" if output and not output.endswith("\n") else output) + end, status
