"""Which sandbox runs here: found out by running a cell in it, and never weaker than what was asked for."""

from __future__ import annotations

from typing import Literal

from .bubblewrap import Bubblewrap
from .local import Local
from .monty import Monty
from .sandbox import Sandbox, SandboxError

_bubblewrap: Bubblewrap | SandboxError | None = None  # the verdict of this process: the kernel will not change its mind


async def choose(name: Literal["auto", "bubblewrap", "monty"] = "auto", *, unsafe_local: bool = False) -> Sandbox:
    """The sandbox of that name; `auto` is bubblewrap where it works and monty elsewhere.

    `unsafe_local=True` gives no sandbox at all, and nothing else ever does.

    Raises:
        SandboxError: bubblewrap was asked for and does not work here.
        ValueError: there is no sandbox of that name, or a name was given together with `unsafe_local`.
    """
    if name not in ("auto", "bubblewrap", "monty"):
        raise ValueError(f"no sandbox is called {name!r}; use 'auto', 'bubblewrap' or 'monty'")
    if unsafe_local:
        if name != "auto":
            raise ValueError(f"unsafe_local=True means no sandbox, {name!r} means one: choose")
        return Local()
    if name == "monty":
        return Monty()
    verdict = await _verdict()
    if isinstance(verdict, Bubblewrap):
        return verdict
    if name == "bubblewrap":
        raise SandboxError(str(verdict))
    return Monty()


async def _verdict() -> Bubblewrap | SandboxError:
    global _bubblewrap
    if _bubblewrap is None:
        try:
            _bubblewrap = await Bubblewrap.find()
        except SandboxError as error:
            _bubblewrap = error
    return _bubblewrap
