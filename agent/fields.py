"""What the fields of a task file are made of."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema


def _count(value: Any) -> Any:
    """8k -> 8000."""
    if not isinstance(value, str):
        return value
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)([kmg])", value.strip().lower()):
        return int(Decimal(match[1]) * {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}[match[2]])
    raise ValueError(f"{value!r} is no whole number; write 2000 or 2k")


def _seconds(value: Any) -> Any:
    """15m -> 900."""
    if not isinstance(value, str):
        return value
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", value.strip().lower()):
        return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]
    raise ValueError(f"{value!r} is no time; write 90, 90s, 15m or 2h")


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
