"""What the last walk over the audit trail's chain came to: in runtime.db, which may be lost.

It is a note, no proof: whoever may write the trail may write the note. So the page that shows it
also looks whether the trail still has the head that was found.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flagctl.domain.audit import GENESIS_HASH, Verification
from flagctl.domain.times import from_text, to_text
from flagctl.store.files import DataFiles
from flagctl.store.reading import rows
from flagctl.store.runtime_file import UNREADABLE, noting, reading_notes

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS verification (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at TEXT NOT NULL,
    by TEXT NOT NULL,
    events INTEGER NOT NULL,
    head_hash TEXT NOT NULL,
    broken_id INTEGER,
    problem TEXT
)
"""

_KEEP: Final = """
INSERT OR REPLACE INTO verification
VALUES (1, :at, :by, :events, :head_hash, :broken_id, :problem)
"""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found, when it was looked at, and by whom (`os:alice`)."""

    at: datetime
    by: str
    found: Verification


@dataclass(frozen=True, slots=True)
class Standing:
    """The last verification beside the trail of now.

    `newer` counts the events that came after it; `is_there` tells whether the newest event that
    was verified still has the hash that was found.
    """

    verified: Verified
    newer: int
    is_there: bool


def keep_verified(files: DataFiles, verified: Verified) -> None:
    """Keep the result instead of the one before; `StoreTroubleError` when it can't be kept."""
    found = verified.found
    row = {
        "at": to_text(verified.at),
        "by": verified.by,
        "events": found.events,
        "head_hash": found.head_hash,
        "broken_id": found.broken_id,
        "problem": found.problem,
    }
    with noting(files.runtime, _SCHEMA) as connection:
        connection.execute(_KEEP, row)


def standing(files: DataFiles, control: sqlite3.Connection) -> Standing | None:
    """Return what is known of the chain; `None` when no result is on record, or none readable."""
    verified = _last(files)
    if verified is None:
        return None
    found = verified.found
    (newest,) = control.execute("SELECT max(id) FROM audit_event").fetchone()
    head = control.execute("SELECT hash FROM audit_event WHERE id = ?", (found.events,)).fetchone()
    is_there = (head[0] if head else None) == found.head_hash
    return Standing(
        verified,
        newer=max(0, (newest or 0) - found.events),
        is_there=is_there or (found.events == 0 and found.head_hash == GENESIS_HASH),
    )


def _last(files: DataFiles) -> Verified | None:
    try:
        with reading_notes(files.runtime) as connection:
            query = "SELECT * FROM verification"
            found = list(rows(connection, query)) if connection else []
        return _verified(found[0]) if found else None
    except (*UNREADABLE, ValueError):  # without a note, the page says that there is none
        return None


def _verified(row: dict[str, Any]) -> Verified:
    found = Verification(int(row["events"]), row["head_hash"], row["broken_id"], row["problem"])
    return Verified(from_text(row["at"]), row["by"], found)
