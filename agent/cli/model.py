"""`agent model`: look at checkpoints, convert and fetch them."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cadenza.model import ModelError, find
from cadenza.model.checkpoint import Reader, convert
from cadenza.model.hub import pull, repository
from cadenza.model.layout import Experts, Layout, Slot, slots

from .run import ANSWERED, WRONG_USAGE


def model_info(name: str, *, as_json: bool) -> int:
    """Sizes, form and health of a checkpoint; only its headers are read."""
    try:
        folder = find(name)
        told = _described(Reader(folder))
    except ModelError as error:
        return _refuse(error)
    if as_json:
        print(json.dumps(told))
        return ANSWERED
    config = told["config"]
    table = Table(box=None, show_header=False, pad_edge=False, title=str(folder), title_justify="left")
    table.add_row(
        "network",
        f"{config['num_layers']} layers of width {config['hidden_size']}, {config['num_experts']} experts of which"
        f" {config['experts_per_token']} work on a token, context {config['max_context']:,}",
    )
    table.add_row("parameters", f"{_short(told['parameters'])}, of which {_short(told['active'])} work on a token")
    files = "1 file" if told["files"] == 1 else f"{told['files']} files"
    table.add_row("layout", f"{told['layout']}, experts {told['experts']}, {_short(told['bytes'])}B in {files}")
    table.add_row("tensors", ", ".join(f"{count} {dtype}" for dtype, count in told["dtypes"].items()))
    table.add_row("vocabulary", f"{told['vocabulary']:,} tokens of o200k_harmony")
    if told["extra"]:
        table.add_row("not used", ", ".join(told["extra"][:5]) + ("" if len(told["extra"]) < 6 else ", ..."))
    Console(highlight=False, markup=False).print(table)
    return ANSWERED


def model_convert(source: str, folder: Path, *, layout: Layout, experts: Experts | None) -> int:
    try:
        reader = Reader(find(source))
        count = sum(1 for _ in slots(reader.config, experts or reader.experts))
        with _progress() as progress:
            task = progress.add_task("tensors", total=count)
            convert(reader, folder, layout=layout, experts=experts, progress=lambda name: progress.advance(task))
    except ModelError as error:
        return _refuse(error)
    except OSError as error:
        return _refuse(ModelError(f"{folder}: cannot be written: {error}"))
    print(folder)
    return ANSWERED


def model_pull(name: str, *, revision: str | None, layout: Layout) -> int:
    """The hub's library shows the bars; the folder goes to stdout."""
    try:
        folder = pull(name, revision=revision, layout=layout)
    except ModelError as error:
        return _refuse(error)
    print(f"{repository(name)} is whole: agent run task.yaml --model {name}", file=sys.stderr)
    print(folder)
    return ANSWERED


def _refuse(error: ModelError) -> int:
    print(f"agent: {error}", file=sys.stderr)
    return WRONG_USAGE


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def _described(reader: Reader) -> dict[str, Any]:
    config = reader.config
    sizes = {slot.name: _parameters(slot) for slot in reader.slots}
    experts = sum(size for name, size in sizes.items() if ".mlp.experts." in name)
    total = sum(sizes.values())
    active = total - experts + experts * config.experts_per_token // config.num_experts
    return {
        "folder": str(reader.folder),
        "layout": reader.layout,
        "experts": reader.experts,
        "parameters": total,
        "active": active,
        "bytes": sum(path.stat().st_size for path in reader.paths),
        "files": len(reader.paths),
        "dtypes": dict(Counter(reader.dtype(slot) for slot in reader.slots)),
        "vocabulary": config.vocab_size if reader.ids is None else len(reader.ids),
        "extra": reader.extra,
        "config": {field: getattr(config, field) for field in config.__slots__ if field != "rope_scaling"},
    }


def _parameters(slot: Slot) -> int:
    """Numbers that a tensor stands for: the scales of blocks are none of their own."""
    if slot.name.endswith("_scales"):
        return 0
    return math.prod(slot.shape) * (2 if slot.packed else 1)


def _short(number: int) -> str:
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return f"{number} "
