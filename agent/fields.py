"""What the fields of a task file are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema


def _in_units(value: Any, units: Mapping[str, int], kind: type[int] | type[float], what: str) -> Any:
    """A text of a number and a unit as a number. Raises ValueError, which says what to write, for any other text."""
    if not isinstance(value, str):
        return value
    if match := re.fullmatch(rf"(\d+(?:\.\d+)?)([{''.join(units)}])", value.strip().lower()):
        return kind(Decimal(match[1]) * units[match[2]])
    raise ValueError(f"{value!r} is no {what}")


def _count(value: Any) -> Any:
    """8k -> 8000."""
    units = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
    return _in_units(value, units, int, "whole number; write 2000 or 2k")


def _seconds(value: Any) -> Any:
    """15m -> 900."""
    return _in_units(value, {"s": 1, "m": 60, "h": 3600}, float, "time; write 90, 90s, 15m or 2h")


Count: TypeAlias = Annotated[
    int,
    BeforeValidator(_count),
    Field(ge=1, strict=True),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^\d+(\.\d+)?[kKmMgG]$"}]}
    ),
]
Seconds: TypeAlias = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(gt=0, allow_inf_nan=False, strict=True),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": r"^\d+(\.\d+)?[smhSMH]$"}]}
    ),
]


class Fields(BaseModel):
    """A mapping of a task file: unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)
