"""The stateful Python executor: untrusted cells in, one `Result` each out.

    sandbox = await choose()
    async with sandbox.session(Spec(timeout=10)) as session:
        result = await session.run("x = 6 * 7\\nx")       # result.output == "42\\n"

Two sandboxes, bubblewrap and monty; `local` is none and must be asked for. The tool around this is written elsewhere.
"""

from .choose import choose
from .sandbox import Result, Sandbox, SandboxError, Session, Spec

__all__ = ["Result", "Sandbox", "SandboxError", "Session", "Spec", "choose"]
