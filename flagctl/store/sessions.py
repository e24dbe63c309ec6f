"""Who is signed in, and who tried in vain: in runtime.db, which may be lost at any time.

Losing it costs everybody a sign-in. Only the hash of a session's token is kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flagctl.domain.access import token_hash
from flagctl.domain.times import from_text, to_text
from flagctl.store.files import DataFiles
from flagctl.store.reading import rows
from flagctl.store.runtime_file import noting, reading_notes
from flagctl.store.trouble import from_sqlite

IDLE_LIMIT: Final = timedelta(hours=12)
ABSOLUTE_LIMIT: Final = timedelta(days=7)
SEEN_EVERY: Final = timedelta(minutes=1)
"""How exactly the last use is kept; writing it at each request would be a write for each read."""

FAILURES_KEPT_FOR: Final = timedelta(minutes=15)

_SCHEMA: Final = (
    """
    CREATE TABLE IF NOT EXISTS session (
        token_hash TEXT PRIMARY KEY,
        person_id INTEGER NOT NULL,
        started_at TEXT NOT NULL,
        seen_at TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS session_by_person ON session (person_id)",
    """
    CREATE TABLE IF NOT EXISTS sign_in_failure (
        address TEXT NOT NULL,
        name TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS sign_in_failure_by_time ON sign_in_failure (at)",
)


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """One signed-in browser."""

    token_hash: str
    person_id: int
    started_at: datetime
    seen_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Tell whether it was idle for too long, or is too old altogether."""
        return now - self.seen_at >= IDLE_LIMIT or now - self.started_at >= ABSOLUTE_LIMIT


@dataclass(frozen=True, slots=True)
class Failures:
    """How often signing in failed lately: from one address, for one person, and both at once."""

    of_address: int
    of_person: int
    of_both: int


class Sessions:
    """The sessions and failed sign-ins of a data directory; a connection for each use.

    Every method raises `StoreTroubleError` when runtime.db can't be used.
    """

    def __init__(self, files: DataFiles) -> None:
        self._path = files.runtime

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with noting(self._path, *_SCHEMA) as connection:
            # A sign-out must survive a power cut, else the session would be back.
            connection.execute("PRAGMA synchronous=FULL")
            yield connection

    def start(self, token: str, person_id: int, now: datetime) -> None:
        """Keep a new session; those that are over go at the same time."""
        with self._connected() as connection:
            connection.execute(
                "DELETE FROM session WHERE seen_at <= ? OR started_at <= ?",
                (to_text(now - IDLE_LIMIT), to_text(now - ABSOLUTE_LIMIT)),
            )
            connection.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?)",
                (token_hash(token), person_id, to_text(now), to_text(now)),
            )

    def find(self, token: str, now: datetime, *, is_use: bool = True) -> BrowserSession | None:
        """Return the session of this token unless it is over; a use keeps it from being idle."""
        session = self._found(token)
        if session is None or session.is_over(now):
            return None
        if is_use and now - session.seen_at >= SEEN_EVERY:
            with self._connected() as connection:
                connection.execute(
                    "UPDATE session SET seen_at = ? WHERE token_hash = ?",
                    (to_text(now), session.token_hash),
                )
        return session

    def _found(self, token: str) -> BrowserSession | None:
        try:
            with reading_notes(self._path) as connection:
                return _find(connection, token) if connection else None
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):  # nobody signed in since the file was made
                return None
            raise from_sqlite(error, self._path) from error
        except sqlite3.Error as error:
            raise from_sqlite(error, self._path) from error

    def end(self, token: str) -> None:
        """Sign one browser out."""
        with self._connected() as connection:
            connection.execute("DELETE FROM session WHERE token_hash = ?", (token_hash(token),))

    def end_all(self, person_id: int) -> int:
        """Sign a person out everywhere; return of how many browsers."""
        with self._connected() as connection:
            done = connection.execute("DELETE FROM session WHERE person_id = ?", (person_id,))
            return done.rowcount

    def end_everywhere(self) -> None:
        """Sign everybody out."""
        with self._connected() as connection:
            connection.execute("DELETE FROM session")

    def count(self, person_id: int, now: datetime) -> int:
        """Return in how many browsers a person is signed in."""
        with self._connected() as connection:
            found = rows(
                connection, "SELECT * FROM session WHERE person_id = :id", {"id": person_id}
            )
            return sum(not _session(row).is_over(now) for row in found)

    def note_failure(self, address: str, name: str, now: datetime) -> None:
        """Keep that signing in failed; what is old goes at the same time."""
        with self._connected() as connection:
            connection.execute(
                "DELETE FROM sign_in_failure WHERE at <= ?", (to_text(now - FAILURES_KEPT_FOR),)
            )
            connection.execute(
                "INSERT INTO sign_in_failure VALUES (?, ?, ?)", (address, name, to_text(now))
            )

    def failures(self, address: str, name: str, now: datetime) -> Failures:
        """Return how often signing in failed within the last 15 minutes."""
        with self._connected() as connection:
            row = connection.execute(
                "SELECT total(address = :address), total(name = :name), "
                "total(address = :address AND name = :name) "
                "FROM sign_in_failure WHERE at > :since",
                {"address": address, "name": name, "since": to_text(now - FAILURES_KEPT_FOR)},
            ).fetchone()
            return Failures(*map(int, row))

    def forget_failures(self, address: str, name: str) -> None:
        """Let a person who signed in start from nothing again at this address."""
        with self._connected() as connection:
            connection.execute(
                "DELETE FROM sign_in_failure WHERE address = ? AND name = ?", (address, name)
            )


def _find(connection: sqlite3.Connection, token: str) -> BrowserSession | None:
    found = rows(
        connection,
        "SELECT * FROM session WHERE token_hash = :hash",
        {"hash": token_hash(token)},
    )
    return next(map(_session, found), None)


def _session(row: dict[str, str | int]) -> BrowserSession:
    return BrowserSession(
        token_hash=str(row["token_hash"]),
        person_id=int(row["person_id"]),
        started_at=from_text(str(row["started_at"])),
        seen_at=from_text(str(row["seen_at"])),
    )
