"""What the agent knows of tools: a toolset is opened for a run, presents itself to the model and answers calls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from cadenza.harmony import ToolNamespace


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file that a call made. name: as the user sees it; media_type: as in "image/png"; data: its bytes."""

    name: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a call came to.

    text: what the model reads. Left empty, it is `json` in compact form, then a line per image and artefact.
    json: the result as a JSON value, for programs; images: for the eyes of the user; artefacts: files.
    repairs: what had to be mended in the arguments, such as "junk_after_object".
    status: how it went; reached: whether the call came as far as the tool's own code;
    state: whether what earlier calls built up is still there, as it was before this call if that is what was gone back
    to;
    backend: what ran it, such as "bubblewrap"; seconds: wall time.
    memory: what the call added to what the session knows, a JSON value for `Restorable`; None for nothing.
    """

    text: str = ""
    json: Any = None
    images: tuple[Artefact, ...] = ()
    artefacts: tuple[Artefact, ...] = ()
    repairs: tuple[str, ...] = ()
    status: Literal["ok", "error", "timeout", "killed", "denied"] = "ok"
    reached: bool = True
    state: Literal["kept", "rolled_back", "lost"] = "kept"
    backend: str = "host"
    seconds: float = 0.0
    memory: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.text:
            object.__setattr__(self, "text", "\n".join(self._lines()))

    def _lines(self) -> list[str]:
        value = [] if self.json is None else [compact_json(self.json)]
        files = (*self.images, *self.artefacts)
        return value + [f"[{file.name}: {file.media_type}, {len(file.data)} bytes]" for file in files]


def compact_json(value: Any) -> str:
    """JSON without spaces, in raw UTF-8: the fewest tokens."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A place in an answer that names its source.

    start, end: characters of the answer, the mark itself; url, title: of the source; text: what is said there.
    """

    start: int
    end: int
    url: str
    title: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What calls of a tool mean for a run.

    stateful: they build on what earlier ones left in this process, so that a new one has lost it; repeatable: one that
    was interrupted, with whatever effect, may simply be made again; needs_approval: somebody has to say yes first;
    reads_private, reads_untrusted, sends_out: what it does with data; result_bytes: UTF-8 that the model reads of one
    result, None for as much as usual.
    """

    stateful: bool = False
    repeatable: bool = False
    needs_approval: bool = False
    reads_private: bool = False
    reads_untrusted: bool = False
    sends_out: bool = False
    result_bytes: int | None = None


class ToolSession(Protocol):
    """An open toolset: one run's worth of state."""

    @property
    def namespace(self) -> ToolNamespace:
        """How the model sees it. Calls go to the namespace's name, to `name.function`, or to a bare `function`."""

    def traits(self, recipient: str) -> Traits:
        """Of the tool that this calls; a tool that is not there does nothing at all."""

    async def call(self, recipient: str, arguments: str) -> ToolResult:
        """Answers one call. A tool's failure is a result that says so; raises only what must end the run.

        `ToolContext.current()` is the context of the call.
        """


@runtime_checkable
class Restorable(Protocol):
    """A session that another process can go on with."""

    def restore(self, memories: Sequence[Any]) -> None:
        """Before any call: the memories of the run's earlier calls, in their order."""


@runtime_checkable
class Citing(Protocol):
    """A session whose results can be cited."""

    def citations(self, answer: str) -> Sequence[Citation]:
        """The places in an answer that name what was read here, in their order."""


class Toolset(Protocol):
    """A group of tools with a lifecycle."""

    @property
    def name(self) -> str:
        """The name of its namespace."""

    def open(self) -> AbstractAsyncContextManager[ToolSession]:
        """Starts what the tools need; nothing of it outlives the block. Raises ToolError if it cannot be had."""
