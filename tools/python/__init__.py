"""The stateful Python executor: untrusted cells in, one `Result` each out.

    sandbox = await choose()
    async with sandbox.session(Spec(timeout=10)) as session:
        result = await session.run("x = 6 * 7\\nx")       # result.output == "42\\n"

Sandboxes, strongest first: docker, bubblewrap, landlock, monty; `local` is none and must be asked for. `PythonTool` is
the tool around them, `escapes` the attacks that they are tried with.
"""

from .choose import SANDBOXES, Sandboxed, SandboxName, choose
from .sandbox import Files, FilesError, Result, Sandbox, SandboxError, Session, Spec
from .tool import PythonTool, description

__all__ = [
    "SANDBOXES",
    "Files",
    "FilesError",
    "PythonTool",
    "Result",
    "Sandbox",
    "SandboxError",
    "SandboxName",
    "Sandboxed",
    "Session",
    "Spec",
    "choose",
    "description",
]
