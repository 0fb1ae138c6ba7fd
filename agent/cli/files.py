"""`agent validate`, `agent schema` and `agent init`: task files, without running anything."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cadenza.harmony import mask_of
from cadenza.tools import clean

from ..task import Task, TaskError
from ..taskfile import load, parse
from .run import ANSWERED, WRONG_USAGE
from .view import complain

SCHEMA_NAME: Final = "task.schema.json"
_TASK: Final = f"""\
# yaml-language-server: $schema=./{SCHEMA_NAME}
version: 1
name: apples
effort: medium                       # low | medium | high
params: {{boxes: {{type: integer, default: 12}}}}
input: Mia has {{{{ boxes }}}} boxes of 48 apples. How many apples does Mia have?
tools: [python]
limits: {{turns: 8, tokens: 2k, time: 2m}}
"""


def validate(sources: Sequence[str]) -> int:
    """A line for each fault of the task files, or one that says that a file has none. Executes nothing."""
    code = ANSWERED
    for source in sources:
        try:
            task = parse(sys.stdin.read(), "<stdin>") if source == "-" else load(Path(source))
            schema = task.output_schema(Path() if source == "-" else Path(source).parent)
            beyond = () if schema is None else mask_of(schema).beyond
            left = f"; of its output not masked, but validated: {', '.join(beyond)}" if beyond else ""
            print(clean(f"{source}: valid{left}"))
        except TaskError as error:
            print("\n".join(map(clean, error.faults)), file=sys.stderr)
            code = WRONG_USAGE
    return code


def schema_text() -> str:
    """The JSON Schema of task files, for editors."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Task.model_json_schema()
    return json.dumps(schema, indent=2) + "\n"


def init(folder: Path) -> int:
    """Writes a task that runs at once, and its schema for editors. Overwrites nothing."""
    files = {"task.yaml": _TASK, SCHEMA_NAME: schema_text()}
    for name in files:
        if (folder / name).exists():
            complain(f"{folder / name}: is there already; nothing was written")
            return WRONG_USAGE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        complain(f"{folder}: cannot be written: {error.strerror}")
        return WRONG_USAGE
    print(f"wrote {folder / 'task.yaml'}; run it with: agent run {folder / 'task.yaml'}")
    return ANSWERED
