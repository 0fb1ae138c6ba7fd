"""A new user's folder, whose own files are called tools.py, model.py and agent.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FILES = {
    "tools.py": '''
from cadenza.agent import tool

PRICES = {"pear": 0.5, "plum": 0.25}


@tool
def price(item: str, count: int = 1) -> float:
    """Price of an item.

    Args:
        item: Its name.
        count: How many.
    """
    return PRICES[item] * count
''',
    "model.py": """
from pydantic import BaseModel


class Bill(BaseModel):
    item: str
    total: float
""",
    "agent.py": """
from model import Bill
from tools import PRICES, price

from cadenza.agent import Agent
from cadenza.harmony import Message
from cadenza.model import ScriptedEngine

call = Message.assistant('{"item": "pear", "count": 4}', channel="commentary", recipient="functions.price")
answer = Message.assistant('{"item": "pear", "total": 2.0}', channel="final")
agent = Agent(model=ScriptedEngine([[call], [answer]]), tools=[price], output=Bill)
bill = agent.run_sync("What do four pears cost?").output
assert isinstance(bill, Bill)
assert bill.total == price("pear", 4) == PRICES["pear"] * 4
print(bill)
""",
    "task.yaml": json.dumps(
        {
            "model": {
                "engine": "scripted",
                "turns": [
                    [{"channel": "commentary", "recipient": "functions.price", "content": '{"item": "plum"}'}],
                    [{"channel": "final", "content": '{"item": "plum", "total": 0.25}'}],
                ],
            },
            "input": "What does a plum cost?",
            "tools": [{"file": "tools.py"}],
            "output": "model:Bill",
        }
    ),
}


def test_their_files_and_ours_do_not_meet(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    for command, printed in (
        (["agent.py"], "item='pear' total=2.0\n"),
        (["-m", "cadenza.agent", "run", "task.yaml", "--quiet"], '{"item": "plum", "total": 0.25}\n'),
    ):
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stdout) == (0, printed), done.stderr
