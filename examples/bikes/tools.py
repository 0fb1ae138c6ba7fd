"""Functions of one's own: task.yaml offers them to the model, and so does agent.py."""

from __future__ import annotations

from typing import Literal

from cadenza.agent import ToolRetry, tool

PRICES = {"city": 14, "mountain": 22, "cargo": 31}
"""Euros a day."""
STATIONS = {"market": 7, "harbour": 0, "museum": 12}
"""How many bikes stand there."""


@tool
def rent_bike(kind: Literal["city", "mountain", "cargo"], days: int) -> str:
    """Rent a bike.

    Args:
        kind: What it is for.
        days: For how long.
    """
    return f"{PRICES[kind] * days} euros"


@tool
def find_station(place: str) -> str:
    """Find a station, and the bikes that stand there.

    Args:
        place: What it is near to.
    """
    if place not in STATIONS:
        raise ToolRetry(f"there is no station at {place}; there is one at {', '.join(STATIONS)}")
    return f"{STATIONS[place]} bikes"


@tool
def report_damage(bike: int, part: str) -> str:
    """Report a damage of a bike.

    Args:
        bike: The number on its frame.
        part: What is damaged.
    """
    return f"ticket {part[:3].upper()}-{bike}"
