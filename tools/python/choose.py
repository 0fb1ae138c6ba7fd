"""Which sandbox runs here: found out by running a cell in it, and never weaker than what was asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias, get_args

from .bubblewrap import Bubblewrap
from .landlock import Landlock
from .local import Local
from .monty import Monty
from .sandbox import IMAGE, MIB, Sandbox, SandboxError, Session, Spec

SandboxName: TypeAlias = Literal["auto", "docker", "bubblewrap", "landlock", "monty"]


async def _find(name: str, image: str) -> Sandbox:
    match name:
        case "docker":
            from .docker import Docker

            return await Docker.find(image)
        case "bubblewrap":
            return await Bubblewrap.find(image)
        case "landlock":
            return await Landlock.find(image)
        case _:
            return Monty()


SANDBOXES: Final[tuple[SandboxName, ...]] = tuple(name for name in get_args(SandboxName) if name != "auto")
"""Strongest first."""
KEPT_BYTES: Final = 4 * MIB
"""Of what a cell prints, at least: the model reads less, and the rest is an artefact."""
_verdicts: dict[tuple[str, str], Sandbox | SandboxError] = {}
"""Of this process: neither kernel nor daemon will change their minds."""


async def choose(name: SandboxName = "auto", *, image: str = IMAGE, unsafe_local: bool = False) -> Sandbox:
    """The sandbox of that name; `auto` is the strongest that works here: docker with that image, bubblewrap,
    landlock, monty.

    image: the name that `agent sandbox build` gave it, and the packages that were built with it.
    `unsafe_local=True` gives no sandbox at all, and nothing else ever does.

    Raises:
        SandboxError: the one that was asked for does not work here.
        ValueError: there is no sandbox of that name, or a name was given together with `unsafe_local`.
    """
    if name not in get_args(SandboxName):
        raise ValueError(f"no sandbox is called {name!r}; there is {', '.join(get_args(SandboxName))}")
    if unsafe_local:
        if name != "auto":
            raise ValueError(f"unsafe_local=True means no sandbox, {name!r} means one: choose")
        return Local(image)
    for candidate in SANDBOXES if name == "auto" else (name,):
        verdict = await _verdict(candidate, image)
        if not isinstance(verdict, SandboxError):
            return verdict
    raise SandboxError(str(verdict))


async def _verdict(name: str, image: str) -> Sandbox | SandboxError:
    if (name, image) not in _verdicts:
        try:
            _verdicts[name, image] = await _find(name, image)
        except SandboxError as error:
            _verdicts[name, image] = error
    return _verdicts[name, image]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandboxed:
    """What a tool that runs in a sandbox says of it.

    sandbox: "auto" takes the strongest that works here; image: of docker, as `agent sandbox build` made it; spec: the
    limits of a session, `output_bytes` being what the model reads of a cell's output; unsafe_local: no sandbox at all,
    which only a person at the command line or in code may say, never a task file.
    """

    sandbox: SandboxName = "auto"
    image: str = IMAGE
    spec: Spec = field(default_factory=Spec)
    unsafe_local: bool = False

    @property
    def keeps_files(self) -> bool:
        """Whether what a cell does to files outlives its session."""
        return self.unsafe_local or self.spec.workspace is not None

    @asynccontextmanager
    async def in_sandbox(self) -> AsyncIterator[tuple[Sandbox, Session]]:
        """A session there, whose output is kept, to be cut for the model later.

        Raises SandboxError if that sandbox does not work here, or cannot have the workspace.
        """
        name: SandboxName = "auto" if self.unsafe_local else self.sandbox
        sandbox = await choose(name, image=self.image, unsafe_local=self.unsafe_local)
        kept = replace(self.spec, output_bytes=max(self.spec.output_bytes, KEPT_BYTES))
        async with sandbox.session(kept) as session:
            yield sandbox, session
