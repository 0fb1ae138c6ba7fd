"""Checkpoints on disk: either layout, MXFP4 or plain experts, read and written.

- A folder holds config.json and its tensors: in the shards that `model.safetensors.index.json` names, else in every
  *.safetensors there is.
- Tensors are memory-mapped: what is not touched costs nothing.
- A model that speaks a part of the vocabulary adds `vocabulary.json`, the token id of each row of its embedding.
- A checkpoint is checked whole, by its headers, before a tensor is read: one line names tensor and file.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from cadenza.harmony.vocabulary import LAST_SPECIAL

from . import mxfp4
from .config import ModelConfig
from .errors import CheckpointError, ConfigError, ModelError
from .layout import Experts, Layout, Slot, is_plain_experts, original_name, original_parts, slots
from .sampler import Sampler
from .transformer import Transformer

_INDEX, _SINGLE = "model.safetensors.index.json", "model.safetensors"
_CONFIG, _GENERATION, IDS = "config.json", "generation_config.json", "vocabulary.json"
_FLOATS: Final = frozenset({"BF16", "F16", "F32", "F64"})
SHARD_BYTES: Final = 5 * 10**9
"""The largest file that is written."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded model.

    ids: the token id of each embedding row; None where rows are the ids themselves.
    sampling: what the model itself asks for, in generation_config.json.
    """

    network: Transformer
    ids: tuple[int, ...] | None = None
    sampling: Sampler = field(default_factory=Sampler)


class Reader:
    """A checkpoint's files, checked. Tensors go by their Hugging Face names.

    Raises CheckpointError or ConfigError: one line that names file and tensor.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.described = _read_json(folder / _CONFIG)
        try:
            self.config = ModelConfig.from_json(self.described)
        except ConfigError as error:
            raise ConfigError(f"{folder / _CONFIG}: {error}") from None
        self.layout: Layout = "original" if ModelConfig.is_original(self.described) else "huggingface"
        self.paths = _shards(folder)
        self._files = {name: (path, opened) for path in self.paths for name, opened in _open(path)}
        packed = any(name.endswith(("_blocks", ".blocks")) for name in self._files)
        self.experts: Experts = "mxfp4" if packed else "plain"
        self.slots = tuple(slots(self.config, self.experts))
        self._parts = _parts(self.slots, self.layout)
        self._check()
        self.tensor = _in_form(self._stored, {slot.name for slot in self.slots})
        """One tensor by its name, memory-mapped; experts packed or unpacked where the name asks for it."""
        self.ids = _read_ids(folder, self.config)
        self.sampling = _read_sampling(folder)

    @property
    def extra(self) -> list[str]:
        """Tensors, by the names that the files have for them, that a network has no place for."""
        return sorted(self._files.keys() - self._parts.keys())

    def dtype(self, slot: Slot) -> str:
        """As safetensors calls it, such as BF16."""
        name = slot.name if self.layout == "huggingface" else original_name(slot.name)
        return str(self._header(name).get_dtype())

    def _stored(self, name: str) -> Tensor:
        whole = name if self.layout == "huggingface" else original_name(name)
        path, opened = self._files[whole]
        try:
            tensor: Tensor = opened.get_tensor(whole)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path}: {whole} cannot be read: {error}") from None
        start = 0
        for part in self._parts[whole]:
            if part.name == name:
                break
            start += part.shape[0]
        if self.layout == "original" and is_plain_experts(part):
            return tensor.transpose(1, 2)
        return tensor[start : start + part.shape[0]]

    def _header(self, name: str) -> Any:
        return self._files[name][1].get_slice(name)

    def _check(self) -> None:
        for name, parts in self._parts.items():
            if name not in self._files:
                raise CheckpointError(f"{self.folder}: tensor {name} is missing")
            header, where = self._header(name), f"{self._files[name][0]}: {name}"
            wanted = list(_shape(parts, self.layout))
            if header.get_shape() != wanted:
                raise CheckpointError(f"{where} has shape {header.get_shape()}, but the configuration wants {wanted}")
            if header.get_dtype() not in ({"U8"} if parts[0].packed else _FLOATS):
                kind = "U8" if parts[0].packed else "a floating type"
                raise CheckpointError(f"{where} holds {header.get_dtype()}, but must hold {kind}")


