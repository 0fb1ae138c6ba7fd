"""A container as a running driver: its standard streams, joined to a socket that an event loop can wait for."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import anyio

from .sandbox import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

SOCKET: Final = Path("/var/run/docker.sock")
API_SECONDS: Final = 60
KNOCK_SECONDS: Final = 10
GONE_SECONDS: Final = 20.0
"""For a daemon to remove a container."""
HEAD: Final = struct.Struct(">BxxxL")
"""Of a frame of the attached stream: 1 is stdout, 2 is stderr; then how many bytes follow."""


def knock() -> None:
    """See that there is a daemon, before the heavy library is imported that talks to it. Raises SandboxError."""
    address = os.environ.get("DOCKER_HOST") or f"unix://{SOCKET}"
    try:
        place = urlsplit(address)
        if place.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as door:
                door.settimeout(KNOCK_SECONDS)
                door.connect(address.removeprefix("unix://"))
        elif place.scheme == "tcp":
            socket.create_connection((place.hostname or "127.0.0.1", place.port or 2375), KNOCK_SECONDS).close()
    except (OSError, ValueError) as error:
        why = f"{address}: {getattr(error, 'strerror', None) or error}"
        raise SandboxError(f"no Docker daemon at {why}; start one, or set DOCKER_HOST") from None


@contextmanager
def connected() -> Iterator[DockerClient]:
    """The daemon at DOCKER_HOST, or at the usual socket."""
    import docker

    client = docker.from_env(timeout=API_SECONDS)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def api_errors() -> Iterator[None]:
    """Failures of the daemon as SandboxError, in one line."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except (DockerException, RequestException, OSError) as error:
        where = os.environ.get("DOCKER_HOST") or "its usual socket"
        what = getattr(error, "explanation", None) or str(error)
        raise SandboxError(f"the Docker daemon at {where}: {' '.join(str(what).split())[:300]}") from None


class Container:
    """Made, attached and started, in this order, so that it cannot outlive who made it. Blocks; raises SandboxError.

    arguments: of `containers.create`.
    """

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self.socket, self._ours = socket.socketpair()
        self.socket.setblocking(False)
        self._complaint = bytearray()
        self._closed = False
        self._stack = contextlib.ExitStack()
        self._stack.callback(self._ours.close)
        try:
            with api_errors():
                client = self._stack.enter_context(connected())
                container = client.containers.create(**arguments)
                self._stack.callback(_remove, client, str(container.id))
                stream = container.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
                self._stream: Any = getattr(stream, "_sock", stream)
                for end in (self._stream, stream, getattr(stream, "_response", None)):  # each holds the connection open
                    if end is not None:
                        self._stack.callback(end.close)
                self._stream.settimeout(None)
                container.start()
        except BaseException:
            self.socket.close()
            self._stack.close()
            raise
        self._threads = [threading.Thread(target=pump, daemon=True) for pump in (self._inward, self._outward)]
        for thread in self._threads:
            thread.start()

    async def kill(self) -> str:
        with anyio.CancelScope(shield=True):
            if not self._closed:
                self._closed = True
                await anyio.to_thread.run_sync(self._end)
        lines = self._complaint.decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _end(self) -> None:
        for end in (self._stream, self._ours):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self.socket.close()
        self._stack.close()

    def _inward(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._ours.recv(1 << 16):
                self._stream.sendall(data)

    def _outward(self) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                kind, length = HEAD.unpack(self._exactly(HEAD.size))
                while length:
                    data = self._stream.recv(min(length, 1 << 16))
                    if not data:
                        raise EOFError
                    length -= len(data)
                    if kind == 1:
                        self._ours.sendall(data)
                    else:
                        self._complaint = (self._complaint + data)[-8192:]
        with contextlib.suppress(OSError):
            self._ours.shutdown(socket.SHUT_WR)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._stream.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data


def _remove(client: DockerClient, container: str) -> None:
    """Remove a container, and wait until it is gone: it may be about to go by itself."""
    from docker.errors import APIError, DockerException, NotFound
    from requests.exceptions import RequestException

    end = time.monotonic() + GONE_SECONDS
    with contextlib.suppress(NotFound, DockerException, RequestException):  # a daemon that is gone has nothing left
        while time.monotonic() < end:
            with contextlib.suppress(APIError):
                client.api.remove_container(container, force=True)
            client.api.inspect_container(container)  # NotFound is what ends this
            time.sleep(0.02)
