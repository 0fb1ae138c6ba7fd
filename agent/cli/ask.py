"""The user at the terminal as the one who is asked for approval."""

from __future__ import annotations

import sys

from cadenza.tools import run_in_thread

from ..approval import Approver
from ..events import ApprovalAsked


class Terminal:
    """Asks on stderr, reads from stdin. The call itself stands above, in the live view."""

    async def approve(self, asked: ApprovalAsked) -> bool:
        return await run_in_thread(_ask)


def terminal() -> Approver | None:
    """None where nobody sits: then what would be asked is refused."""
    return Terminal() if sys.stdin.isatty() and sys.stderr.isatty() else None


def _ask() -> bool:
    """Until it is yes or no; an end of input is no."""
    while True:
        print("Allow this call? [y/n] ", end="", file=sys.stderr, flush=True)
        said = sys.stdin.readline()
        if not said or said.strip().lower() in ("n", "no"):
            return False
        if said.strip().lower() in ("y", "yes"):
            return True