def load(folder: Path, *, dtype: torch.dtype | None = torch.float32, device: str = "cpu") -> Checkpoint:
    """Reads a checkpoint to a device; everything becomes `dtype`.

    None leaves every tensor as it is stored, on the CPU memory-mapped: loading costs nothing, and experts stay packed.
    Raises CheckpointError or ConfigError: one line that names file and tensor.
    """
    reader = Reader(folder)
    with torch.device("meta"):
        network = Transformer(reader.config, packed=dtype is None and reader.experts == "mxfp4")
    for name in list(network.state_dict()):
        tensor = reader.tensor(name)
        if dtype is not None:
            tensor = tensor.to(dtype).contiguous()
        tensor = tensor.to(device)
        module, _, leaf = name.rpartition(".")
        setattr(network.get_submodule(module), leaf, torch.nn.Parameter(tensor, requires_grad=False))
    return Checkpoint(network.eval(), reader.ids, reader.sampling)


def save(
    network: Transformer,
    folder: Path,
    *,
    ids: tuple[int, ...] | None = None,
    dtype: torch.dtype = torch.bfloat16,
    experts: Experts = "plain",
    layout: Layout = "huggingface",
) -> None:
    """Writes a network. dtype: of everything but packed experts."""
    state = network.state_dict()
    in_form = _in_form(state.__getitem__, state.keys())

    def tensor(name: str) -> Tensor:
        made = in_form(name).detach()
        return made if made.dtype == torch.uint8 else made.to(dtype)

    _write(folder, network.config, {}, (), tensor, experts, layout, SHARD_BYTES)
    if ids is not None:
        (folder / IDS).write_text(json.dumps(list(ids)) + "\n")


def convert(
    reader: Reader,
    folder: Path,
    *,
    experts: Experts | None = None,
    layout: Layout = "huggingface",
    shard_bytes: int = SHARD_BYTES,
    progress: Callable[[str], None] = lambda name: None,
) -> None:
    """Writes a checkpoint anew, tensor by tensor. experts: as they are, unless told otherwise.

    What is stored is copied bit for bit; within one layout, so are the files beside the tensors, and what config.json
    says beyond the sizes. It is written last, so that what was cut short is no checkpoint. Raises CheckpointError for a
    folder with something in it, ConfigError for sizes that the new form cannot have.
    """
    if folder.exists() and any(folder.iterdir()):
        raise CheckpointError(f"{folder}: not empty; give a new folder")

    def tensor(name: str) -> Tensor:
        progress(name)
        return reader.tensor(name)

    own = {_CONFIG, _INDEX, "dtypes.json"}
    beside = [
        path
        for path in reader.folder.iterdir()
        if path.is_file() and path.suffix != ".safetensors"
        if path.name in (IDS, _GENERATION) or (layout == reader.layout and path.name not in own)
    ]
    also = {key: value for key, value in reader.described.items() if key != "quantization_config"}
    kept = also if layout == reader.layout else {}
    _write(folder, reader.config, kept, beside, tensor, experts or reader.experts, layout, shard_bytes)


# --- forms ------------------------------------------------------------------------------------------------------------


def _in_form(stored: Callable[[str], Tensor], held: Collection[str]) -> Callable[[str], Tensor]:
    """Gives tensors of either form of the experts, out of a checkpoint that holds one of them."""

    @lru_cache(maxsize=1)  # blocks and scales are asked for one after the other
    def packed(matrix: str) -> tuple[Tensor, Tensor]:
        return mxfp4.quantize(stored(matrix).transpose(1, 2))

    def tensor(name: str) -> Tensor:
        if name in held:
            return stored(name)
        matrix = name.removesuffix("_blocks").removesuffix("_scales")
        if matrix == name:
            return mxfp4.dequantize(stored(f"{name}_blocks"), stored(f"{name}_scales")).transpose(1, 2).contiguous()
        blocks, scales = packed(matrix)
        return blocks if name.endswith("_blocks") else scales

    return tensor


def _parts(held: Iterable[Slot], layout: Layout) -> Mapping[str, tuple[Slot, ...]]:
    """Each tensor of the files, and what it holds, stacked on rows."""
    return original_parts(held) if layout == "original" else {slot.name: (slot,) for slot in held}


def _shape(parts: tuple[Slot, ...], layout: Layout) -> tuple[int, ...]:
    rows, *rest = sum(part.shape[0] for part in parts), *parts[0].shape[1:]
    if layout == "original" and is_plain_experts(parts[0]):
        rest.reverse()
    return (rows, *rest)


# --- writing ----------------------------------------------------------------------------------------------------------


