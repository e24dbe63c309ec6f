"""The file submissions.db: its schema, how it is opened, and what is told when it can't be."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from flagctl.errors import UnavailableError
from flagctl.store.connection import open_connection
from flagctl.store.filesystem import create_file
from flagctl.store.trouble import Trouble, from_sqlite

SCHEMA_VERSION: Final = 2

READ_BUSY_TIMEOUT_S: Final = 0.01
"""Readers meet a lock only while another process recovers the file, and an event loop waits."""

_SCHEMA: Final = (
    """
    CREATE TABLE IF NOT EXISTS submission (
        id INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        submission_id TEXT NOT NULL,
        tenant_id TEXT NOT NULL,
        workspace_id TEXT NOT NULL,
        job_id TEXT NOT NULL,
        management_node_id TEXT NOT NULL,
        idempotency_key TEXT NOT NULL,
        intent TEXT NOT NULL,
        mode TEXT NOT NULL,
        boundary TEXT NOT NULL,
        dispatcher TEXT NOT NULL,
        trace_id TEXT NOT NULL,
        claimed_at TEXT NOT NULL,
        begun_at TEXT NOT NULL DEFAULT '',
        claimer TEXT,
        state TEXT NOT NULL,
        answer TEXT
    ) STRICT
    """,
    "CREATE INDEX IF NOT EXISTS submission_by_age ON submission (claimed_at)",
    "CREATE INDEX IF NOT EXISTS submission_open ON submission (claimed_at) WHERE answer IS NULL",
    # The Slurm job of a submission, and until when held ones beside it are looked for.
    """
    CREATE TABLE IF NOT EXISTS slurm_job (
        digest TEXT PRIMARY KEY REFERENCES submission (digest) ON DELETE CASCADE,
        job_id INTEGER,
        releases INTEGER NOT NULL DEFAULT 0,
        strays_until TEXT
    ) STRICT
    """,
    "CREATE INDEX IF NOT EXISTS slurm_job_strays ON slurm_job (strays_until) "
    "WHERE strays_until IS NOT NULL",
    f"PRAGMA user_version={SCHEMA_VERSION}",
)

_FROM_VERSION_1: Final = (
    "ALTER TABLE submission ADD COLUMN begun_at TEXT NOT NULL DEFAULT ''",
    "UPDATE submission SET begun_at = claimed_at",
)

_REMEDIES: Final = {
    Trouble.LOCKED: "another process holds it. Look for a hanging one with `fuser`.",
    Trouble.READ_ONLY: "it can't be written. It must belong to the service group with mode 660, "
    "in a data directory with mode 2770.",
    Trouble.NO_PERMISSION: "permission denied. This user must be in the group that owns the data "
    "directory (mode 2770).",
    Trouble.CORRUPT: "it is damaged. Stop the runtime, move it away and start again; retries of "
    "submissions accepted before that are then taken for new ones.",
    Trouble.FULL: "the disk is full. Free some space.",
    Trouble.NEWER_SCHEMA: "it was written by a newer version of flagctl. Install that version, or "
    "move the file away.",
}


class SubmissionsTroubleError(UnavailableError):
    """submissions.db can't be used; nothing was claimed. `trouble` says in which way."""

    def __init__(self, trouble: Trouble, path: Path, cause: str) -> None:
        remedy = _REMEDIES.get(trouble, "it can't be read from or written to the disk.")
        super().__init__(f"{path}: {remedy} ({cause})")
        self.trouble = trouble


def submissions_trouble(error: sqlite3.Error | OSError, path: Path) -> SubmissionsTroubleError:
    """Return what an error means for the person who has to mend it."""
    if isinstance(error, OSError):
        return SubmissionsTroubleError(Trouble.NO_PERMISSION, path, str(error))
    return SubmissionsTroubleError(from_sqlite(error, path).trouble, path, str(error))


def open_for_writing(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    """Return a connection to submissions.db, which is made if it is missing.

    Raises:
        SubmissionsTroubleError: it can't be used.

    """
    try:
        create_file(path)
        connection = open_connection(path, busy_timeout_s=busy_timeout_s, check_same_thread=False)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise submissions_trouble(error, path) from error
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema to this version; two processes may do so at once."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise SubmissionsTroubleError(Trouble.NEWER_SCHEMA, path, f"schema {version}")
    if version < SCHEMA_VERSION:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for statement in (*(_FROM_VERSION_1 if version == 1 else ()), *_SCHEMA):
            connection.execute(statement)
        connection.execute("COMMIT")


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Return a read-only connection that waits for no other process worth mentioning.

    Raises:
        sqlite3.Error: it can't be opened.

    """
    return open_connection(
        path, mode="ro", busy_timeout_s=READ_BUSY_TIMEOUT_S, check_same_thread=False
    )
