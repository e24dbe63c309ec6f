"""How many resolutions there were by minute, mode and outcome: in runtime.db, which may be lost.

Every process adds to the same rows, so one that starts again within a minute takes nothing away.
A count of 0 says that a process was there and had nothing to resolve.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from flagctl.domain.impact import CountKey, minute_of
from flagctl.store.files import DataFiles
from flagctl.store.runtime_file import UNREADABLE, reading_notes
from flagctl.vocabulary import Mode, ResolutionOutcome

COUNTS_KEPT_FOR: Final = timedelta(days=7)
AHEAD_KEPT_FOR: Final = timedelta(hours=1)
"""What was counted while the clock was wrong is forgotten."""

ROWS_KEPT: Final = 200_000
"""More than every mode with every outcome in each minute of 7 days: a bound on flips by the
second, each of which begins rows of its own."""

WITHOUT_STORE: Final = -1

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS resolution_count (
    minute INTEGER NOT NULL,
    mode TEXT NOT NULL,
    outcome TEXT NOT NULL,
    revision INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (minute, mode, outcome, revision)
) WITHOUT ROWID
"""

_ADD: Final = """
INSERT INTO resolution_count VALUES (:minute, :mode, :outcome, :revision, :count)
ON CONFLICT (minute, mode, outcome, revision) DO UPDATE SET count = count + excluded.count
"""

_PURGE: Final = """
DELETE FROM resolution_count
WHERE minute < :oldest OR minute > :newest
OR minute <= (SELECT minute FROM resolution_count ORDER BY minute DESC LIMIT 1 OFFSET :rows_kept)
"""

_BETWEEN: Final = """
SELECT minute, mode, outcome, revision, count FROM resolution_count
WHERE minute BETWEEN :first AND :last ORDER BY minute
"""


def add(connection: sqlite3.Connection, counts: Mapping[CountKey, int]) -> None:
    """Add to what is there, inside of the caller's transaction."""
    connection.executemany(_ADD, [_row(key, count) for key, count in counts.items()])


def purge(connection: sqlite3.Connection, now: datetime) -> None:
    """Forget what is too old, and what is ahead of any clock that is right."""
    bounds = {
        "oldest": minute_of(now - COUNTS_KEPT_FOR),
        "newest": minute_of(now + AHEAD_KEPT_FOR),
        "rows_kept": ROWS_KEPT,
    }
    connection.execute(_PURGE, bounds)


def counts_between(files: DataFiles, first: int, last: int) -> dict[CountKey, int] | None:
    """Return the counts of the minutes from `first` to `last`; `None` when they can't be read."""
    try:
        with reading_notes(files.runtime) as connection:
            return _read(connection, first, last) if connection else {}
    except UNREADABLE:
        return None


def _read(connection: sqlite3.Connection, first: int, last: int) -> dict[CountKey, int]:
    try:
        found = connection.execute(_BETWEEN, {"first": first, "last": last}).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):  # no process of this version was there yet
            return {}
        raise
    return dict(counted for row in found if (counted := _counted(*row)))


def _row(key: CountKey, count: int) -> dict[str, Any]:
    revision = WITHOUT_STORE if key.revision is None else key.revision
    return {**key._asdict(), "revision": revision, "count": count}


def _counted(
    minute: int, mode: str, outcome: str, revision: int, count: Any
) -> tuple[CountKey, int] | None:
    """Return what a row says; `None` for nonsense, or for words of a newer version."""
    try:
        used = None if revision == WITHOUT_STORE else int(revision)
        return CountKey(minute, Mode(mode), ResolutionOutcome(outcome), used), int(count)
    except (ValueError, TypeError):
        return None
