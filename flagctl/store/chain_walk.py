"""A walk over the audit trail's chain in the background: one at a time, and how far it is.

What is under way stands in runtime.db, so that every web process shows it and none begins a
second one. It may be lost; the walk then ends as it would have.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flagctl.domain.audit import NOTHING_VERIFIED, Verification
from flagctl.domain.times import from_text, to_text
from flagctl.store.audit_log import head_of, verify_on
from flagctl.store.connection import BUSY_TIMEOUT_S
from flagctl.store.files import DataFiles
from flagctl.store.reading import reading, rows
from flagctl.store.runtime_file import UNREADABLE, noting, reading_notes
from flagctl.store.trouble import StoreTroubleError
from flagctl.store.verified import Verified, keep_verified

DEAD_AFTER: Final = timedelta(seconds=30)
"""A walk that was not heard of for so long ended with its process."""

AT_ONCE: Final = 500
AT_ONCE_S: Final = 0.003
"""Events between two pauses, and how long they take; other threads of the process wait then."""

TOLD_EVERY: Final = 20
"""Stretches between two notes of how far the walk is."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS chain_walk (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    by TEXT NOT NULL,
    started_at TEXT NOT NULL,
    heard_at TEXT NOT NULL,
    events INTEGER NOT NULL,
    whole INTEGER NOT NULL,
    trouble TEXT
)
"""

_BEGIN: Final = """
INSERT INTO chain_walk VALUES (1, :by, :now, :now, 0, :whole, NULL)
ON CONFLICT (id) DO UPDATE SET
    by = excluded.by, started_at = excluded.started_at, heard_at = excluded.heard_at,
    events = 0, whole = excluded.whole, trouble = NULL
WHERE chain_walk.trouble IS NOT NULL OR chain_walk.heard_at <= :dead
"""


@dataclass(frozen=True, slots=True)
class ChainWalk:
    """A walk that is under way, or was given up: `trouble` then says why.

    `by` is who asked for it (`person:alice`), `events` how many were looked at of the `whole`.
    """

    by: str
    started_at: datetime
    heard_at: datetime
    events: int
    whole: int
    trouble: str | None = None

    def is_alive(self, now: datetime) -> bool:
        """Tell whether it goes on."""
        return self.trouble is None and now - self.heard_at < DEAD_AFTER


def begin_walk(files: DataFiles, by: str, now: datetime) -> bool:
    """Say that a walk begins; `False` when one is under way already.

    Raises:
        StoreTroubleError: the trail can't be read, or nothing can be noted.

    """
    with reading(files) as control:
        whole, _ = head_of(control)
    wanted = {"by": by, "now": to_text(now), "whole": whole, "dead": to_text(now - DEAD_AFTER)}
    with noting(files.runtime, _SCHEMA) as connection:
        return connection.execute(_BEGIN, wanted).rowcount == 1


def walk_chain(
    files: DataFiles,
    by: str,
    clock: Callable[[], datetime],
    pause: Callable[[], None],
    busy_timeout_s: float = BUSY_TIMEOUT_S,
) -> None:
    """Walk over the whole trail, with a `pause` after each stretch, and keep what was found.

    Trouble ends the walk and is kept instead.
    """
    try:
        found = _walked(files, clock, pause, busy_timeout_s)
        keep_verified(files, Verified(clock(), by, found))
        with noting(files.runtime, _SCHEMA) as connection:
            connection.execute("DELETE FROM chain_walk")
    except StoreTroubleError as error:
        _give_up(files, str(error))


def walk_under_way(files: DataFiles) -> ChainWalk | None:
    """Return the walk that was begun and came to no end; `None` when nothing can be read."""
    try:
        with reading_notes(files.runtime) as connection:
            found = list(rows(connection, "SELECT * FROM chain_walk")) if connection else []
        return _walk(found[0]) if found else None
    except (*UNREADABLE, ValueError):
        return None


def _walked(
    files: DataFiles,
    clock: Callable[[], datetime],
    pause: Callable[[], None],
    busy_timeout_s: float,
) -> Verification:
    found = NOTHING_VERIFIED
    while True:
        # A reading of its own each time: one as long as the walk would keep the log from shrinking.
        with reading(files, busy_timeout_s) as control:
            for _ in range(TOLD_EVERY):
                before = found
                found = verify_on(control, before, at_most=AT_ONCE)
                if not found.holds or found.events - before.events < AT_ONCE:
                    return found
                pause()
        _note(files, found.events, clock())


def _note(files: DataFiles, events: int, now: datetime) -> None:
    with noting(files.runtime, _SCHEMA) as connection:
        connection.execute("UPDATE chain_walk SET events = ?, heard_at = ?", (events, to_text(now)))


def _give_up(files: DataFiles, trouble: str) -> None:
    # If not even that can be told, the note is soon too old to count.
    with suppress(StoreTroubleError), noting(files.runtime, _SCHEMA) as connection:
        connection.execute("UPDATE chain_walk SET trouble = ?", (trouble,))


def _walk(row: dict[str, Any]) -> ChainWalk:
    return ChainWalk(
        by=row["by"],
        started_at=from_text(row["started_at"]),
        heard_at=from_text(row["heard_at"]),
        events=int(row["events"]),
        whole=int(row["whole"]),
        trouble=row["trouble"],
    )
