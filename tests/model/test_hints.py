"""Hints say how a name begins: to each token that declares it, and to the word that asks for it."""

from __future__ import annotations

import pytest

from cadenza.harmony import DeveloperContent, Message, ToolDescription, ToolNamespace, render, render_conversation
from cadenza.model import resolve
from cadenza.model.nano import hints

VOCABULARY = resolve("nano").vocabulary


def told(*names: str) -> list[int]:
    """What an agent with these functions is told, the last of them with an argument."""
    *bare, last = names
    schema = {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}
    tools = [ToolDescription(name=name, description="Works on it.") for name in bare]
    tools.append(ToolDescription(name=last, description="", parameters=schema))
    space = ToolNamespace(name="functions", tools=tuple(tools))
    return render_conversation([Message.developer(DeveloperContent(tools=(space,)))], VOCABULARY)


def spelled(ids: list[int]) -> str:
    return b"".join(map(VOCABULARY.token_bytes, ids)).decode()


def test_each_token_of_a_declaration_hints_at_the_beginning_of_its_name() -> None:
    ids = told("rent_bike", "find_station")
    found, _ = hints.of_declarations(ids, VOCABULARY)
    of = {begin: [at for at in found if found[at] == begin] for begin in found.values()}
    rent, find = of
    assert "rent_bike".startswith(spelled([rent]))
    assert "find_station".startswith(spelled([find]))
    assert spelled([ids[at] for at in of[rent]]).startswith("rent_bike = () => any;")
    assert spelled([ids[at] for at in of[find]]).startswith("find_station = (_: {\ndays: number,\n}) => any;")
    assert "Works" not in spelled([ids[at] for at in found])


@pytest.mark.parametrize("before", ["", "The "])
def test_the_last_token_of_a_word_hints_at_the_name_that_it_ends(before: str) -> None:
    _, known = hints.of_declarations(told("rent_bike", "find_station"), VOCABULARY)
    asked = render(Message.user(f"{before}station, please, for stations and 3 days."), VOCABULARY)
    found = hints.of_words(asked, VOCABULARY, known)
    ((at, begin),) = found.items()
    assert spelled(asked[: at + 1]).endswith(f"{before}station")
    assert "find_station".startswith(spelled([begin]))


@pytest.mark.parametrize("names", [("rent_bike", "sell_bike"), ("bike", "rent_bike")])
def test_a_word_that_ends_two_names_hints_at_none(names: tuple[str, str]) -> None:
    assert not hints.of_declarations(told(*names), VOCABULARY)[1]


def test_nothing_is_hinted_at_where_nothing_is_declared() -> None:
    ids = render_conversation([Message.developer("type x = {}; of any type")], VOCABULARY)
    assert hints.of_declarations(ids, VOCABULARY) == ({}, {})
