"""The plain change signal: what SQLite itself says."""

from __future__ import annotations

import sqlite3


class PlainSignal:
    """`PRAGMA data_version` on a connection that nothing else uses."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.cursor().execute

    def look(self) -> int:
        """Return a number that changes with every commit of another connection.

        Raises:
            sqlite3.Error: the file can't be read.

        """
        ((version,),) = self._execute("PRAGMA data_version").fetchall()
        return int(version)
