"""`agent model pull` against a hub on loopback that breaks off, lies and goes away."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeAlias

import pytest
import torch
from safetensors.torch import load_file, save_file

from cadenza.model.checkpoint import save
from cadenza.model.transformer import Transformer

Command: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]

REPO, COMMIT = "somebody/small", "c" * 40


class Hub(ThreadingHTTPServer):
    """Serves one repository out of a folder. breaks_at: bytes after which it closes a large file's connection, once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Requests)
        self.folder = folder
        self.breaks_at: int | None = None
        self.sent: list[tuple[str, int]] = []  # path, and where the answer began

    def entry(self, path: Path) -> dict[str, object]:
        data, name = path.read_bytes(), path.relative_to(self.folder).as_posix()
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        told: dict[str, object] = {"type": "file", "path": name, "size": len(data), "oid": blob}
        if path.suffix == ".safetensors":
            told["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        return told


class Requests(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith(f"/api/models/{REPO}/tree/"):
            files = sorted(each for each in self.server.folder.rglob("*") if each.is_file())
            self._json([self.server.entry(each) for each in files])
        elif path.startswith(f"/api/models/{REPO}"):
            self._json({"id": REPO, "sha": COMMIT, "siblings": []})
        elif path.startswith(f"/{REPO}/resolve/{COMMIT}/"):
            self._file(self.server.folder / path.removeprefix(f"/{REPO}/resolve/{COMMIT}/"))
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _json(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _file(self, path: Path) -> None:
        data = path.read_bytes()
        entry = self.server.entry(path)
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.send_response(206 if begin else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        lfs = entry.get("lfs")
        self.send_header("ETag", f'"{lfs["oid"] if isinstance(lfs, dict) else entry["oid"]}"')
        self.send_header("Accept-Ranges", "bytes")
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.server.sent.append((path.name, begin))
        end = len(data)
        if self.server.breaks_at is not None and end > self.server.breaks_at:
            end, self.server.breaks_at = self.server.breaks_at, None
        self.wfile.write(data[begin:end])
        if end < len(data):
            self.close_connection = True


@pytest.fixture
def hub(small: Transformer, tmp_path: Path) -> Iterator[Hub]:
    save(small, tmp_path / "served", experts="mxfp4")
    (tmp_path / "served" / "metal").mkdir()
    (tmp_path / "served" / "metal" / "model.bin").write_bytes(b"not wanted")
    save(small, tmp_path / "served" / "original", experts="mxfp4", layout="original")
    server = Hub(tmp_path / "served")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def agent(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.server_port}")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cadenza.agent", "model", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    return run


def test_a_checkpoint_is_pulled_whole_and_found_by_its_name(agent: Command, hub: Hub) -> None:
    done = agent("pull", REPO)
    assert done.returncode == 0, done.stderr
    held = {path.name for path in Path(done.stdout.strip()).iterdir()}
    assert held == {"config.json", "model.safetensors"}
    told = json.loads(agent("info", REPO, "--json").stdout)
    assert (told["experts"], told["layout"], told["extra"]) == ("mxfp4", "huggingface", [])
    fetched = len(hub.sent)
    assert agent("pull", REPO).returncode == 0
    assert len(hub.sent) == fetched  # nothing again


def test_the_original_layout_is_pulled_alone(agent: Command, hub: Hub) -> None:
    done = agent("pull", REPO, "--layout", "original")
    assert done.returncode == 0, done.stderr
    assert json.loads(agent("info", REPO, "--json").stdout)["layout"] == "original"
    assert len(hub.sent) == 2


def test_a_broken_download_goes_on_where_it_stopped(agent: Command, hub: Hub) -> None:
    path = hub.folder / "model.safetensors"
    save_file({**load_file(path), "padding": torch.zeros(24_000_000, dtype=torch.uint8)}, path)
    hub.breaks_at = 21_500_000  # the library keeps what it has by ten megabytes
    for _ in range(2):  # the library may go on by itself
        done = agent("pull", REPO)
        if done.returncode == 0:
            break
        assert "the same command goes on" in done.stderr.splitlines()[-1]
    assert done.returncode == 0, done.stderr
    assert [begin > 0 for name, begin in hub.sent if name == "model.safetensors"] == [False, True]


def test_a_file_that_is_not_what_the_hub_holds_is_fetched_again(agent: Command, hub: Hub) -> None:
    folder = Path(agent("pull", REPO).stdout.strip())
    blob = (folder / "model.safetensors").resolve()
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1
    blob.write_bytes(data)
    done = agent("pull", REPO)
    assert (done.returncode, done.stdout) == (2, "")
    assert "model.safetensors: not what the hub holds" in done.stderr
    assert agent("pull", REPO).returncode == 0


def test_an_unknown_name_and_a_hub_that_is_away_are_one_line(agent: Command, hub: Hub) -> None:
    for name in ("somebody/else", "a b"):
        done = agent("pull", name)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    hub.shutdown()
    hub.server_close()
    done = agent("pull", REPO)
    assert done.returncode == 2
    assert "the download stopped" in done.stderr.splitlines()[-1]
