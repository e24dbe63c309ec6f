"""The plain change signal: what SQLite itself says."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable


class PlainSignal:
    """`PRAGMA data_version` on a connection that nothing else uses."""

    mapping = None

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.look = _look_on(connection)
        """Returns a number that is another one after every commit of another connection; raises
        `sqlite3.Error` when the file can't be read."""

    def agrees(self) -> bool:
        """Return true: this is what the others are held against."""
        return True

    def close(self) -> None:
        """Do nothing: the connection is not the signal's."""


def _look_on(connection: sqlite3.Connection) -> Callable[[], int]:
    # A closure and not a method: each request that the plain signal serves calls it.
    execute = connection.cursor().execute

    def look() -> int:
        # Unpacking asks for one row too many, so the statement runs to its end: left half read,
        # it would pin the connection to this moment.
        ((version,),) = execute("PRAGMA data_version")
        return version  # type: ignore[no-any-return]

    return look
