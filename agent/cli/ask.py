"""The user at the terminal as the one who is asked for approval."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from cadenza.tools import clean, run_in_thread

from ..approval import Approver
from ..events import ApprovalAsked


@dataclass(frozen=True, slots=True)
class Terminal:
    """Asks on stderr, reads from stdin. shows_call: where no live view does."""

    shows_call: bool

    async def approve(self, asked: ApprovalAsked) -> bool:
        if self.shows_call:
            told = f"{asked.recipient} asks: {asked.reason}\n{asked.arguments}"
            print(clean(told), file=sys.stderr)
        return await run_in_thread(_ask)


def terminal(*, shows_call: bool) -> Approver | None:
    """None where nobody sits: then what would be asked is refused."""
    return Terminal(shows_call) if sys.stdin.isatty() and sys.stderr.isatty() else None


def _ask() -> bool:
    """Until it is yes or no; an end of input is no."""
    while True:
        print("Allow this call? [y/n] ", end="", file=sys.stderr, flush=True)
        said = sys.stdin.readline()
        if not said or said.strip().lower() in ("n", "no"):
            return False
        if said.strip().lower() in ("y", "yes"):
            return True
