"""A server's answer to a call, as a `ToolResult`: text, JSON, images and files, within limits."""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from ..plain import clean_line
from ..toolset import Artefact, ToolResult, compact_json

if TYPE_CHECKING:
    from mcp_types import CallToolResult, ContentBlock

FILE_BYTES: Final = 16 * 1024 * 1024
"""Of all images and files of one result; what is beyond is left out, and the model is told."""


def result_of_answer(answer: CallToolResult) -> ToolResult:
    """The text is the server's, else its structured content; then a line for each image, file and link."""
    texts, lines, files = list[str](), list[str](), list[Artefact]()
    room = FILE_BYTES
    for block in answer.content:
        text, file = _read(block, len(files) + 1)
        if file is not None and len(file.data) > room:
            text, file = f"[{file.name}: {len(file.data)} bytes, left out: too large]", None
        if file is not None:
            files.append(file)
            room -= len(file.data)
            lines.append(f"[{file.name}: {file.media_type}, {len(file.data)} bytes]")
        elif block.type == "text":
            texts.append(text)
        else:
            lines.append(text)
    structured = answer.structured_content
    if structured is not None and _says_the_same(texts, structured):
        texts = [compact_json(structured)]
    return ToolResult(
        text="\n".join([*texts, *lines]) or ("the tool failed" if answer.is_error else "done"),
        json=structured,
        images=tuple(file for file in files if file.media_type.startswith("image/")),
        artefacts=tuple(file for file in files if not file.media_type.startswith("image/")),
        status="error" if answer.is_error else "ok",
        backend="mcp",
    )


def _read(block: ContentBlock, number: int) -> tuple[str, Artefact | None]:
    """The text of a block, or its file. number: of the file, for its name."""
    match block.type:
        case "text":
            return block.text, None
        case "image" | "audio":
            return _file(block.data, block.mime_type, f"{block.type}-{number}")
        case "resource_link":
            return f"[{clean_line(block.title or block.name)}: {clean_line(block.uri)}]", None
        case "resource":
            found: Any = block.resource
            if hasattr(found, "text"):
                return f"[{clean_line(found.uri)}]\n{found.text}", None
            return _file(found.blob, found.mime_type or "application/octet-stream", f"file-{number}")


def _file(data: str, media_type: str, name: str) -> tuple[str, Artefact | None]:
    media_type = clean_line(media_type, 100)
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return f"[{name}: {media_type}, not readable: no base64]", None
    subtype = re.sub(r"\W", "", media_type.rpartition("/")[2].removeprefix("x-"))
    return "", Artefact(f"{name}{mimetypes.guess_extension(media_type) or f'.{subtype}'}", media_type, content)


def _says_the_same(texts: Sequence[str], structured: Any) -> bool:
    """Whether the text adds nothing: servers repeat structured content as indented JSON, or say nothing else."""
    if not texts:
        return True
    if len(texts) > 1:
        return False
    try:
        return bool(json.loads(texts[0]) == structured)
    except (ValueError, RecursionError):
        return False
