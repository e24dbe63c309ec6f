"""Opening runtime.db, and making it anew when it is missing or of no use."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from flagctl.store.connection import open_connection
from flagctl.store.filesystem import create_file, only_one
from flagctl.store.kept import kept_at
from flagctl.store.trouble import StoreTroubleError, Trouble, from_sqlite

BUSY_TIMEOUT_S: Final = 0.1
"""Long enough for another heartbeat, too short for anybody to notice."""

UNREADABLE: Final = (sqlite3.Error, OSError, StoreTroubleError)
"""What reading may end with."""

VERSION: Final = 3
"""A new table needs no new version; a table of another shape does, and loses what is there."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS process (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    role TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at TEXT NOT NULL,
    heard_at REAL NOT NULL,
    pin TEXT,
    mode TEXT NOT NULL,
    configured TEXT NOT NULL,
    source TEXT NOT NULL,
    freshness TEXT NOT NULL,
    revision INTEGER,
    in_flight TEXT NOT NULL,
    first_used TEXT NOT NULL
) WITHOUT ROWID
"""

# What is damaged, or is not the file that this version made.
_BEYOND_USE: Final = frozenset(
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR}
)

Identity = tuple[int, int]


def identity(path: str | Path) -> Identity | None:
    """Return which file lies at the path, `None` if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - paid for with every heartbeat
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def is_beyond_use(error: Exception) -> bool:
    """Tell whether only a new file helps."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BEYOND_USE


def open_or_make(path: Path) -> sqlite3.Connection:
    """Return a connection to runtime.db for writing.

    Raises:
        sqlite3.Error: the file can't be used now.
        OSError: it can't be made, or another process takes too long to make it.

    """
    return _opened(path) or _made(path)


def open_to_read(path: Path, *, check_same_thread: bool = True) -> sqlite3.Connection | None:
    """Return a connection for reading, or `None` when there is nothing of this version to read."""
    if not path.exists():
        return None
    return _of_this_version(
        open_connection(
            path, mode="ro", busy_timeout_s=BUSY_TIMEOUT_S, check_same_thread=check_same_thread
        )
    )


@contextmanager
def reading_notes(path: Path) -> Iterator[sqlite3.Connection | None]:
    """Give a connection for reading runtime.db, `None` when there is nothing of this version.

    Raises one of `UNREADABLE` when the file can't be read.
    """
    kept = kept_at(path)
    if kept is not None:
        with kept.borrowed() as again:
            yield again
        return
    connection = open_to_read(path)
    if connection is None:
        yield None
        return
    with closing(connection):
        yield connection


@contextmanager
def noting(path: Path, *schema: str) -> Iterator[sqlite3.Connection]:
    """Give a connection to runtime.db for writing, with the tables of a `schema` made.

    Raises:
        StoreTroubleError: the file can't be used, or could not be on the way.

    """
    try:
        with closing(open_or_make(path)) as connection:
            for statement in schema:
                connection.execute(statement)
            yield connection
    except sqlite3.Error as error:
        raise from_sqlite(error, path) from error
    except OSError as error:
        raise StoreTroubleError(Trouble.IO, path, str(error)) from error


def set_aside(path: Path, damaged: Identity) -> None:
    """Keep a file beyond use under another name, unless another process already did.

    Raises:
        OSError: it can't be renamed, or another process takes too long about it.

    """
    with only_one(_lock(path), wait_s=BUSY_TIMEOUT_S):
        if identity(path) == damaged:
            _set_aside(path)


def _opened(path: Path) -> sqlite3.Connection | None:
    if not path.exists():
        return None
    connection = _of_this_version(_open(path))
    if connection is not None:
        connection.execute(_SCHEMA)
    return connection


def _open(path: Path) -> sqlite3.Connection:
    connection = open_connection(path, busy_timeout_s=BUSY_TIMEOUT_S, check_same_thread=False)
    # It may be lost, so nobody waits for the disk: a machine that goes down may leave a damaged
    # file, which is set aside; a process that does, leaves it whole.
    connection.execute("PRAGMA synchronous=OFF")
    return connection


def _of_this_version(connection: sqlite3.Connection) -> sqlite3.Connection | None:
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except BaseException:
        connection.close()
        raise
    if version == VERSION:
        return connection
    connection.close()
    return None


def _made(path: Path) -> sqlite3.Connection:
    with only_one(_lock(path), wait_s=BUSY_TIMEOUT_S):
        connection = _opened(path)  # another process may have been quicker
        if connection is None:
            _set_aside(path)
            create_file(path)
            connection = _open(path)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(_SCHEMA)
            connection.execute(f"PRAGMA user_version={VERSION}")
    return connection


def _set_aside(path: Path) -> None:
    """Rename the file and remove what SQLite keeps beside it, which would be the new one's."""
    if path.exists():
        path.replace(path.with_name(f"{path.name}.set-aside"))
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _lock(path: Path) -> Path:
    return path.with_name("runtime.lock")
