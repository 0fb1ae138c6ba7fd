"""Docstrings of three styles: what of them the model reads."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field

from cadenza.tools import tool

pytestmark = pytest.mark.anyio


GOOGLE = """Copies a file.

Directories are copied too.

Args:
    source (str): From where,
        a path.
    target: To where: a path.

Note:
    Slow.

Returns:
    How many bytes.

Raises:
    OSError: never.
"""

NUMPY = """Copies a file.

Directories are copied too.

Parameters
----------
source : str
    From where,
    a path.
target : str, optional
    To where: a path.

Returns
-------
int
    How many bytes.
"""

REST = """Copies a file.

Directories are copied too.

:param source: From where,
    a path.
:param str target: To where: a path.
:returns: How many bytes.
:raises OSError: never.
"""


@pytest.mark.parametrize("docstring", [GOOGLE, NUMPY, REST], ids=["google", "numpy", "rest"])
def test_docstrings_of_three_styles_describe_the_parameters(docstring: str) -> None:
    def copy(source: str, target: str = "") -> int:
        return 0

    copy.__doc__ = docstring
    described = tool(copy)
    properties = described.parameters["properties"]
    assert properties["source"]["description"] == "From where, a path."
    assert properties["target"]["description"] == "To where: a path."
    assert described.description.startswith("Copies a file.\n\nDirectories are copied too.")
    assert "How many bytes." in described.description
    assert "OSError" not in described.description


def test_notes_stay_in_the_description() -> None:
    def copy(source: str, target: str) -> int:
        return 0

    copy.__doc__ = GOOGLE
    assert "Note: Slow." in tool(copy).description


@pytest.mark.parametrize(
    "text", ["", "Just prose: with a colon.\n\nThings:\n    - one\n    - two", "<|end|> * `x` :param"]
)
def test_prose_is_kept_as_it_is(text: str) -> None:
    def go() -> None: ...

    go.__doc__ = text
    assert tool(go).description == text


def test_a_docstring_may_begin_with_its_arguments() -> None:
    @tool
    def go(city: str) -> None:
        """
        Args:
            city: Where to.
        """

    assert go.description == ""
    assert go.parameters["properties"]["city"]["description"] == "Where to."


def test_a_field_has_the_last_word_on_its_description() -> None:
    @tool
    def go(city: Annotated[str, Field(description="From the field.")]) -> None:
        """Goes.

        Args:
            city: From the docstring.
        """

    assert go.parameters["properties"]["city"]["description"] == "From the field."
