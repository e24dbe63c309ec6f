"""Bringing control.db to the schema of this version, also when two processes start at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

from flagctl.domain.effective import NOTHING_KNOWN
from flagctl.paths import data_path
from flagctl.store.connection import open_connection, schema_revision
from flagctl.store.files import DataFiles, and_beside
from flagctl.store.filesystem import create_file, only_one, prepare_directory
from flagctl.store.last_known_good import LastKnownGoodFile
from flagctl.store.schema import HEAD_REVISION, SCHEMA_REVISIONS
from flagctl.store.trouble import StoreTroubleError, Trouble, explained, explained_files


def upgrade(files: DataFiles) -> bool:
    """Make or upgrade control.db; return whether there was anything to do.

    Raises:
        StoreTroubleError: the file is damaged, locked, not writable, of a newer schema, not ours,
            or gone although there are traces that it was there.
        MisconfiguredError: the directory lies on a network file system.

    """
    prepare_directory(files.directory)
    with explained_files(files.control):
        if _is_up_to_date(files.control):
            return False
        with file_lock(files):
            if files.control.exists():
                return bring_up_to_date(files.control)
            _require_no_trace(files)
            _make(files.control)
            return True


def file_lock(files: DataFiles) -> AbstractContextManager[None]:
    """Let only one process at a time make, upgrade or replace control.db."""
    return only_one(files.directory / "upgrade.lock")


def bring_up_to_date(path: Path) -> bool:
    """Upgrade a database file unless it is up to date; return whether there was anything to do.

    The `file_lock` must be held.

    Raises:
        StoreTroubleError: it is missing, damaged, locked, empty, of a newer schema or not ours.

    """
    if _is_up_to_date(path):
        return False
    upgrade_file(path)
    return True


def upgrade_file(path: Path, schema: str = HEAD_REVISION) -> None:
    """Bring one database file to a schema; nobody else may be about to do so.

    Raises:
        StoreTroubleError: it is damaged, locked, empty, of a newer schema or not ours.

    """
    with explained(path):
        with closing(open_connection(path)) as connection:
            _require_known_schema(connection, path)
        _migrate(path, schema)


def make_file(path: Path, schema: str = HEAD_REVISION) -> None:
    """Make a new database file under a name that nobody looks at."""
    for left in and_beside(path):
        left.unlink(missing_ok=True)
    create_file(path)
    with explained(path):
        _migrate(path, schema)


def _migrate(path: Path, schema: str) -> None:
    with closing(open_connection(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    _run_alembic(path, schema)


def _make(path: Path) -> None:
    # Under its own name only when it is whole: so an empty control.db is always trouble.
    new = path.with_name(f"{path.name}.new")
    make_file(new)
    new.rename(path)


def _is_up_to_date(path: Path) -> bool:
    if not path.exists():
        return False
    with explained(path), closing(open_connection(path)) as connection:
        journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
        return journal == "wal" and schema_revision(connection) == HEAD_REVISION


def _require_known_schema(connection: sqlite3.Connection, path: Path) -> None:
    found = schema_revision(connection)
    if found in SCHEMA_REVISIONS:
        return
    if found is not None:
        raise StoreTroubleError(Trouble.NEWER_SCHEMA, path)
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    raise StoreTroubleError(Trouble.NOT_OURS if tables else Trouble.EMPTY, path)


def _require_no_trace(files: DataFiles) -> None:
    """Refuse to begin anew where a database was: the flags that it held would be forgotten.

    A rollback would end, and revisions be used again, with nobody having said so.
    """
    trace = next(_traces(files), None)
    if trace is not None:
        raise StoreTroubleError(Trouble.VANISHED, files.control, f"trace: {trace}")


def _traces(files: DataFiles) -> Iterator[Path]:
    name = files.control.name
    yield from sorted(files.directory.glob(f"{name}.before-restore-*"))
    yield from (wal for wal in files.directory.glob(f"{name}-wal") if wal.stat().st_size)
    if LastKnownGoodFile(files.last_known_good).read() != NOTHING_KNOWN:
        yield files.last_known_good


def _run_alembic(path: Path, schema: str) -> None:
    # Imported here: it takes longer than everything else that a command does.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    engine = create_engine("sqlite://", creator=lambda: open_connection(path), poolclass=NullPool)
    event.listen(engine, "begin", lambda it: it.exec_driver_sql("BEGIN IMMEDIATE"))
    config = Config()
    config.set_main_option("script_location", str(data_path("migrations")).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, schema)
