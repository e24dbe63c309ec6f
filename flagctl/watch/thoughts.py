"""What this process thinks of the top mode, told when it is something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from flagctl.domain.readiness import Judgement
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.watch.queues import AskedQueues

TOLD_AGAIN_AFTER: Final = timedelta(minutes=5)
"""How long a judgement that somebody has deleted may be missed."""

Judge = Callable[[Sequence[str]], Judgement]
"""Tells what this process thinks, given queue names to compare: as long as nothing is new, the
same object."""


class Thoughts:
    """The judgement of one process, until the registry has it; for one thread.

    Args:
        judge: who judges; `None` for a process that has no opinion.
        queues: the queue names that the requests of this process ask for.

    """

    def __init__(self, judge: Judge | None, queues: AskedQueues) -> None:
        self._judge = judge
        self._queues = queues
        self._told: Judgement | None = None
        self._told_at: datetime | None = None
        self._compared: Sequence[str] = ()

    def are_told(self, now: datetime) -> bool:
        """Tell whether the registry has what would be told now."""
        if self._judge is None:
            return True
        told_lately = self._told_at is not None and abs(now - self._told_at) < TOLD_AGAIN_AFTER
        return told_lately and self._queues.is_empty and self._judge(self._compared) is self._told

    def forget_telling(self) -> None:
        """Tell again with the next turn."""
        self._told_at = None

    def tell(self, registry: ProcessRegistry, process_id: str, now: datetime) -> None:
        """Tell the registry; what it can't take now is told with a later turn."""
        if self._judge is None:
            return
        names = self._queues.pending()
        self._told_at = None
        if registry.judge(process_id, self._think, names, now):
            self._queues.settle(names)
            self._told_at = now

    def _think(self, queues: Sequence[str]) -> Judgement:
        assert self._judge is not None  # noqa: S101 - `tell` asks only then
        self._compared = queues
        self._told = self._judge(queues)
        return self._told
