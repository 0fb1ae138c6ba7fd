"""Checkpoints of the Hugging Face Hub: fetched, resumed, verified, and found again in its cache.

The hub's own library does the work; this file chooses the files, checks each against the hub's record of it, and says
in one line what went wrong. The cache and the hub's address are the library's: HF_HOME, HF_ENDPOINT, HF_TOKEN.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from huggingface_hub import HfApi, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from .errors import ModelError
from .layout import Layout

_OWNER: Final = "openai"
_FILES: Final = ("*.json", "*.safetensors", "*.jinja", "LICENSE", "README.md")
_ORIGINAL: Final = "original"


def repository(name: str) -> str:
    """`gpt-oss-20b` is `openai/gpt-oss-20b`."""
    return name if "/" in name else f"{_OWNER}/{name}"


def pull(name: str, *, revision: str | None = None, layout: Layout = "huggingface") -> Path:
    """Fetches what is missing of a checkpoint and returns its folder in the cache.

    A broken download goes on where it stopped. Every file is compared with the hub's hash of it, and the checkpoint is
    checked as a whole. Raises ModelError.
    """
    repo = repository(name)
    patterns = [f"{_ORIGINAL}/{pattern}" for pattern in _FILES] if layout == "original" else list(_FILES)
    beside = ["metal/*"] if layout == "original" else ["metal/*", f"{_ORIGINAL}/*"]
    try:
        snapshot = Path(
            snapshot_download(repo, revision=revision, allow_patterns=patterns, ignore_patterns=beside)
        )  # its name is the commit
        tree = HfApi().list_repo_tree(repo, recursive=True, revision=snapshot.name)
        held = [entry for entry in tree if isinstance(entry, RepoFile)]
    except HFValidationError as error:
        raise ModelError(f"{repo}: no name of a repository: {error}") from None
    except GatedRepoError:
        raise ModelError(f"{repo}: its owner has to grant access; set HF_TOKEN once it is granted") from None
    except RevisionNotFoundError:
        raise ModelError(f"{repo}: no revision {revision!r}") from None
    except RepositoryNotFoundError:
        raise ModelError(
            f"{repo}: the hub has no such model, or hides it from you; HF_TOKEN says who you are"
        ) from None
    except (HfHubHTTPError, OSError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{repo}: the download stopped: {reason}; the same command goes on with it") from None
    for entry in held:
        _verify(snapshot / entry.path, entry)
    folder = snapshot / _ORIGINAL if layout == "original" else snapshot
    from .checkpoint import Reader  # needs torch, which finding a name does not

    Reader(folder)
    return folder


def cached(name: str) -> Path | None:
    """The folder of a checkpoint that was pulled, of either layout."""
    try:
        for config in ("config.json", f"{_ORIGINAL}/config.json"):
            found = try_to_load_from_cache(repository(name), config)
            if isinstance(found, str):
                return Path(found).parent
    except HFValidationError:
        pass
    return None


def _verify(path: Path, entry: RepoFile) -> None:
    """Compares a file with the hub's record. One that differs is deleted, so that the next pull fetches it again."""
    if not path.exists():
        return  # not among those that were wanted
    size = path.stat().st_size
    if entry.lfs is not None:
        told, digest = entry.lfs.sha256, hashlib.sha256()
    else:
        told, digest = entry.blob_id, hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    if size != entry.size or digest.hexdigest() != told:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise ModelError(f"{path}: not what the hub holds; it is deleted, and the same command fetches it again")
