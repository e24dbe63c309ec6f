"""Connections to the store's files, each with the PRAGMAs that SQLite keeps per connection."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from flagctl.store.schema import HEAD_REVISION, SCHEMA_REVISIONS
from flagctl.store.trouble import StoreTroubleError, Trouble, explained

BUSY_TIMEOUT_S: Final = 5.0


def open_connection(
    path: Path,
    *,
    mode: str = "rw",
    busy_timeout_s: float = BUSY_TIMEOUT_S,
    check_same_thread: bool = True,
) -> sqlite3.Connection:
    """Return a connection in autocommit, `mode` being SQLite's `ro`, `rw` or `rwc`.

    Raises:
        sqlite3.Error: the file can't be opened.

    """
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=busy_timeout_s,
        check_same_thread=check_same_thread,
    )
    try:
        set_pragmas(connection, busy_timeout_s)
    except BaseException:
        connection.close()
        raise
    return connection


def set_pragmas(connection: sqlite3.Connection, busy_timeout_s: float) -> None:
    """Set what every connection needs, durability above all."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"PRAGMA busy_timeout={int(busy_timeout_s * 1000)}")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA trusted_schema=OFF")


def open_control_for_reading(
    path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S, check_same_thread: bool = True
) -> sqlite3.Connection:
    """Return a read-only connection to control.db after checking that its schema is ours.

    Raises:
        StoreTroubleError: the file is missing, empty, locked, damaged or of another schema.

    """
    with explained(path):
        connection = open_connection(
            path, mode="ro", busy_timeout_s=busy_timeout_s, check_same_thread=check_same_thread
        )
        try:
            require_schema(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def require_readable(path: Path) -> None:
    """Raise `StoreTroubleError` unless the file is a database that can be read."""
    with explained(path), closing(open_connection(path, mode="ro")) as connection:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def require_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `StoreTroubleError` unless control.db has exactly the schema of this version."""
    found = schema_revision(connection)
    if found == HEAD_REVISION:
        return
    if found is None:
        raise StoreTroubleError(Trouble.EMPTY, path)
    known = found in SCHEMA_REVISIONS
    raise StoreTroubleError(Trouble.OLDER_SCHEMA if known else Trouble.NEWER_SCHEMA, path)


def schema_revision(connection: sqlite3.Connection) -> str | None:
    """Return Alembic's revision of the file, or `None` when it has none."""
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise
    return None if row is None else str(row[0])
