"""A connection that follows control.db: nothing is read again until something was committed."""

from __future__ import annotations

from pathlib import Path

from flagctl.store.connection import open_control_for_reading, require_schema
from flagctl.store.plain_signal import PlainSignal
from flagctl.store.reading import Snapshot, read_snapshot
from flagctl.store.trouble import explained


class Follower:
    """One open control.db. Every method fails with `StoreTroubleError` only.

    It may be used in any thread, but in one at a time: a cursor shared by two at once crashed the
    interpreter. The connection is its own and in autocommit, and every statement is run to its
    end, because a statement left half read pins the connection to the moment it began.
    """

    def __init__(self, path: Path, busy_timeout_s: float) -> None:
        self._path = path
        self._connection = open_control_for_reading(
            path, busy_timeout_s=busy_timeout_s, check_same_thread=False
        )
        self._signal = PlainSignal(self._connection)
        self._seen: int | None = None
        self._snapshot: Snapshot | None = None

    def newest(self) -> Snapshot:
        """Return the newest committed snapshot: the same object as long as it is the newest."""
        with explained(self._path):
            # Taken before the read: what is committed meanwhile then shows as another value.
            seen = self._signal.look()
            if self._snapshot is None or seen != self._seen:
                self._snapshot = self._read()
                self._seen = seen
        return self._snapshot

    def _read(self) -> Snapshot:
        try:
            return read_snapshot(self._connection)
        finally:
            # A newer schema may look like nonsense, or like sense. Schemas only move forward:
            # what is ours after the read was ours during it.
            require_schema(self._connection, self._path)

    def close(self) -> None:
        """Close the connection; it must not be used again."""
        self._connection.close()
