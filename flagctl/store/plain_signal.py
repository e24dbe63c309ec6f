"""The plain change signal: what SQLite itself says."""

from __future__ import annotations

import sqlite3


class PlainSignal:
    """`PRAGMA data_version` on a connection that nothing else uses."""

    mapping = None

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.cursor().execute

    def look(self) -> int:
        """Return a number that is another one after every commit of another connection.

        Raises:
            sqlite3.Error: the file can't be read.

        """
        # Unpacking asks for one row too many, so the statement runs to its end: left half read,
        # it would pin the connection to this moment.
        ((version,),) = self._execute("PRAGMA data_version")
        return version  # type: ignore[no-any-return]

    def agrees(self) -> bool:
        """Return true: this is what the others are held against."""
        return True

    def close(self) -> None:
        """Do nothing: the connection is not the signal's."""
