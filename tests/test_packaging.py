"""The repository root is the package: what pyproject.toml lists is what the tree holds."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("agent", "harmony", "model", "tools")


@pytest.mark.skipif(not (ROOT / "harmony").exists(), reason="against the wheel there is no tree to compare with")
def test_every_package_of_the_tree_is_listed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = [file.parent.relative_to(ROOT) for name in PACKAGES for file in (ROOT / name).rglob("__init__.py")]
    assert sorted(listed) == sorted("cadenza." + ".".join(folder.parts) for folder in found)


@pytest.mark.skipif(not (ROOT / "harmony").exists(), reason="against the wheel there is no tree to compare with")
def test_the_typing_links_lead_to_the_packages() -> None:
    for name in PACKAGES:
        link = ROOT / ".typing" / "cadenza" / name
        assert link.is_symlink()
        assert link.resolve() == ROOT / name


def loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_neither_torch_nor_mcp() -> None:
    statement = "from cadenza.agent.cli.main import app\ntry: app(['run', '--help'])\nexcept SystemExit: pass"
    assert {"torch", "mcp"}.isdisjoint(loaded_by(statement))


def test_an_agent_is_imported_and_configured_without_torch_and_mcp() -> None:
    code = "from cadenza.agent import Agent\nfrom cadenza.tools import McpToolset\n"
    assert {"torch", "mcp"}.isdisjoint(loaded_by(f"{code}Agent(tools=['python', McpToolset(command=['x'])])"))


def test_loading_a_model_leaves_torchs_compiler_alone() -> None:
    assert "torch._dynamo" not in loaded_by("from cadenza.model import resolve\nresolve('nano')")


def test_a_users_own_modules_do_not_collide(tmp_path: Path) -> None:
    for name in ("tools", "model", "agent", "harmony"):
        (tmp_path / f"{name}.py").write_text("mine = True\n")
    code = "import tools, model, agent, harmony\nfrom cadenza.agent import Agent\nprint(tools.mine, Agent.__module__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "cadenza.agent.agent"]
