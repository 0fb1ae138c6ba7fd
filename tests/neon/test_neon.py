"""The NEON kernels against portable C, compiled for 64-bit ARM and run under qemu. `make test-neon` asks for it.

`kernels_neon.c` says what is compared. A missing tool fails: a skip would hide that nothing was tested.
"""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"
STRICT = ("-Wall", "-Wextra", "-Werror", "-static")


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.fail(f"{command[0]} returned {done.returncode}\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout


def test_neon_computes_what_portable_c_does(tmp_path: Path) -> None:
    missing = [tool for tool in (COMPILER, EMULATOR) if shutil.which(tool) is None]
    if missing:
        install = "apt-get install gcc-aarch64-linux-gnu qemu-user"
        pytest.fail(f"NEON was NOT tested, {' and '.join(missing)} missing: {install}", pytrace=False)
    (extension,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["ext-modules"]
    sources = (Path(__file__).with_name("kernels_neon.c"), *sorted((ROOT / "model" / "kernels").glob("*.c")))
    for level in ("-O2", "-O3"):  # the package is built with -O3
        program = tmp_path / level
        run(COMPILER, *extension["extra-compile-args"], level, *STRICT, *sources, "-lm", "-o", program)
        print(f"{level}\n{run(EMULATOR, program)}")
