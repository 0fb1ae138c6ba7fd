"""Which sandbox runs here: found out by running a cell in it, and never weaker than what was asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Literal, TypeAlias, get_args

from .bubblewrap import Bubblewrap
from .local import Local
from .monty import Monty
from .sandbox import Sandbox, SandboxError

SandboxName: TypeAlias = Literal["auto", "docker", "bubblewrap", "monty"]


async def _docker() -> Sandbox:
    from .docker import Docker

    return await Docker.find()


async def _monty() -> Sandbox:
    return Monty()


FINDERS: Final[dict[str, Callable[[], Awaitable[Sandbox]]]] = {
    "docker": _docker,
    "bubblewrap": Bubblewrap.find,
    "monty": _monty,
}
SANDBOXES: Final[tuple[SandboxName, ...]] = tuple(name for name in get_args(SandboxName) if name != "auto")
"""Strongest first."""
_verdicts: dict[str, Sandbox | SandboxError] = {}  # of this process: neither kernel nor daemon will change their minds


async def choose(name: SandboxName = "auto", *, unsafe_local: bool = False) -> Sandbox:
    """The sandbox of that name; `auto` is the strongest that works here: docker, bubblewrap, monty.

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
        return Local()
    for candidate in SANDBOXES if name == "auto" else (name,):
        verdict = await _verdict(candidate)
        if not isinstance(verdict, SandboxError):
            return verdict
    raise SandboxError(str(verdict))


async def _verdict(name: str) -> Sandbox | SandboxError:
    if name not in _verdicts:
        try:
            _verdicts[name] = await FINDERS[name]()
        except SandboxError as error:
            _verdicts[name] = error
    return _verdicts[name]
