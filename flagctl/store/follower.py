"""A connection that follows control.db: nothing is read again until something was committed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from mmap import mmap
from pathlib import Path

from flagctl.store.connection import open_control_for_reading, require_schema
from flagctl.store.plain_signal import PlainSignal
from flagctl.store.reading import Snapshot, read_snapshot
from flagctl.store.signal import ChangeSignal, SignalInUse, open_signal
from flagctl.store.trouble import StoreTroubleError, Trouble, explained, from_sqlite
from flagctl.store.wal_index import are_open_here, find, is_locked
from flagctl.vocabulary import ModeSignal


class Follower:
    """One open control.db with the newest snapshot of it.

    It may be used in any thread, but in one at a time: a cursor shared by two at once crashed the
    interpreter. The connection is its own and in autocommit, and every statement is run to its
    end, because a statement left half read pins the connection to the moment it began.

    Raises:
        StoreTroubleError: from every method: the store can't be read.

    """

    def __init__(self, path: Path, busy_timeout_s: float, wanted: ModeSignal) -> None:
        self._path = path
        self._shm = Path(f"{path}-shm")
        self._index = find(self._shm)
        self._require_unlocked()
        self.in_use: SignalInUse
        """Which signal runs, and why."""
        self._connection = open_control_for_reading(
            path, busy_timeout_s=busy_timeout_s, check_same_thread=False
        )
        self._signal: ChangeSignal = PlainSignal(self._connection)
        self.look: Callable[[], bytes | int]
        """The signal's, asked by whoever can't afford one call more; raises SQLite's errors."""
        self.seen: bytes | int
        """The look that was taken before the snapshot was read."""
        try:
            with explained(path):
                self._require_shared_wal()
                self._index = find(self._shm)
                self._signal, self.in_use = open_signal(wanted, self._connection, path)
                self.look = self._signal.look
                self.seen = self.look()
                self._snapshot = self._read()
        except BaseException:
            self.close()
            raise

    def _require_shared_wal(self) -> None:
        """Refuse to follow a WAL that other processes no longer write to."""
        ((mode,),) = self._connection.execute("PRAGMA journal_mode").fetchall()
        wal = Path(f"{self._path}-wal")
        if mode == "wal" and not are_open_here(wal, self._shm):
            raise StoreTroubleError(Trouble.WAL_REMOVED, self._path)

    @property
    def mapping(self) -> mmap | None:
        """Return memory whose header is `seen` as long as the snapshot is the newest."""
        return self._signal.mapping

    @property
    def snapshot(self) -> Snapshot:
        """Return what was read last."""
        return self._snapshot

    def newest(self) -> Snapshot:
        """Return the newest committed snapshot: the same object as long as it is the newest."""
        try:
            # Taken before the read: what is committed meanwhile then shows as another value.
            seen = self.look()
        except sqlite3.Error as error:
            raise from_sqlite(error, self._path) from error
        if seen != self.seen:
            with explained(self._path):
                self._snapshot = self._read()
            self.seen = seen
        return self._snapshot

    def confirm(self) -> bool:
        """Ask SQLite whether the signal told of every commit; if not, go on with the plain one."""
        self._require_unlocked()
        try:
            if self._signal.agrees():
                return True
        except sqlite3.Error as error:
            raise from_sqlite(error, self._path) from error
        self._signal.close()
        self._signal = PlainSignal(self._connection)
        self.look = self._signal.look
        why = "SQLite told of a commit that did not show in the WAL index"
        self.in_use = SignalInUse(ModeSignal.PLAIN, why)
        self.seen = -1  # no version of SQLite's: the next look reads anew
        return False

    def _require_unlocked(self) -> None:
        if self._index is not None and is_locked(self._index):
            raise StoreTroubleError(Trouble.LOCKED, self._path, "its WAL index is")

    def _read(self) -> Snapshot:
        self._require_unlocked()
        try:
            return read_snapshot(self._connection)
        finally:
            # A newer schema may look like nonsense, or like sense. Schemas only move forward:
            # what is ours after the read was ours during it.
            require_schema(self._connection, self._path)

    def close(self) -> None:
        """Close signal and connection; neither may be used again."""
        self._signal.close()
        with suppress(sqlite3.Error):
            self._connection.close()
