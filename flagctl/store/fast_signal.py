"""The fast change signal: what a commit writes last, looked at without asking SQLite."""

from __future__ import annotations

import sqlite3
from mmap import mmap
from pathlib import Path

from flagctl.store import wal_index
from flagctl.store.plain_signal import PlainSignal
from flagctl.store.wal_header import HEADER


class FastSignal:
    """The header of the WAL index: equal bytes mean that nothing was committed.

    The connection keeps the index alive, so the signal must be closed before it. Every answer is
    as good as the layout that it relies on; `agrees` holds it against SQLite's own.

    Raises:
        UnusableWalIndexError: there is no index to rely on.

    """

    def __init__(self, connection: sqlite3.Connection, control: Path) -> None:
        self._plain = PlainSignal(connection)
        self._index = wal_index.acquire(Path(f"{control}-shm"))
        self._mapping = self._index.mapping
        self._confirmed = self.look()
        try:
            self._version = self._plain.look()
        except sqlite3.Error:
            self.close()
            raise

    @property
    def mapping(self) -> mmap:
        """Return what to look at without a call: `mapping[HEADER]` is what `look` returns."""
        return self._mapping

    def look(self) -> bytes:
        """Return bytes that are others after every commit."""
        return self._mapping[HEADER]

    def agrees(self) -> bool:
        """Tell whether every commit that SQLite knows of has shown in the header too.

        Raises:
            sqlite3.Error: the file can't be read.

        """
        # Each header is taken before the version that it is compared for: what is committed in
        # between may show in the header early, never late.
        header = self.look()
        version = self._plain.look()
        if version != self._version and self.look() == self._confirmed:
            return False
        self._confirmed, self._version = header, version
        return True

    def close(self) -> None:
        """Give the mapping back."""
        wal_index.release(self._index)
