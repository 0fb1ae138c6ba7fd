"""`agent sandbox`: make the image of the Docker sandbox, and try to break out of every sandbox that works here."""

from __future__ import annotations

import sys

from cadenza.tools import SandboxError
from cadenza.tools.python.image import build

from .run import ANSWERED, FAILED


def build_image(packages: str, tag: str) -> int:
    """Packages: names with commas between them."""
    names = [name.strip() for name in packages.split(",") if name.strip()]
    try:
        built = build(names, tag=tag, tell=lambda text: print(text, file=sys.stderr))
    except SandboxError as error:
        print(f"agent: {error}", file=sys.stderr)
        return FAILED
    how = "built" if built.new else "is there already, of the same files"
    print(f"{built.tag}: {how}, {built.bytes >> 20} MiB, sha256 {built.digest[:12]}")
    print("packages: " + (", ".join(built.packages) or "none"))
    return ANSWERED
