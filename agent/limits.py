"""How far a run may go."""

from __future__ import annotations

from dataclasses import dataclass, fields

from .errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """turns: times the model is asked; tokens: sampled in all; tool_calls: calls in all; turn_tokens: in one turn."""

    turns: int = 30
    tokens: int = 200_000
    tool_calls: int = 60
    turn_tokens: int = 32_000

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise UserError(f"limits.{field.name}: must be at least 1, not {getattr(self, field.name)}")
