"""Counts of resolutions by minute, from the request that made one until runtime.db has it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from flagctl.domain.effective import EffectiveMode
from flagctl.domain.impact import SECONDS_A_MINUTE, CountKey
from flagctl.store import forking
from flagctl.vocabulary import ResolutionOutcome

log = logging.getLogger(__name__)

KEPT: Final = 4000
"""How many counts wait at most while runtime.db can't be written: those of a day and more. What
would be one more takes the place of the oldest minute's."""


class Tally:
    """What one process resolved and runtime.db does not have yet. Safe in threads.

    A forked child begins with nothing: what was counted before the fork is told by its parent.

    Args:
        clock_s: tells the time in seconds since 1970, UTC.

    """

    def __init__(self, clock_s: Callable[[], float] = time.time) -> None:
        self.lost = 0
        self._clock_s = clock_s
        self._counts: dict[CountKey, int] = {}
        self._here: CountKey | None = None
        self._lock = threading.Lock()
        self._pid = os.getpid()
        forking.suspend_over_fork(self)

    def suspend(self) -> None:
        """Hold still before a fork."""
        self._lock.acquire()

    def resume(self) -> None:
        """Go on after the fork, in the child from nothing."""
        if os.getpid() != self._pid:
            self._pid, self._here = os.getpid(), None
            self._counts.clear()
        self._lock.release()

    def count(self, effective: EffectiveMode, outcome: ResolutionOutcome) -> None:
        """Count a resolution in the minute of now; every request pays for this."""
        key = self._key(effective, outcome)
        with self._lock:
            if key in self._counts:
                self._counts[key] += 1
            else:
                self._begin(key, 1)

    def be_here(self, effective: EffectiveMode) -> None:
        """Count nothing in the minute of now, so that it is known to be nothing."""
        key = self._key(effective, ResolutionOutcome.RESOLVED)
        if key == self._here:
            return
        with self._lock:
            if key != self._here:
                self._here = key
                if key not in self._counts:
                    self._begin(key, 0)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is to be written."""
        return not self._counts

    def pending(self) -> Mapping[CountKey, int]:
        """Return what is to be written."""
        with self._lock:
            return dict(self._counts)

    def settle(self, written: Mapping[CountKey, int]) -> None:
        """Forget what was written; what was counted meanwhile stays."""
        with self._lock:
            for key, count in written.items():
                left = self._counts.get(key, 0) - count
                if left > 0:
                    self._counts[key] = left
                else:
                    self._counts.pop(key, None)

    def _key(self, effective: EffectiveMode, outcome: ResolutionOutcome) -> CountKey:
        minute = int(self._clock_s() // SECONDS_A_MINUTE)
        return CountKey(minute, effective.mode, outcome, effective.revision)

    def _begin(self, key: CountKey, count: int) -> None:
        if len(self._counts) >= KEPT:
            self._lose(min(each.minute for each in self._counts))
        self._counts[key] = count

    def _lose(self, minute: int) -> None:
        oldest = [key for key in self._counts if key.minute == minute]
        lost = sum(self._counts.pop(key) for key in oldest)
        if lost and not self.lost:
            log.warning("runtime.db could not be written for too long: the oldest counts are lost")
        self.lost += lost
