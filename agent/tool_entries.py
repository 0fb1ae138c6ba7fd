"""`tools:` of a task file: an entry is one key, the kind of tool, with its settings.

A kind is a class of settings that makes the tools, a field of `ToolEntry`, and a line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from cadenza.tools import PythonTool, Spec, toolset_names
from cadenza.tools.python import SandboxName

from .fields import Count, Fields, Seconds
from .loading import functions_in
from .toolbox import AnyTool


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
    network: Literal[False] = False

    def tools(self, around: Surroundings) -> list[AnyTool]:
        spec = Spec(timeout=self.timeout, memory=self.memory, workspace=around.workspace)
        return [PythonTool(sandbox=self.sandbox, spec=spec, unsafe_local=around.unsafe_local)]


KINDS: Final[dict[str, type[ToolFields]]] = {"python": PythonFields}


class ToolEntry(Fields):
    """One of: a kind with its settings; file, every @tool in it; name, a toolset that a package declares.

    `- python` is short for `- python: {}`, and `- notes` for `- name: notes`.
    """

    python: PythonFields | None = None
    file: str | None = None
    name: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value in KINDS:
                return {value: {}}
            known = tuple(sorted({*KINDS, *toolset_names()}))
            if value not in known:
                near = get_close_matches(value, known) or known
                raise ValueError(f"no tool {value!r}; there is {', '.join(near)}")
            return {"name": value}
        if isinstance(value, Mapping):
            if len(value) != 1:
                raise ValueError(f"a tool is one key, such as `python: {{...}}`, not {len(value)}")
            return {name: {} if fields is None else fields for name, fields in value.items()}
        return value

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
