"""The judgement on escapes: it sees what gets out where there is no sandbox, and holds what stays in."""

import pytest

from cadenza.tools.python import choose
from cadenza.tools.python.escapes import ESCAPES
from cadenza.tools.python.trial import trials

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a file of the host", "a secret of the host came out"),
        ("a file of the host through a link", "a secret of the host came out"),
        ("TCP to a port of the host", "a connection was made to the host's AF_INET socket"),
        ("an abstract unix socket of the host", "a connection was made to the host's AF_UNIX socket"),
        ("to signal a process of the host", "a process of the host was ended"),
        ("AF_NETLINK", "the cell got it"),
    ],
)
async def test_without_a_sandbox_it_is_seen_what_gets_out(name: str, fault: str) -> None:
    escapes = [escape for escape in ESCAPES if escape.name == name]
    async for trial in trials(await choose(unsafe_local=True), escapes):
        assert fault in trial.fault


async def test_nothing_gets_out_of_monty() -> None:
    assert [trial.fault async for trial in trials(await choose("monty"), ESCAPES) if trial.fault] == []
