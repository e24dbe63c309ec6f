"""Who of many processes runs the reminders, in runtime.db.

Losing runtime.db, or having two runners for a moment, tells nothing twice: each delivery is
claimed in control.db. So that trouble with runtime.db silences nobody, whoever asks then runs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Final

from flagctl.store.files import DataFiles
from flagctl.store.runtime_file import open_or_make
from flagctl.store.uptime import Uptime, ended, ended_bounds

LEASE: Final = timedelta(seconds=7)
"""How long a runner may be silent before another one takes over."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_at TEXT NOT NULL
) WITHOUT ROWID
"""

_TAKE: Final = f"""
INSERT INTO lease VALUES (:name, :holder, :expires_at)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
WHERE lease.holder = excluded.holder OR {ended("lease.expires_at")}
"""  # noqa: S608


class Lease:
    """One name that at most one holder has at a time; `holder` is new with each process."""

    def __init__(
        self, files: DataFiles, uptime: Callable[[], Uptime], name: str, holder: str
    ) -> None:
        self._files = files
        self._uptime = uptime
        self._name = name
        self._holder = holder

    def take(self) -> bool:
        """Take or renew the lease; tell whether this holder has it, or whether nobody can tell."""
        up = self._uptime()
        expires_at = up.later(LEASE).text
        taken = self._changed(_TAKE, expires_at=expires_at, **ended_bounds(up, LEASE))
        return taken is not False

    def release(self) -> None:
        """Give the lease back, so that another process need not wait for its end."""
        self._changed("DELETE FROM lease WHERE name = :name AND holder = :holder")

    def mark(self) -> bool:
        """Leave the name behind until `unmark`; tell whether this was the first to do so."""
        statement = "INSERT OR IGNORE INTO lease VALUES (:name, :holder, :up)"
        return self._changed(statement, up=self._uptime().text) is not False

    def unmark(self) -> None:
        """Take the mark away, whoever left it."""
        self._changed("DELETE FROM lease WHERE name = :name")

    def _changed(self, statement: str, **parameters: str) -> bool | None:
        """Run the statement; tell whether it changed a row, `None` when the file can't be used."""
        own = {"name": self._name, "holder": self._holder, **parameters}
        try:
            with closing(open_or_make(self._files.runtime)) as connection:
                connection.execute(_SCHEMA)
                return connection.execute(statement, own).rowcount > 0
        except BlockingIOError:
            return False  # another process is just making the file, and will run
        except (sqlite3.Error, OSError):
            return None
