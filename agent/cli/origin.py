"""What a run of the command line is made from: enough for another process to go on with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from cadenza.harmony import Effort
from cadenza.model import LocalModel, ModelError, find

from ..agent import Agent
from ..errors import JournalError, UserError
from ..journal import Journal, default_path
from ..taskfile import parse
from .view import complain


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """source: how faults name the task file; folder: where its files are; the rest is what the command line said.

    Kept in the run's journal, so another process may go on from wherever it was started.
    """

    source: str
    text: str
    folder: str = "."
    params: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None
    effort: Effort | None = None
    workspace: str | None = None

    def prepare(
        self,
        *,
        journal: Path | None = None,
        granted: Sequence[str] = (),
        unsafe_local: bool = False,
        after: int = 0,
    ) -> tuple[Agent[Any], str]:
        """The agent and its question. Raises UserError.

        journal: where the run is logged, else where the task says, else the user's own journal; after: turns that an
        earlier process has finished. What is granted is not kept: who goes on with a run says so again.
        """
        folder = Path(self.folder)
        task = parse(self.text, self.source, folder)
        values = task.fill(self.params)
        agent = task.agent(
            values,
            model=self.model,
            effort=self.effort,
            unsafe_local=unsafe_local,
            granted=granted,
            workspace=None if self.workspace is None else Path(self.workspace),
            after=after,
            folder=folder,
        )
        if not agent.fallbacks:
            _must_exist(agent.model)
        own = None if task.journal is None else folder / task.journal
        log = journal or own or _default_journal()
        return replace(agent, journal=log, task=asdict(self)), task.question(values)


@cache
def _default_journal() -> Path | None:
    """The journal of runs whose task names none; None, with a word about it, where it cannot be written."""
    try:
        with Journal(default_path()):
            return default_path()
    except JournalError as error:
        complain(f"not logged: {error}")
        return None


def _must_exist(model: object) -> None:
    """A name that leads nowhere is wrong usage; a checkpoint that is not whole is a failure."""
    if isinstance(model, str | LocalModel):
        try:
            find(model if isinstance(model, str) else model.name)
        except ModelError as error:
            raise UserError(str(error)) from None
