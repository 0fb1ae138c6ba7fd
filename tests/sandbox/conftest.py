"""A Docker daemon of the tests' own, on a socket and data of its own, with an image made of this Python."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cadenza.tools.python.image import build

START_SECONDS = 60
NETWORKLESS = ("--iptables=false", "--ip6tables=false", "--bridge=none", "--ip-forward=false", "--ip-masq=false")


@pytest.fixture(scope="session", autouse=True)
def daemon() -> Iterator[str]:
    """DOCKER_HOST is a daemon with the image. Without one these tests fail: a skip would hide that.

    The value is its address on loopback; that of somebody else's daemon is what it is.
    """
    if os.environ.get("DOCKER_HOST"):
        build(tag="cadenza-sandbox:latest")
        yield os.environ["DOCKER_HOST"]
        return
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.fail(
            "docker was NOT tested: run as root with docker.io installed (`make test-sandbox`), or set DOCKER_HOST"
        )
    folder = Path(tempfile.mkdtemp(prefix="cadenza-docker-"))
    places = (f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid")
    address = f"unix://{folder}/docker.sock"
    with socket.create_server(("127.0.0.1", 0)) as free:
        loopback = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["dockerd", *NETWORKLESS, *places, f"--host={address}", f"--host={loopback}", "--tls=false"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + START_SECONDS
        while not (folder / "docker.sock").exists():
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"docker was NOT tested: dockerd did not start: {(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", address)
            build(tag="cadenza-sandbox:latest")
            yield loopback
    finally:
        process.terminate()  # it stops its containers, and containerd
        process.wait(60)
        for line in Path("/proc/mounts").read_text().splitlines():
            if line.split()[1].startswith(str(folder)):
                subprocess.run(["umount", "--lazy", line.split()[1]], check=False)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def with_packages(daemon: None) -> Iterator[str]:
    """The name of an image, and of a set for bubblewrap, with pandas and matplotlib: built as a user would."""
    tag = "cadenza-sandbox:analysis"
    options = ["--with", "pandas,matplotlib", "--tag", tag]
    with tempfile.TemporaryDirectory() as cache, pytest.MonkeyPatch.context() as patch:
        os.chmod(cache, 0o755)  # for `nobody`, as whom root's sandbox runs
        patch.setenv("XDG_CACHE_HOME", cache)
        command = [sys.executable, "-m", "cadenza.agent", "sandbox", "build", *options]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        for name in ("docker", "bubblewrap"):
            assert f"{name}: packages: " in done.stdout
        yield tag
