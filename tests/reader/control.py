"""Changing control.db below the write path, where a test needs speed or nonsense."""

import sqlite3

from flagctl.vocabulary import FlagKind, Mode

FLAG = """
    INSERT INTO flag (kind, mode, owner, reason, started_by, started_at, first_started_at,
                      expires_at, extensions, revision)
    VALUES (:kind, :mode, 'anna', 'a test', 'os:anna', '2026-05-01T12:00:00.000000Z',
            '2026-05-01T12:00:00.000000Z', '2026-05-01T16:00:00.000000Z', 0, :revision)
"""


def next_revision(connection: sqlite3.Connection) -> int:
    """Commit the next revision, and nothing else, and return it."""
    found = connection.execute("UPDATE control SET revision = revision + 1 RETURNING revision")
    return int(found.fetchall()[0][0])


def raise_flag(connection: sqlite3.Connection, kind: FlagKind, mode: Mode | str) -> int:
    """Commit a flag instead of the active one of its kind, and return the revision."""
    connection.execute("BEGIN IMMEDIATE")
    revision = next_revision(connection)
    connection.execute(
        "UPDATE flag SET ended_at = started_at WHERE kind = ? AND ended_at IS NULL", (kind,)
    )
    connection.execute(FLAG, {"kind": kind, "mode": mode, "revision": revision})
    connection.execute("COMMIT")
    return revision


def end_flag(connection: sqlite3.Connection, kind: FlagKind) -> int:
    """Commit the end of the active flag of this kind, and return the revision."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "UPDATE flag SET ended_at = started_at WHERE kind = ? AND ended_at IS NULL", (kind,)
    )
    revision = next_revision(connection)
    connection.execute("COMMIT")
    return revision
