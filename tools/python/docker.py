"""The sandbox in a container of Docker, or of whatever speaks its API at DOCKER_HOST.

The image is made beforehand (`agent sandbox build`) and never pulled. Beyond the obvious flags, and why:
- The driver is process 1 and no init beside it: an init would keep the descriptors of the channel, for cells to open.
- The container reads its standard input once, from this process: when that ends, in whatever way, the driver ends, and
  the container with all in it is removed. One that was made but never started is swept away by the next process.
- Docker's own filter of system calls lets AF_VSOCK, io_uring and ptrace pass: the driver installs ours on top.
- The limit on processes is the container's: RLIMIT_NPROC would count all that this user has on the machine.
"""

from __future__ import annotations

import base64
import os
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio

from .cgroup import shared_memory, total_memory
from .channel import LIFETIME_SECONDS, Running
from .container import Container, api_errors, connected, knock
from .host import driver_session, why_not
from .identity import user_and_group, writable
from .owner import owner_labels, sweep
from .program import command
from .sandbox import ENVIRONMENT, IMAGE, PACKAGES, SandboxError, Session, Spec
from .seccomp import seccomp_filter

INODES: Final = 50_000


@dataclass(frozen=True)
class Docker:
    """image: as `agent sandbox build` made it; runtime: empty for the daemon's own; machine, cpus: the daemon's.

    packages: in the image.
    """

    image: str
    runtime: str
    machine: str
    cpus: int
    packages: tuple[str, ...]
    limitations = ""
    held_by = "the container's control group holds memory in total, processes and CPUs"

    @property
    def name(self) -> str:
        return f"docker ({self.runtime})" if self.runtime else "docker"

    @classmethod
    async def find(cls, image: str = IMAGE) -> Docker:
        """The strongest runtime of the daemon in which a cell really runs.

        Raises:
            SandboxError: there is none; the message says why and what to do.
        """
        knock()
        reason = ""
        for sandbox in await anyio.to_thread.run_sync(_candidates, image):
            if not (why := await why_not(sandbox)):
                return sandbox
            reason = reason or f"{sandbox.name}: {why}"
        raise SandboxError(f"docker does not work here: {reason}")

    @asynccontextmanager
    async def session(self, spec: Spec = Spec()) -> AsyncIterator[Session]:  # noqa: B008 - frozen
        async with driver_session(self.name, spec, self._start) as session:
            yield session

    async def _start(self, spec: Spec) -> tuple[Running, Mapping[str, Any]]:
        calls = base64.b64encode(seccomp_filter(self.machine)).decode()
        running = await anyio.to_thread.run_sync(partial(Container, self._made(spec)))
        return running, {"processes": 0, "system_calls": calls}

    def _made(self, spec: Spec) -> Mapping[str, Any]:
        """The arguments of `containers.create`."""
        from docker.types import LogConfig, Ulimit

        user, group = (1000, 1000) if spec.workspace is None else user_and_group()
        tmpfs = f"rw,exec,nosuid,nodev,size={spec.disk},nr_inodes={INODES}"
        memory = total_memory(spec)
        folder = {"/mnt/data": f"{tmpfs},mode=0755,uid={user},gid={group}"} if spec.workspace is None else {}
        return {
            "image": self.image,
            "command": command("/usr/local/bin/python3", 0, 1),
            "runtime": self.runtime or None,
            "labels": owner_labels(uuid.uuid4().hex, deadline=time.time() + LIFETIME_SECONDS),
            "stdin_open": True,
            "auto_remove": True,
            "network_mode": "none",
            "ipc_mode": "private",
            "hostname": "sandbox",
            "read_only": True,
            "user": f"{user}:{group}",
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "mem_limit": memory,
            "memswap_limit": memory,
            "pids_limit": spec.processes,
            "nano_cpus": int(min(spec.cpus, self.cpus) * 1e9),
            "shm_size": shared_memory(spec),
            "tmpfs": {"/tmp": f"{tmpfs},mode=1777", **folder},
            "volumes": {} if spec.workspace is None else {_local(spec.workspace): {"bind": "/mnt/data", "mode": "rw"}},
            "working_dir": "/mnt/data",
            "environment": ENVIRONMENT,
            "ulimits": [Ulimit(name="core", soft=0, hard=0), Ulimit(name="msgqueue", soft=0, hard=0)],
            "log_config": LogConfig(type=LogConfig.types.NONE),
        }


def _candidates(image: str) -> list[Docker]:
    """What the daemon could run, strongest first; what dead processes left with it is removed."""
    from docker.errors import ImageNotFound

    with api_errors(), connected() as client:
        information = client.info()
        try:
            packages = tuple(client.images.get(image).labels.get(PACKAGES, "").split())
        except ImageNotFound:
            raise SandboxError(f"the image {image} is not built yet: run `agent sandbox build`") from None
        sweep(client)
        runtimes = [name for name in ("runsc", "") if not name or name in information.get("Runtimes", {})]
        machine, cpus = information["Architecture"], information["NCPU"]
        return [Docker(image, runtime, machine, cpus, packages) for runtime in runtimes]


def _local(workspace: Path) -> str:
    address = os.environ.get("DOCKER_HOST", "unix://")
    if not address.startswith("unix://"):
        why = f"the Docker daemon at {address} may be on another machine"
        raise SandboxError(f"workspace {workspace}: {why}; use one at unix://, or bubblewrap")
    return str(writable(workspace))
