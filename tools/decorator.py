"""`@tool`: a function, synchronous or not, that a model may call.

The function keeps its own interface, so it can be tested as it is; what the model may do with it is fixed when it is
decorated, and what is wrong with it is said then.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Generic, ParamSpec, TypedDict, TypeVar, Unpack, overload

from cadenza.harmony import JsonObject, ToolDescription

from .context import ToolContext
from .errors import ToolError
from .invoke import Tally, invoke
from .signature import Signature, read_signature
from .toolset import ToolResult

P = ParamSpec("P")
R = TypeVar("R")

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""What functions and namespaces may be called: nothing that could be taken for another part of a header."""


class Options(TypedDict, total=False):
    """What `@tool` takes; the fields of FunctionTool of the same name."""

    name: str
    description: str
    timeout: float | None
    idempotent: bool
    max_calls: int | None
    retries: int | None
    needs_approval: bool
    reads_private: bool
    reads_untrusted: bool
    sends_out: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class FunctionTool(Generic[P, R]):
    """A function as the model sees it. Calling it calls the function.

    timeout: seconds, None for no limit; a synchronous function's thread cannot be stopped and goes on unheard.
    idempotent: after a crash it may be run again. max_calls: in a run. retries: failed calls in a row that may be
    followed by another; after that the model is told to go on without it. None: as many as the run allows.
    needs_approval: somebody has to say yes before it is called.
    reads_private, reads_untrusted, sends_out: what it does with data; a run that combines all three asks first.
    """

    function: Callable[P, R] = field(repr=False)
    name: str
    description: str
    signature: Signature = field(repr=False)
    timeout: float | None = 60.0
    idempotent: bool = False
    max_calls: int | None = None
    retries: int | None = None
    needs_approval: bool = False
    reads_private: bool = False
    reads_untrusted: bool = False
    sends_out: bool = False

    def __post_init__(self) -> None:
        check_name(self.name, f"tool {self.name!r}")
        if self.timeout is not None and not self.timeout > 0:
            raise ToolError(f"tool {self.name!r}: timeout must be more than 0 seconds, not {self.timeout}")
        for option, least in (("max_calls", 1), ("retries", 0)):
            value = getattr(self, option)
            if value is not None and value < least:
                raise ToolError(f"tool {self.name!r}: {option} must be at least {least}, not {value}")
        for attribute in functools.WRAPPER_ASSIGNMENTS:  # for inspect and documentation
            if hasattr(self.function, attribute):
                vars(self)[attribute] = getattr(self.function, attribute)
        vars(self)["__wrapped__"] = self.function

    @property
    def parameters(self) -> JsonObject:
        """JSON Schema of an object with a property per argument."""
        return self.signature.schema

    @property
    def described(self) -> ToolDescription:
        """As it stands in the prompt."""
        parameters = self.parameters if self.signature.arguments else None
        return ToolDescription(name=self.name, description=self.description, parameters=parameters)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    async def call(self, arguments: str = "", context: ToolContext[Any] | None = None) -> ToolResult:
        """Answers one call, arguments: JSON text, as in a run of its own. Raises ToolFatal."""
        return await invoke(self, arguments, context or ToolContext.current(), Tally())


@overload
def tool(function: Callable[P, R], /, **options: Unpack[Options]) -> FunctionTool[P, R]: ...


@overload
def tool(**options: Unpack[Options]) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...


def tool(function: Callable[..., Any] | None = None, /, **options: Unpack[Options]) -> Any:
    """Makes a function a tool: `@tool`, `@tool(timeout=10)`, or `tool(object.method, name="add")`.

    Options are the fields of FunctionTool; name and description come from the function and its docstring otherwise.
    Raises ToolError that names the function, and the parameter if one is at fault.
    """
    caller = sys._getframe(1)  # for annotations that are text and name what is local to the caller
    make = functools.partial(_make, caller.f_globals, caller.f_locals, options=options)
    return make if function is None else make(function)


def _make(
    around: dict[str, Any], local_names: dict[str, Any], function: Callable[..., Any], *, options: Options
) -> FunctionTool[..., Any]:
    if isinstance(function, FunctionTool):
        raise ToolError(f"tool {function.name!r}: is a tool already")
    if not callable(function):
        raise ToolError(f"@tool decorates functions, not {type(function).__name__}; options need their names")
    name = options.get("name") or getattr(function, "__name__", None)
    if name is None:
        raise ToolError(f"a {type(function).__name__} has no name; pass tool(..., name=...)")
    check_name(name, f"tool {name!r}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ToolError(f"tool {name!r}: is a generator; return one value, and report progress by ToolContext.progress")
    is_written_there = getattr(inspect.unwrap(function), "__globals__", None) is around
    signature = read_signature(function, name, local_names if is_written_there else None)
    known: dict[str, Any] = {**options}
    known |= {"name": name, "description": options.get("description", signature.description)}
    return FunctionTool(function=function, signature=signature, **known)


def check_name(name: str, what: str) -> None:
    """Raises ToolError if `name` cannot be the name of a function or a namespace."""
    if not NAME.fullmatch(name):
        rule = "1 to 64 ASCII letters, digits and underscores, the first no digit"
        raise ToolError(f"{what}: a name is {rule}; pass name=...")
