"""The mode in force, read anew for every request (architecture, decisions 5 and 6)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Final

from flagctl.domain.access import RuntimeScope
from flagctl.domain.effective import EffectiveMode, effective, without_store
from flagctl.domain.flag import ControlState
from flagctl.store import forking
from flagctl.store.break_glass import BreakGlass, look
from flagctl.store.files import DataFiles
from flagctl.store.follower import Follower
from flagctl.store.identity import Identity, identify
from flagctl.store.reading import Snapshot
from flagctl.store.trouble import StoreTroubleError, Trouble
from flagctl.vocabulary import Freshness, Mode

LOOK_EVERY_S: Final = 0.05
"""How long a break-glass file or a replaced database may stay unseen."""

RETRY_AT_MOST_S: Final = 1.0
"""How long a store that is readable again may stay unread."""

BUSY_TIMEOUT_S: Final = 0.01
"""A request must not wait for another process: what is known answers at once."""

START_BUSY_TIMEOUT_S: Final = 1.0
"""At the start nothing is known yet, and nobody waits for an answer."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer: all that a request needs of control state, all of one moment.

    `scopes` and `state` are `None` when the store was never read; `trouble` says what is wrong
    with it now.
    """

    effective: EffectiveMode
    scopes: Mapping[str, RuntimeScope] | None
    trouble: StoreTroubleError | None
    break_glass: BreakGlass | None
    state: ControlState | None


class ModeReader:
    """Answers which mode is in force for this process; one per process is enough.

    Safe in threads, in an event loop and over a fork. Answers never raise and wait for nobody: a
    store in trouble gives the last known flags, marked so, and is tried again by itself. Only
    making one may wait, up to `START_BUSY_TIMEOUT_S`, for a store that is locked.

    Args:
        data_dir: the data directory (`FLAGCTL_DATA_DIR`).
        pin: the mode that the environment of this process pins.
        monotonic: tells seconds that only grow.

    """

    def __init__(
        self,
        data_dir: Path,
        pin: Mode | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = DataFiles(data_dir)
        self._pin = pin
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._follower: Follower | None = None
        self._snapshot: Snapshot | None = None
        self._identity: Identity | None = None
        self._trouble: StoreTroubleError | None = None
        self._doubt: StoreTroubleError | None = None
        self._break_glass: BreakGlass | None = None
        self._released_break_glass: BreakGlass | None = None
        self._holds_break_glass = False
        self._look_at = -inf
        self._retry_at = -inf
        self._retry_after_s = LOOK_EVERY_S
        self.answers = dict.fromkeys(Freshness, 0)
        """How many answers were given, by freshness."""
        self._reading = self._make_reading()
        self._published: object = None
        self._busy_timeout_s = START_BUSY_TIMEOUT_S
        self._look(monotonic())
        self._busy_timeout_s = BUSY_TIMEOUT_S
        forking.suspend_over_fork(self)

    def effective(self) -> EffectiveMode:
        """Return the mode in force now; never raises."""
        return self.read().effective

    def read(self) -> Reading:
        """Return what is in force now; never raises."""
        with self._lock:
            now = self._monotonic()
            if now >= self._look_at:
                self._look(now)
            if self._follower is not None:
                self._follow(self._follower, now)
            reading = self._reading
            self.answers[reading.effective.freshness] += 1
            return reading

    def hold_break_glass(self) -> None:
        """From now on keep a break-glass file in force until it is a flag, be it gone or not.

        For a process that takes such files over (decision 7): removing one must not re-arm while
        the store can't be written.
        """
        with self._lock:
            self._holds_break_glass = True

    def release_break_glass(self, taken_over: BreakGlass) -> None:
        """Let a file go that is a flag by now, if it is still the one that was seen."""
        with self._lock:
            if self._break_glass == taken_over:
                self._released_break_glass = taken_over

    def close(self) -> None:
        """Close the database; a later read opens it again."""
        with self._lock:
            self._suspend()

    def suspend(self) -> None:
        """Hold still before a fork: SQLite's connections and locks do not survive one."""
        self._lock.acquire()
        self._suspend()

    def resume(self) -> None:
        """Go on after the fork, in the parent as in the child."""
        self._lock.release()

    def _look(self, now: float) -> None:
        """See what no signal tells: the break-glass file, and files that were replaced."""
        self._look_at = now + LOOK_EVERY_S
        self._look_for_break_glass()
        identity = self._identity
        try:
            identity, self._doubt = identify(self._files.control), None
        except StoreTroubleError as doubt:
            # Nobody can tell whether the file is still the same: go on with it, but say so.
            self._doubt = doubt
        if identity != self._identity or (self._follower is None and now >= self._retry_at):
            self._connect(identity, now)
        self._publish()

    def _look_for_break_glass(self) -> None:
        found = look(self._files.break_glass, self._break_glass)
        # With the store in trouble nobody could take the file over into a flag yet (decision 7).
        held = self._holds_break_glass and self._break_glass != self._released_break_glass
        if found is not None:
            self._break_glass = found
        elif self._trouble is None and not held:
            self._break_glass = self._released_break_glass = None

    def _connect(self, before: Identity | None, now: float) -> None:
        # The new connection is open before the old one goes: the WAL index stays alive.
        previous = self._follower
        try:
            follower = Follower(self._files.control, self._busy_timeout_s)
            try:
                self._snapshot = follower.newest()
            except BaseException:
                follower.close()
                raise
        except Exception as error:
            self._lose(error, now)
        else:
            self._follower, self._trouble = follower, None
            self._retry_after_s = LOOK_EVERY_S
            if previous is not None:
                previous.close()
        self._identity = self._identity_after(before)

    def _identity_after(self, before: Identity | None) -> Identity | None:
        """Return what lies there now; `None` when the main file was changed meanwhile."""
        try:
            after = identify(self._files.control)
        except StoreTroubleError:
            return None
        return after if before is None or after.control == before.control else None

    def _follow(self, follower: Follower, now: float) -> None:
        try:
            snapshot = follower.newest()
        except Exception as error:
            self._lose(error, now)
        else:
            if snapshot is self._snapshot:
                return
            self._snapshot = snapshot
        self._publish()

    def _lose(self, error: Exception, now: float) -> None:
        self._disconnect()
        if not isinstance(error, StoreTroubleError):
            # A mistake of the code, which must not fail a request either.
            error = StoreTroubleError(Trouble.IO, self._files.control, repr(error))
        self._trouble = error
        self._retry_at = now + self._retry_after_s
        self._retry_after_s = min(2 * self._retry_after_s, RETRY_AT_MOST_S)

    def _disconnect(self) -> None:
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    def _suspend(self) -> None:
        self._disconnect()
        self._look_at = self._retry_at = -inf

    def _publish(self) -> None:
        now = self._trouble or self._doubt, self._snapshot, self._break_glass
        if now == self._published:
            return
        self._published = now
        before = self._reading.trouble
        self._reading = self._make_reading()
        after = self._reading.trouble
        if (before and before.trouble) != (after and after.trouble):
            _log(after)

    def _make_reading(self) -> Reading:
        trouble, snapshot, break_glass = (
            self._trouble or self._doubt,
            self._snapshot,
            self._break_glass,
        )
        lowered = break_glass.mode if break_glass else None
        if snapshot is None:
            mode = without_store(pin=self._pin, break_glass=lowered)
            return Reading(mode, None, trouble, break_glass, None)
        freshness = Freshness.LAST_KNOWN_GOOD if trouble else Freshness.FRESH
        mode = effective(snapshot.state, pin=self._pin, break_glass=lowered, freshness=freshness)
        return Reading(mode, snapshot.scopes, trouble, break_glass, snapshot.state)


def _log(trouble: StoreTroubleError | None) -> None:
    # Imported here: it costs more than everything that a short command does.
    import structlog

    log = structlog.get_logger(__name__)
    if trouble is None:
        log.info("store_readable_again")
    else:
        log.warning("store_trouble", trouble=trouble.trouble, message=str(trouble))
