"""`McpToolset`: the tools of one MCP server, as a namespace of the server's name.

What a server says of itself is untrusted. Its descriptions are text for the model, its annotations (read-only,
idempotent, ...) are hints that never lower what is asked: every call needs approval unless a rule allows it. A program
gets an environment that is written down, never ours.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ..address import is_address
from ..decorator import check_name
from ..errors import ToolError
from ..plain import clean_line

if TYPE_CHECKING:
    from .session import McpSession

INHERITED: Final = ("HOME", "LANG", "LOGNAME", "PATH", "TMPDIR", "USER")
"""What a program gets of our environment: what it takes to be found, and to find its own files."""
RESERVED: Final = frozenset({"all", "assistant", "browser", "container", "functions", "python", "user"})
"""Names that mean something else to a model; a server of that name has `mcp_` before it."""

_LAUNCHERS: Final = re.compile(r"uvx?|npx|pnpx|bunx|bun|node|deno|docker|podman|pipx|env|python[\d.]*|run|exec|x")
_AFFIXES: Final = re.compile(r"^(mcp[-_.]server[-_.]|server[-_.]|mcp[-_.])|([-_.]mcp[-_.]server|[-_.](mcp|server))$")
_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_]\w*)\}")


@dataclass(frozen=True, kw_only=True)
class McpToolset:
    """The tools of a server.

    command: a program and its arguments, that speaks MCP on its standard input and output; url: where else it speaks
    it, by streamable HTTP. Either, not both.
    name: of the namespace; left empty, it is made of the program's name or the address.
    env: of the program, beside INHERITED; headers: of every request. `${NAME}` in their values is a variable of ours.
    timeout: seconds of one call; start_timeout: until the server has said what it offers.
    allow: globs of the tools that are offered, by the server's own names; folder: where the program runs.
    Raises ToolError for what cannot be.
    """

    command: Sequence[str] = ()
    url: str | None = None
    name: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 60.0
    start_timeout: float = 30.0
    allow: Sequence[str] = ("*",)
    folder: Path | None = None

    def __post_init__(self) -> None:
        if isinstance(self.command, str):
            raise ToolError(f"mcp: command must be a list, such as {self.command.split()!r}")
        if bool(self.command) == (self.url is not None):
            raise ToolError("mcp: give a server's command or its url, not both")
        if self.url is not None and not is_address(self.url):
            raise ToolError(f"mcp: {self.url!r} is no address; write http://127.0.0.1:8000/mcp")
        if self.headers and self.url is None:
            raise ToolError("mcp: headers are for a server with a url; a program takes env")
        if self.env and self.url is not None:
            raise ToolError("mcp: env is for a server with a command; one with a url takes headers")
        for option in ("timeout", "start_timeout"):
            if not getattr(self, option) > 0:
                raise ToolError(f"mcp: {option} must be more than 0 seconds, not {getattr(self, option):g}")
        name = self.name or _name_of(self.command, self.url)
        name = f"mcp_{name}" if name in RESERVED else name
        check_name(name, f"mcp server {name!r}")
        object.__setattr__(self, "name", name)

    @property
    def title(self) -> str:
        """The server as a person knows it."""
        return f"mcp server {self.name!r} ({self.url or ' '.join(self.command)})"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[McpSession]:
        """Raises ToolError that names the server if it cannot be reached, or offers nothing that can be used."""
        from .session import opened  # the SDK takes most of a second

        async with opened(self) as session:
            yield session

    def environment(self) -> dict[str, str]:
        """Of the program; its `python` is the one that runs us. Raises ToolError for a variable that is not set."""
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        path = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
        return inherited | {"PATH": path} | self._filled("env", self.env)

    def request_headers(self) -> dict[str, str]:
        """Raises ToolError for a variable that is not set, and for a value that is none; its text is a secret."""
        filled = self._filled("headers", self.headers)
        for name, value in filled.items():
            if not (value.isascii() and value.isprintable() and value == value.strip()):
                what = "must be printable ASCII, without a blank or a line end around it"
                raise ToolError(f"headers: the value of {clean_line(name)} {what}")
        return filled

    def _filled(self, what: str, values: Mapping[str, str]) -> dict[str, str]:
        def value(found: re.Match[str]) -> str:
            if found[1] not in os.environ:
                raise ToolError(f"{what}: the environment variable {found[1]} is not set")
            return os.environ[found[1]]

        return {name: _REFERENCE.sub(value, text) for name, text in values.items()}


def _name_of(command: Sequence[str], url: str | None) -> str:
    """`git` for [uvx, mcp-server-git], for [python, git.py] and for https://git.example.com/mcp."""
    if url is not None:
        host = urlsplit(url).hostname or ""
        word = host if re.fullmatch(r"[\d.:]+", host) else host.removeprefix("www.").split(".")[0]
    else:
        words = [Path(word).name for word in command if not word.startswith("-")]
        word = next((word for word in words if not _LAUNCHERS.fullmatch(word)), words[0] if words else "")
        word = word.partition("@")[0].partition("=")[0]
        word = re.sub(r"\.(py|js|ts|mjs|cjs|sh|exe)$", "", word)
    word = _AFFIXES.sub("", word)
    word = re.sub(r"\W", "_", word, flags=re.ASCII)[:48].strip("_")
    return word if word and not word[0].isdigit() else f"mcp_{word}".rstrip("_")
