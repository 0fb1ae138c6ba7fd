"""The live view of a run on stderr: reasoning dim, calls and results framed.

All that it prints comes from a model or a tool, so control characters are taken out and nothing is read as markup.
"""

from __future__ import annotations

import sys

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from cadenza.tools import clean

from ..events import (
    ApprovalAsked,
    ApprovalGiven,
    Artefact,
    EngineRetry,
    Event,
    LeftToValidation,
    LimitHit,
    OutputInvalid,
    PreambleDelta,
    ReasoningDelta,
    Repaired,
    RunFinished,
    RunResumed,
    RunStarted,
    StateLost,
    ToolAliased,
    ToolCallReady,
    ToolFinished,
    ToolProgress,
)

_MOST_LINES, _MOST_CHARACTERS = 40, 3000  # of a call or a result


def complain(what: str) -> None:
    """What went wrong, on stderr, each line with the command's name."""
    for line in what.splitlines():
        print(f"agent: {clean(line)}", file=sys.stderr)


def _held_to(event: RunStarted | EngineRetry) -> str:
    """Where it is less than everything."""
    masked = {"turn": "", "body": "JSON is masked, headers are not", "none": "nothing is masked"}[event.mask]
    given = "" if event.ids else "messages instead of ids"
    held = ", ".join(filter(None, (given, masked)))
    return f" ({held})" if held else ""


class LiveView:
    """Prints events as they come."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet, highlight=False, markup=False, emoji=False)
        self._mid_line = False
        self._running: dict[int, str] = {}  # recipients of calls, by number

    def show(self, event: Event) -> None:
        match event:
            case RunStarted():
                tools = f", tools: {', '.join(event.tools)}" if event.tools else ""
                self._line(f"{event.model}{_held_to(event)}, effort {event.effort}{tools} (run {event.run})", "bold")
            case RunResumed():
                self._line(f"run {event.run} goes on after turn {event.turn}", "bold")
            case ReasoningDelta(text=text):
                self._stream(text, "dim")
            case PreambleDelta(text=text):
                self._stream(text, "")
            case ToolCallReady():
                self._running[event.call] = event.recipient
                self._frame(_head(event.arguments), f"call {event.recipient}", "cyan")
            case ApprovalAsked():
                self._line(f"{event.recipient} asks: {event.reason}", "yellow")
            case ApprovalGiven(approved=False, by="nobody"):
                self._line("nobody to ask here; --allow RULE says yes beforehand", "yellow")
            case ToolProgress(call=call, text=text):
                for line in text.splitlines():
                    self._line(f"{self._running.get(call, 'a tool')}: {line}", "dim")
            case ToolFinished():
                several = len(self._running) > 1
                recipient = self._running.pop(event.call, "")
                how = "" if event.status == "ok" else f"{event.status}, "
                title = f"{recipient + ' ' if several else ''}result ({how}{event.backend}, {event.seconds:.2f} s)"
                self._frame(_head(event.text), title, "green" if event.status == "ok" else "yellow")
            case Artefact():
                self._line(f"made {event.name} ({event.media_type}, {len(event.data):,} bytes)", "green")
            case StateLost(state="rolled_back"):
                self._line(f"the {event.backend} session went back to its variables before this call", "yellow")
            case StateLost():
                self._line(f"the {event.backend} session was lost with all its variables", "yellow")
            case Repaired():
                self._line(f"repaired: {', '.join(event.repairs)}", "yellow")
            case OutputInvalid(faults=faults):
                self._line(f"the answer does not fit its format: {'; '.join(faults)}", "yellow")
            case LeftToValidation(end=end, what=what):
                self._line(f"not masked, but validated: {end}: {', '.join(what)}", "yellow")
            case ToolAliased(name=name, alias=alias):
                self._line(f"the model calls your tool {name} {alias}: gpt-oss has a {name} of its own", "yellow")
            case EngineRetry(errors=errors):
                for error in errors:
                    self._line(error, "yellow")
                self._line(f"goes on with {event.model}{_held_to(event)}", "yellow")
            case LimitHit():
                self._line(f"limit: {event.value:,.10g} of {event.limit:,.10g} {event.kind}", "red")
            case RunFinished():
                turns = "1 turn" if event.turns == 1 else f"{event.turns} turns"
                self._line(f"{turns}, {event.usage.prompt} tokens read, {event.usage.sampled} written", "dim")
            case _:
                pass

    def sources(self, finished: RunFinished) -> None:
        """What the answer cites, each mark once."""
        marks = {finished.answer[cited.start : cited.end]: cited for cited in finished.citations}
        for mark, cited in marks.items():
            self._line(f"{mark} {cited.title} ({cited.url})", "dim")

    def _stream(self, text: str, style: str) -> None:
        self._console.print(Text(clean(text), style=style), end="", soft_wrap=True)
        self._mid_line = not text.endswith("\n")

    def _line(self, text: str, style: str) -> None:
        self._end_line()
        self._console.print(Text(clean(text), style=style), soft_wrap=True)

    def _frame(self, text: str, title: str, style: str) -> None:
        self._end_line()
        body = Text(clean(text.rstrip("\n")))
        panel = Panel(body, title=Text(clean(title)), title_align="left", border_style=style, box=box.ROUNDED)
        self._console.print(panel)

    def _end_line(self) -> None:
        if self._mid_line:
            self._console.print()
            self._mid_line = False


def _head(text: str) -> str:
    """What a screen can take of a text, and how much more there is."""
    head = "\n".join(text.splitlines()[:_MOST_LINES])[:_MOST_CHARACTERS]
    left = len(text.rstrip("\n")) - len(head)
    return f"{head}\n... {left:,} more characters, in the transcript" if left > 0 else head
