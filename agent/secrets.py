"""Secrets in this process's environment, kept out of what tools return and errors say.

So they reach neither the model nor the log nor the screen.

What an author writes into a prompt is left alone: it is meant for the model, and the log holds what the model read.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cadenza.tools import Artefact, Citation, ToolResult

_TELLING = re.compile(r"(?i)(^|_)(api_?key|key|token|secret|password|passwd|credentials?)(_|$)")
_LEAST = 8  # characters: shorter values stand in texts by chance


def of_environment() -> dict[str, str]:
    """Variables whose name says that they are secret, such as OPENAI_API_KEY."""
    return {name: value for name, value in os.environ.items() if _TELLING.search(name)}


@dataclass(frozen=True, slots=True)
class Redactor:
    """Puts `[secret NAME]` in the place of values. secrets: name -> value; values of under 8 characters are not."""

    secrets: Mapping[str, str]

    def result(self, result: ToolResult) -> ToolResult:
        """A result without secrets: its text, its memory, and artefacts that are text."""
        return replace(
            result,
            text=self.text(result.text),
            memory=self._value(result.memory),
            artefacts=tuple(self._artefact(made) for made in result.artefacts),
        )

    def citation(self, citation: Citation) -> Citation:
        """A citation without secrets."""
        url, title, text = map(self.text, (citation.url, citation.title, citation.text))
        return replace(citation, url=url, title=title, text=text)

    def error(self, error: BaseException | None) -> None:
        """Takes secrets out of what an exception says, and of what those say that it came from."""
        seen = list[BaseException]()
        while error is not None and error not in seen:
            seen.append(error)
            error.args = tuple(map(self._value, error.args))
            error = error.__cause__ or error.__context__

    def text(self, text: str) -> str:
        for name, value in sorted(self.secrets.items(), key=lambda item: -len(item[1])):
            if len(value) >= _LEAST:
                for spelling in (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
                    text = text.replace(spelling, f"[secret {name}]")
        return text

    def _value(self, value: Any) -> Any:
        """A JSON value without secrets in its texts."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self._value(item) for item in value]
            case dict():
                return {name: self._value(item) for name, item in value.items()}
        return value

    def _artefact(self, made: Artefact) -> Artefact:
        try:
            text = made.data.decode()
        except UnicodeDecodeError:
            return made
        return replace(made, data=self.text(text).encode())
