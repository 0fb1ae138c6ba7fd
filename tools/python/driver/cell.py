"""One cell: how its code is compiled, and how its errors and figures are told."""

from __future__ import annotations

import ast
import base64
import io
import os
import sys
import traceback
import types
from typing import Any

ERROR_LIMIT = 16 * 1024  # characters of a traceback; the host's cap on a frame allows for it
AWAITING = 0x80 | 0x100  # flags of code that has `await`, without or with `yield`


def split(code: str, name: str) -> tuple[types.CodeType, types.CodeType | None]:
    """Compile a cell into its statements and, as in a notebook, the value of its last expression (`;` hides it).

    `await` may stand outside of functions: such code is a coroutine when it is evaluated.
    """
    tree = ast.parse(code, name)
    last = None
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not code.rstrip().endswith(";"):
        last = compile(ast.Expression(tree.body[-1].value), name, "eval", flags, dont_inherit=True)
        del tree.body[-1]
    return compile(tree, name, "exec", flags, dont_inherit=True), last


def describe(error: BaseException) -> str:
    """The traceback, with only those frames that belong to cells or to files of the working directory."""
    try:
        report = traceback.TracebackException(type(error), error, error.__traceback__)
        trim(report, ("<cell ", os.getcwd() + os.sep))
        return clipped("".join(report.format()))
    except BaseException:  # out of memory, an exception with a hostile __str__, a working directory that is gone
        return type(error).__name__


def trim(report: traceback.TracebackException, own: tuple[str, str]) -> None:
    report.stack[:] = [frame for frame in report.stack if frame.filename.startswith(own)]
    for other in (report.__cause__, report.__context__, *(getattr(report, "exceptions", None) or ())):
        if other is not None:
            trim(other, own)


def clipped(text: str) -> str:
    text = text.rstrip("\n").encode("utf-8", "backslashreplace").decode()
    if len(text) <= ERROR_LIMIT:
        return text
    half = ERROR_LIMIT // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters dropped ...]\n{text[-half:]}"


def figures(count: int, size: int) -> tuple[list[str], int]:
    """The open figures of matplotlib as PNG in base64, `count` and `size` bytes at most; how many were left out.

    Only where a cell has imported it. They are closed, so that each is shown once.
    """
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or not pyplot.get_fignums():
        return [], 0
    shown: list[str] = []
    numbers = pyplot.get_fignums()
    try:
        for number in numbers:
            if len(shown) == count:
                break
            image = io.BytesIO()
            pyplot.figure(number).savefig(image, format="png", bbox_inches="tight")
            if image.tell() <= size:
                size -= image.tell()
                shown.append(base64.b64encode(image.getvalue()).decode())
    finally:
        pyplot.close("all")
    return shown, len(numbers) - len(shown)
