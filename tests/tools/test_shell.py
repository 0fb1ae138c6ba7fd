"""The `shell` tool: what a command can do, what the model reads of it, and that it never runs without a sandbox."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cadenza.tools import SandboxError, ShellTool, Spec, ToolResult

pytestmark = pytest.mark.anyio

Call = Callable[..., Awaitable[ToolResult]]


@pytest.fixture
async def call() -> Any:
    async with ShellTool(sandbox="bubblewrap", spec=Spec(timeout=60)).open() as session:

        async def call(command: Any, **more: Any) -> ToolResult:
            return await session.call("shell.exec", json.dumps({"command": command, **more}))

        yield call


@pytest.mark.parametrize(
    ("command", "text", "status"),
    [
        ("echo one; echo two >&2; echo three", "one\ntwo\nthree\n[exit code 0]", "ok"),
        (["printf", "%s", "a b; $HOME"], "a b; $HOME\n[exit code 0]", "ok"),
        ("true", "[exit code 0]", "ok"),
        ("echo no; exit 3", "no\n[exit code 3]", "error"),
        ("kill -9 $$", "[killed by signal 9]", "error"),
        (["no-such-program"], "no-such-program: No such file or directory\n[exit code 127]", "error"),
        (["cat"], "[exit code 0]", "ok"),  # nothing to read
        ([], "command: must be a program and its arguments, or a line for bash", "error"),
    ],
)
async def test_the_model_reads_the_output_and_the_exit_code(call: Call, command: Any, text: str, status: str) -> None:
    result = await call(command)
    assert (result.text.strip(), result.status) == (text, status)


async def test_files_stay_from_one_command_to_the_next(call: Call) -> None:
    await call("mkdir sub && echo kept > sub/file && cd sub")
    assert (await call("cat file", workdir="sub")).text == "kept\n[exit code 0]"
    assert "No such file" in (await call("true", workdir="none")).text


async def test_a_command_that_is_late_is_ended_with_its_children_and_the_session_goes_on(call: Call) -> None:
    await call("echo kept > file")
    late = await call("sleep 987 & sleep 987", timeout=1)
    assert (late.text, late.status) == ("[timed out after 1 seconds]", "timeout")
    assert "987" not in (await call("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")).text
    assert (await call("cat file")).text.startswith("kept\n")


async def test_what_runs_on_in_the_background_does_not_hide_the_exit_code(call: Call) -> None:
    ended = await call("mkfifo begun; (echo > begun; while echo late; do :; done) & cat begun; exit 3")
    assert (ended.text.splitlines()[-1], ended.status) == ("[exit code 3]", "error")
    assert set(ended.text.splitlines()[:-1]) <= {"", "late"}


async def test_a_command_sees_no_network_and_no_files_of_the_host(call: Call) -> None:
    assert (await call("cat /proc/net/dev | tail -n +3 | grep -v lo:; ls /root /home")).status == "error"
    assert (await call("id -u")).text == "1000\n[exit code 0]"


async def test_it_asks_and_may_be_repeated_only_where_nothing_stays() -> None:
    async with ShellTool(sandbox="bubblewrap").open() as session:
        traits = session.traits("shell.exec")
    assert traits.needs_approval
    assert traits.repeatable


async def test_where_no_sandbox_runs_commands_there_is_no_shell() -> None:
    with pytest.raises(SandboxError, match="the sandbox monty runs no commands"):
        async with ShellTool(sandbox="monty").open():
            pass
