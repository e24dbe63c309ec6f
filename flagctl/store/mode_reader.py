"""The mode in force, read anew for every request (architecture, decisions 5 and 6)."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from math import inf
from mmap import mmap
from pathlib import Path
from typing import Any, Final

from flagctl.domain.effective import NOTHING_KNOWN, EffectiveMode
from flagctl.store import forking, reader_log
from flagctl.store.answer import Known, Reading
from flagctl.store.break_glass import BreakGlass, BreakGlassKeeper
from flagctl.store.files import DataFiles
from flagctl.store.follower import Follower
from flagctl.store.identity import Identity
from flagctl.store.last_known_good import LastKnownGoodFile
from flagctl.store.reading import Snapshot
from flagctl.store.retry import Retry
from flagctl.store.signal import SignalInUse
from flagctl.store.surroundings import Surroundings
from flagctl.store.trouble import StoreTroubleError, Trouble, from_sqlite
from flagctl.store.wal_header import HEADER
from flagctl.vocabulary import Freshness, Mode, ModeSignal

__all__ = ["BUSY_TIMEOUT_S", "LOOK_EVERY_S", "RETRY_AT_MOST_S", "ModeReader", "Reading"]

LOOK_EVERY_S: Final = 0.05
"""How long a break-glass file or a replaced database may stay unseen."""

RETRY_AT_MOST_S: Final = 1.0
"""How long a store that is readable again may stay unread."""

BUSY_TIMEOUT_S: Final = 0.01
"""A request must not wait for another process: what is known answers at once."""

START_BUSY_TIMEOUT_S: Final = 1.0
"""At the start nothing is known yet, and nobody waits for an answer."""

FRESH: Final = Freshness.FRESH

FastPath = tuple[mmap, slice, bytes | int, Callable[[], float], float, Reading, EffectiveMode]
"""What an answer without a lock needs, place and clock too: one look-up for all of it."""


class ModeReader:
    """Answers which mode is in force for this process; one per process is enough.

    Safe in threads, in an event loop and over a fork. Answers never raise and wait for nobody: a
    store in trouble gives the last known flags, marked so, and is tried again by itself. Only
    making one may wait, up to `START_BUSY_TIMEOUT_S`, for a store that is locked.

    Args:
        data_dir: the data directory (`FLAGCTL_DATA_DIR`).
        pin: the mode that the environment of this process pins.
        signal: what tells of a commit (`FLAGCTL_MODE_SIGNAL`).
        monotonic: tells seconds that only grow.

    """

    def __init__(
        self,
        data_dir: Path,
        pin: Mode | None = None,
        *,
        signal: ModeSignal = ModeSignal.AUTO,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        files = DataFiles(data_dir)
        self._path = files.control
        self._around = Surroundings(files.control)
        self._pin = pin
        self._wanted = signal
        self._monotonic = monotonic
        # One that its holder may take again: a log handler or a signal handler may ask, too.
        self._lock = lock = threading.RLock()
        # For `_answer`: half the price of `with`.
        self._tools = lock.acquire, lock.release, monotonic
        self._break_glass = BreakGlassKeeper(files.break_glass)
        self._last_known_good = LastKnownGoodFile(files.last_known_good)
        self._follower: Follower | None = None
        self._identity: Identity | None = None
        self._retry = Retry(LOOK_EVERY_S, RETRY_AT_MOST_S)
        self._look_at_s = -inf
        self._known = Known()
        self._reading = self._known.reading(pin)
        self._fast: FastPath | None = None
        self._other_answers = dict.fromkeys(Freshness, 0)
        self._fresh_answers = 0
        self.fall_backs = 0
        """How often the fast signal was found wrong and given up."""
        self.signal_in_use = SignalInUse(ModeSignal.PLAIN, "the store was not read yet")
        forking.suspend_over_fork(self)
        with self._lock:
            self._look(monotonic(), START_BUSY_TIMEOUT_S)

    def read(self) -> Reading:
        """Return what is in force now; never raises."""
        # Nothing was committed, and it is not yet time to look at the files. Between taking the
        # tuple and comparing, the interpreter never switches threads: whoever closes the
        # connection, which keeps the mapped file alive, takes the tuple away first.
        fast = self._fast
        if fast is not None:
            mapping, header, seen, clock, look_at_s, reading, _ = fast
            if mapping[header] == seen and clock() < look_at_s:
                self._fresh_answers += 1
                return reading
        reading = self._answer()
        if reading.effective.freshness is FRESH:
            self._fresh_answers += 1
        else:
            self._other_answers[reading.effective.freshness] += 1
        return reading

    def unchanged(self) -> Reading | None:
        """Return what was read last if the signal tells of no commit since, else `None`.

        For who asks now and then and decides nothing by it: no file is looked at.
        """
        fast = self._fast
        if fast is None:
            return None
        mapping, header, seen, _, _, reading, _ = fast
        return reading if mapping[header] == seen else None

    def effective(self) -> EffectiveMode:
        """Return the mode in force now; never raises."""
        # As in `read`, without the price of calling it and of counting.
        fast = self._fast
        if fast is not None:
            mapping, header, seen, clock, look_at_s, _, effective = fast
            if mapping[header] == seen and clock() < look_at_s:
                return effective
        return self._answer().effective

    @property
    def answers(self) -> dict[Freshness, int]:
        """Return how many answers `read` gave, by freshness."""
        return {**self._other_answers, FRESH: self._fresh_answers}

    def hold_break_glass(self) -> None:
        """From now on keep a break-glass file in force until it is a flag, be it gone or not.

        For a process that takes such files over (decision 7).
        """
        with self._lock:
            self._break_glass.hold()

    def release_break_glass(self, taken_over: BreakGlass) -> None:
        """Let a file go that is a flag by now, if it is still the one that was seen."""
        with self._lock:
            self._break_glass.release(taken_over)

    def close(self) -> None:
        """Close the database; a later read opens it again."""
        with self._lock:
            self._disconnect()

    def suspend(self) -> None:
        """Hold still before a fork: SQLite's connections and locks do not survive one."""
        self._lock.acquire()
        self._disconnect()
        self._last_known_good.settle()

    def resume(self) -> None:
        """Go on after the fork, in the parent as in the child."""
        self._lock.release()

    def _answer(self) -> Reading:
        acquire, release, clock = self._tools
        acquire()
        try:
            now_s = clock()
            if now_s >= self._look_at_s:
                self._look(now_s)
            follower = self._follower
            if follower is not None:
                # Also after waiting for another thread: what that one has read may be older than
                # the question asked here.
                try:
                    if follower.look() != follower.seen:
                        self._learn(snapshot=self._required(follower.newest()))
                except Exception as error:
                    self._lose(error, now_s)
            return self._reading
        finally:
            release()

    def _look(self, now_s: float, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        """See what no signal tells: the break-glass file, and files that were replaced."""
        self._look_at_s = now_s + LOOK_EVERY_S
        if self._follower is not None and self._around.are_settled(now_s):
            self._confirm(self._follower, now_s)
            self._fast = self._fast_path()
            return
        identity, doubt = self._around.look(self._identity)
        if identity != self._identity or (self._follower is None and self._retry.is_due(now_s)):
            self._connect(identity, now_s, busy_timeout_s)
        elif self._follower is not None:
            self._confirm(self._follower, now_s)
        known = self._known
        found = self._break_glass.see(in_trouble=known.trouble is not None)
        if found is known.break_glass is None and doubt is known.doubt:
            self._fast = self._fast_path()  # nothing is new, as nearly always
        else:
            self._learn(break_glass=found, doubt=doubt)
        if found is None and doubt is None and self._identity is not None:
            self._around.settle(self._identity, now_s)

    def _connect(self, before: Identity | None, now_s: float, busy_timeout_s: float) -> None:
        if before is not None and not before.has_inodes_of(self._identity):
            # Closed before another is opened: with any connection open, SQLite would go on
            # sharing the WAL index that was removed.
            self._use(None)
        try:
            follower = Follower(self._path, busy_timeout_s, self._wanted)
            self._use(follower)
            snapshot = self._required(follower.snapshot)
        except Exception as error:
            self._lose(error, now_s)
        else:
            self._retry.begin_anew()
            if not self.fall_backs:
                self.signal_in_use = follower.in_use
            self._learn(snapshot=snapshot, trouble=None)
        self._identity = self._around.after(before)

    def _required(self, snapshot: Snapshot) -> Snapshot:
        self._known.require_no_way_back(snapshot, self._path, self._pin)
        return snapshot

    def _confirm(self, follower: Follower, now_s: float) -> None:
        try:
            if follower.confirm():
                return
        except Exception as error:
            self._lose(error, now_s)
            return
        self.fall_backs += 1
        self._wanted = ModeSignal.PLAIN
        self.signal_in_use = follower.in_use
        reader_log.signal_given_up(follower.in_use.why)

    def _lose(self, error: Exception, now_s: float) -> None:
        self._use(None)
        self._retry.failed(now_s)
        if isinstance(error, sqlite3.Error):
            error = from_sqlite(error, self._path)
        elif not isinstance(error, StoreTroubleError):
            # A mistake of the code, which must not fail a request either.
            error = StoreTroubleError(Trouble.IO, self._path, repr(error))
        was_read = self._known.snapshot is not None
        last_known = NOTHING_KNOWN if was_read else self._last_known_good.read()
        self._learn(trouble=error, last_known=last_known)

    def _disconnect(self) -> None:
        self._use(None)
        self._retry.begin_anew()
        self._look_at_s = -inf

    def _use(self, follower: Follower | None) -> None:
        self._fast = None
        previous, self._follower = self._follower, follower
        if previous is not None:
            previous.close()

    def _learn(self, **changes: Any) -> None:
        """Take in what is new, and answer by it from now on."""
        before, self._known = self._known, replace(self._known, **changes)
        if self._known != before:
            told, self._reading = self._reading, self._known.reading(self._pin)
            self._tell(told, self._reading)
        self._fast = self._fast_path()

    def _tell(self, before: Reading, now: Reading) -> None:
        """Log trouble that comes or goes; keep a new revision on disk."""
        reader_log.trouble_changed(before.trouble, now.trouble)
        if now.trouble is None and now.state is not None and now.state != before.state:
            self._last_known_good.keep(now.state)

    def _fast_path(self) -> FastPath | None:
        follower, reading = self._follower, self._reading
        if follower is None or follower.mapping is None or reading.trouble is not None:
            return None
        return (
            follower.mapping,
            HEADER,
            follower.seen,
            self._monotonic,
            self._look_at_s,
            reading,
            reading.effective,
        )