def _write(
    folder: Path,
    config: ModelConfig,
    also: Mapping[str, Any],
    beside: Iterable[Path],
    tensor: Callable[[str], Tensor],
    experts: Experts,
    layout: Layout,
    shard_bytes: int,
) -> None:
    """also: what else config.json is to say; beside: files to copy. A ConfigError comes before there is a folder."""
    described = {**also, **(config.to_original_json() if layout == "original" else config.to_json())}
    if experts == "mxfp4" and layout == "huggingface":
        kept = ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]
        described["quantization_config"] = {"quant_method": "mxfp4", "modules_to_not_convert": kept}
    held = tuple(slots(config, experts))
    folder.mkdir(parents=True, exist_ok=True)
    for path in beside:
        shutil.copyfile(path, folder / path.name)
    shard: dict[str, Tensor] = {}
    place: dict[str, int] = {}
    sizes: list[int] = []  # of the shards that are written

    def finish() -> None:
        save_file(shard, folder / f"{len(sizes)}.partial", metadata={"format": "pt"})
        sizes.append(_bytes(shard))
        shard.clear()

    for name, parts in _parts(held, layout).items():
        made = [tensor(part.name) for part in parts]
        if layout == "original" and is_plain_experts(parts[0]):
            made = [made[0].transpose(1, 2)]
        whole = (made[0] if len(made) == 1 else torch.cat(made)).contiguous()
        if shard and _bytes(shard) + whole.nbytes > shard_bytes:
            finish()
        shard[name], place[name] = whole, len(sizes)
    finish()
    last = len(sizes)
    names = [_SINGLE] if last == 1 else [f"model-{at:05}-of-{last:05}.safetensors" for at in range(last)]
    for at, name in enumerate(names):
        (folder / f"{at}.partial").rename(folder / name)
    if last > 1:
        index = {"metadata": {"total_size": sum(sizes)}, "weight_map": {name: names[at] for name, at in place.items()}}
        (folder / _INDEX).write_text(json.dumps(index, indent=2) + "\n")
    (folder / _CONFIG).write_text(json.dumps(described, indent=2) + "\n")


def _bytes(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())


# --- reading ----------------------------------------------------------------------------------------------------------


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file; a checkpoint folder needs it") from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: cannot be read: {error}") from None


def _read_ids(folder: Path, config: ModelConfig) -> tuple[int, ...] | None:
    path = folder / IDS
    if not path.exists():
        return None
    ids = _read_json(path)
    whole = isinstance(ids, list) and all(type(id) is int and 0 <= id <= LAST_SPECIAL for id in ids)
    if not whole or len(ids) != config.vocab_size or len(set(ids)) != len(ids):
        raise CheckpointError(
            f"{path}: must list one distinct id of o200k_harmony for each of the {config.vocab_size} rows"
        )
    return tuple(ids)


def _read_sampling(folder: Path) -> Sampler:
    path = folder / _GENERATION
    wanted = _read_json(path) if path.exists() else {}
    try:
        if not wanted.get("do_sample", True):
            return Sampler(temperature=0.0)
        return Sampler(temperature=float(wanted.get("temperature", 1.0)), top_p=float(wanted.get("top_p", 1.0)))
    except (AttributeError, TypeError, ValueError):
        raise CheckpointError(f"{path}: must be an object with numbers for temperature and top_p") from None
    except ModelError as error:
        raise CheckpointError(f"{path}: {error}") from None


def _shards(folder: Path) -> list[Path]:
    """The files that hold tensors. An index decides; without one, all that lie in the folder."""
    if (folder / _INDEX).exists():
        index = _read_json(folder / _INDEX)
        places = index.get("weight_map") if isinstance(index, dict) else None
        if not isinstance(places, dict) or not all(
            isinstance(name, str) and Path(name).name == name for name in places.values()
        ):
            raise CheckpointError(f"{folder / _INDEX}: weight_map must name a file of this folder for each tensor")
        return [folder / name for name in sorted(set(places.values()))]
    return sorted(folder.glob("*.safetensors")) or [folder / _SINGLE]


def _open(path: Path) -> Iterator[tuple[str, Any]]:
    if not path.exists():
        raise CheckpointError(f"{path}: no such file; the download may be incomplete")
    try:
        opened = safe_open(path, framework="pt")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a whole safetensors file: {error}") from None
    for name in opened.keys():  # type: ignore[no-untyped-call] # noqa: SIM118 - not a mapping
        yield name, opened
