"""`tools:` of a task file: an entry is one key, the kind of tool, with its settings.

A kind is a class of settings that makes the tools, a field of `ToolEntry`, and a line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from cadenza.tools import FilesTool, McpToolset, PythonTool, ShellTool, Spec, ToolError, toolset_names
from cadenza.tools.address import is_address
from cadenza.tools.python import SandboxName

from .errors import UserError
from .fields import Count, Fields, Seconds
from .loading import functions_in
from .toolbox import AnyTool

if TYPE_CHECKING:
    from cadenza.tools.browser import SearchBackend


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What tools are made in. folder: the task's; workspace: what they may change; unsafe_local: no sandbox at all."""

    folder: Path
    workspace: Path | None = None
    unsafe_local: bool = False


class ToolFields(Fields):
    """The settings of a kind of tool. uses_workspace: whether it works on the task's `workspace`, if there is one."""

    uses_workspace: ClassVar[bool] = False

    def tools(self, around: Surroundings) -> list[AnyTool]:
        """Made from the settings; starts nothing. Raises UserError."""
        raise NotImplementedError

    def paths(self) -> dict[str, str]:
        """The files and folders that it names, relative to the task's folder, by the field that names them."""
        return {}


class PythonFields(ToolFields):
    uses_workspace = True

    sandbox: SandboxName = "auto"
    timeout: Seconds = 60.0
    memory: Count = Spec().memory
    """Bytes; see `Spec`."""
    cpus: float = Field(default=Spec().cpus, ge=0.01, allow_inf_nan=False, strict=True)
    image: str = PythonTool().image
    network: Literal[False] = False

    def tools(self, around: Surroundings) -> list[AnyTool]:
        spec = Spec(timeout=self.timeout, memory=self.memory, cpus=self.cpus, workspace=around.workspace)
        return [PythonTool(sandbox=self.sandbox, image=self.image, spec=spec, unsafe_local=around.unsafe_local)]


class FilesFields(ToolFields):
    uses_workspace = True

    write: bool = Field(default=True, strict=True)

    def tools(self, around: Surroundings) -> list[AnyTool]:
        if around.workspace is None:
            raise UserError("tools: files are those of a workspace; write `workspace: ./work`, or say --workspace")
        return [FilesTool(folder=around.workspace, write=self.write)]


class ShellFields(ToolFields):
    uses_workspace = True

    sandbox: Literal["auto", "docker", "bubblewrap", "landlock"] = "auto"
    timeout: Seconds = 60.0

    def tools(self, around: Surroundings) -> list[AnyTool]:
        spec = Spec(timeout=self.timeout, workspace=around.workspace)
        return [ShellTool(sandbox=self.sandbox, spec=spec, unsafe_local=around.unsafe_local)]


class BrowserFields(ToolFields):
    """corpus: a folder of documents; search: what searches the web; allow: globs of hosts that may be opened."""

    corpus: str | None = None
    search: str | None = None
    url: str | None = None
    allow: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9.*?-]+$")]] = Field(default_factory=list)

    @field_validator("search")
    @classmethod
    def _is_known(cls, name: str | None) -> str | None:
        from cadenza.tools.browser import backend_names

        if name is not None and name not in backend_names():
            raise ValueError(f"no search {name!r}; there is {', '.join(backend_names())}")
        return name

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.corpus is not None and self.search is not None:
            raise ValueError("corpus or search, not both: there is one search")
        if self.url is not None and self.search != "searxng":
            raise ValueError("url: is the address of searxng; say `search: searxng`")
        if self.url is not None and not is_address(self.url):
            raise ValueError(f"url: {self.url!r} is no address; write http://127.0.0.1:8888")
        return self

    def tools(self, around: Surroundings) -> list[AnyTool]:
        from cadenza.tools.browser import BrowserTool

        return [BrowserTool(search=self._backend(around.folder), allow=tuple(self.allow))]

    def paths(self) -> dict[str, str]:
        return {} if self.corpus is None else {"corpus": self.corpus}

    def _backend(self, folder: Path) -> SearchBackend | None:
        from cadenza.tools.browser import Corpus, SearxngSearch, backend_by_name

        if self.corpus is not None:
            return Corpus(folder / self.corpus)
        if self.url is not None:
            return SearxngSearch(self.url)
        return None if self.search is None else backend_by_name(self.search)


class McpFields(ToolFields):
    """A server: its command, which runs in the task's folder, or its url. `${NAME}` in env and headers is filled."""

    command: list[str] = Field(default_factory=list)
    url: str | None = None
    name: str = ""
    env: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    timeout: Seconds = 60.0
    start_timeout: Seconds = 30.0
    allow: list[str] = Field(default_factory=lambda: ["*"])

    @model_validator(mode="after")
    def _is_whole(self) -> McpFields:
        try:
            self._toolset(None)
        except ToolError as error:
            raise ValueError(str(error).removeprefix("mcp: ")) from None
        return self

    def tools(self, around: Surroundings) -> list[AnyTool]:
        return [self._toolset(around.folder)]

    def _toolset(self, folder: Path | None) -> McpToolset:
        return McpToolset(**self.model_dump(), folder=folder)


KINDS: Final[dict[str, type[ToolFields]]] = {
    "python": PythonFields,
    "browser": BrowserFields,
    "files": FilesFields,
    "shell": ShellFields,
    "mcp": McpFields,
}


def _known(name: str, *kinds: str) -> str:
    """The name of a toolset. Raises ValueError that names the nearest ones, and kinds that could have been meant."""
    if name not in toolset_names():
        known = sorted({*kinds, *toolset_names()})
        raise ValueError(f"no tool {name!r}; there is {', '.join(get_close_matches(name, known) or known)}")
    return name


class ToolEntry(Fields):
    """One of: a kind with its settings; file, every @tool in it; name, a toolset that a package declares.

    `- python` is short for `- python: {}`, and `- notes` for `- name: notes`.
    """

    python: PythonFields | None = None
    browser: BrowserFields | None = None
    files: FilesFields | None = None
    shell: ShellFields | None = None
    mcp: McpFields | None = None
    file: str | None = None
    name: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {value: {}} if value in KINDS else {"name": _known(value, *KINDS)}
        if isinstance(value, Mapping):
            if len(value) != 1:
                raise ValueError(f"a tool is one key, such as `python: {{...}}`, not {len(value)}")
            return {name: {} if fields is None else fields for name, fields in value.items()}
        return value

    @field_validator("name")
    @classmethod
    def _is_known(cls, name: str | None) -> str | None:
        return None if name is None else _known(name)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """For editors: the short form too."""
        return {"anyOf": [{"type": "string"}, handler(core)]}

    @property
    def settings(self) -> ToolFields | None:
        """Of the kind that it is; None for a file and a name."""
        return next((value for value in (getattr(self, kind) for kind in KINDS) if value is not None), None)

    @property
    def uses_workspace(self) -> bool:
        return self.settings is not None and self.settings.uses_workspace

    def tools(self, around: Surroundings) -> list[AnyTool]:
        """The tools of this entry; runs the code of a tool file. Raises UserError."""
        if self.file is not None:
            return list(functions_in(around.folder / self.file))
        if self.name is not None:
            return [self.name]
        return [] if self.settings is None else self.settings.tools(around)

    def paths(self) -> dict[tuple[str, ...], str]:
        """The files and folders that it names, by the keys that lead to them."""
        if self.file is not None:
            return {("file",): self.file}
        [kind] = self.model_fields_set
        return {} if self.settings is None else {(kind, field): path for field, path in self.settings.paths().items()}
