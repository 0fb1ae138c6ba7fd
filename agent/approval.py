"""Which calls may be made: rules first, then whoever is asked.

    deny: ["shell(rm *)"]    never
    ask: ["shell"]           only after a yes
    allow: ["search"]        without being asked, also a tool that asks by itself

A rule is a tool's name and, in brackets, what an argument is, both as globs: `shell(rm *)` looks at any argument,
`shell(command=rm *)` at that one. The name is that of a function, alone or after its namespace, or of a namespace: all
that is in it. A list of words, such as a command, is looked at as a line for a shell. To deny or to ask, one argument
that fits is enough; to allow, all must fit. The first of deny, granted, ask, allow that fits decides. Where none does,
a tool that needs approval by itself asks, and so does one that sends data out after the run has read private data and
untrusted text. Any other is allowed.

Rules are a convenience: what a tool can do at all is for its sandbox to say.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, Protocol

from cadenza.tools import ArgumentError, Traits, compact_json, find_object

from .errors import UserError
from .events import ApprovalAsked

_RULE = re.compile(r"(?P<tool>[\w.*?\[\]!-]+)(?:\((?:(?P<argument>[A-Za-z_]\w*)=)?(?P<value>.*)\))?", re.DOTALL)
_ANY_OF = re.compile(r"\[!?\]?[^\]]*\]")  # in a glob, one character out of several


class Approver(Protocol):
    """Whoever is asked."""

    async def approve(self, asked: ApprovalAsked) -> bool:
        """Whether the call may be made. Raises what must end the run."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """reason: what was decided by, for the model and the log."""

    decision: Literal["allow", "ask", "deny"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Raises UserError for what is none."""

    text: str
    _match: re.Match[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found = _RULE.fullmatch(self.text) if isinstance(self.text, str) else None
        if found is None:
            raise UserError(f"approve: {self.text!r} is no rule; write tool, tool(glob) or tool(argument=glob)")
        object.__setattr__(self, "_match", found)

    @property
    def is_for_everything(self) -> bool:
        """Whether it names no tool at all, not even a part of a name: `*`, or `[!_]*`."""
        return set(_ANY_OF.sub("", self._match["tool"])) <= set("*?.")

    def fits(self, recipient: str, values: Mapping[str, str], *, every: bool) -> bool:
        """values: text by the name of an argument; every: all of them must fit, instead of one."""
        tool, argument, glob = self._match.group("tool", "argument", "value")
        space, _, function = recipient.partition(".")
        if not any(name and fnmatchcase(name, tool) for name in (recipient, function, space)):
            return False
        if glob is None:
            return True
        if argument is not None and argument in values:
            return fnmatchcase(values[argument], glob)
        if argument is not None:
            return False
        fitting = [fnmatchcase(value, glob) for value in values.values()] or [fnmatchcase("", glob)]
        return all(fitting) if every else any(fitting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """The rules of a run.

    granted: what whoever starts the run says yes to beforehand. An `allow` for every tool there is does not count for
    tools that ask by themselves: that can only be granted. Raises UserError for what is no rule.
    """

    deny: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    granted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for text in (*self.deny, *self.ask, *self.allow, *self.granted):
            Rule(text)

    def decide(self, recipient: str, arguments: str, *, is_text: bool, asks: str = "") -> Verdict:
        """recipient: with its namespace; is_text: the arguments are no JSON, such as a cell of Python; asks: why the
        tool itself wants to be asked.
        """
        values = {"": arguments} if is_text else _values(arguments)

        def first(rules: Iterable[str], *, every: bool) -> Rule | None:
            whole = values if every else {**values, "": arguments}
            return next((rule for rule in map(Rule, rules) if rule.fits(recipient, whole, every=every)), None)

        if rule := first(self.deny, every=False):
            return Verdict("deny", f"the rule {rule.text} denies it")
        if first(self.granted, every=True):
            return Verdict("allow")
        if rule := first(self.ask, every=False):
            return Verdict("ask", f"the rule {rule.text} asks")
        if not asks or first((text for text in self.allow if not Rule(text).is_for_everything), every=True):
            return Verdict("allow")
        return Verdict("ask", asks)


def why_asked(traits: Traits, earlier: Iterable[Traits]) -> str:
    """Why a tool itself wants to be asked; empty if it does not. earlier: of the calls that were made in the run."""
    if traits.needs_approval:
        return "the tool needs approval"
    so_far = [traits, *earlier]
    if traits.sends_out and any(t.reads_private for t in so_far) and any(t.reads_untrusted for t in so_far):
        return "it sends data out, and the run has read private data and untrusted text"
    return ""


def _values(arguments: str) -> dict[str, str]:
    """The arguments that the tool will get, as text. What is no JSON object is one text without a name."""
    try:
        text, _ = find_object(arguments)
    except ArgumentError:
        return {"": arguments}
    return {name: _as_text(value) for name, value in json.loads(text).items()}


def _as_text(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return shlex.join(value)
    return value if isinstance(value, str) else compact_json(value)
