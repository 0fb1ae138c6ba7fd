"""What a docstring tells the model: prose on the function, and a line on each parameter.

Google, NumPy and reST (Sphinx) styles are told apart and read by griffe. Sections that are of no use to a model
(raises, examples) are left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .plain import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Docs:
    """text: prose, may have paragraphs; parameters: a line each, by name."""

    text: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


def read_docstring(docstring: str | None) -> Docs:
    """Reads any text; what has no section of a known style is prose."""
    text = inspect.cleandoc(docstring or "")
    if not text:
        return Docs()
    import griffe  # here, so that agents without function tools start without it

    # Griffe cleans the indentation once more, all but the first line's; and only after a line it infers a style.
    style, _ = griffe.infer_docstring_style(griffe.Docstring(f"\n-\n{text}"))
    if style is None:
        return Docs(text=text)
    prose: list[str] = []
    parameters: dict[str, str] = {}
    for section in griffe.Docstring(f"\n{text}").parse(style, warnings=False):
        match section.kind.value:
            case "text":
                prose.append(section.value)
            case "admonition":
                prose.append(_titled(section.title or section.value.kind, section.value.contents))
            case "parameters" | "other parameters":
                parameters |= {item.name.lstrip("*"): one_line(item.description) for item in section.value}
            case "returns" | "yields":
                prose.append(_titled("Returns", _returned(section.value)))
    return Docs(text="\n\n".join(prose), parameters=parameters)


def _titled(title: str, text: str) -> str:
    return f"{title}:\n{text}" if "\n" in text else f"{title}: {text}"


def _returned(items: Iterable[Any]) -> str:
    return "\n".join(f"{item.name}: {item.description}" if item.name else item.description for item in items)
