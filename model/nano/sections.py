"""Files of texts in sections: `# ` begins a head, `- ` one of the texts below it, which goes on in indented lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files


def sections(folder: str, *names: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The head and the texts of every section, without line breaks, of files in a folder beside this one."""
    for name in names:
        whole = files(__package__).joinpath(folder, f"{name}.txt").read_text()
        for section in re.split(r"^# ", whole, flags=re.MULTILINE)[1:]:
            head, *texts = (" ".join(part.split()) for part in section.split("\n- "))
            yield head, tuple(texts)
