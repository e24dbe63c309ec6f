"""Bringing control.db to the schema of this version, also when two processes start at once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from flagctl.paths import data_path
from flagctl.store.connection import open_connection, schema_revision
from flagctl.store.files import DataFiles
from flagctl.store.filesystem import create_file, only_one, prepare_directory
from flagctl.store.schema import HEAD_REVISION, SCHEMA_REVISIONS
from flagctl.store.trouble import StoreTroubleError, Trouble, from_sqlite


def upgrade(files: DataFiles) -> bool:
    """Make or upgrade control.db; return whether there was anything to do.

    Raises:
        StoreTroubleError: the file is damaged, locked, not writable or of a newer schema.
        MisconfiguredError: the directory lies on a network file system.

    """
    prepare_directory(files.directory)
    try:
        if _revision(files.control) == HEAD_REVISION:
            return False
        with only_one(files.directory / "upgrade.lock"):
            return _upgrade(files.control)
    except sqlite3.Error as error:
        raise from_sqlite(error, files.control) from error
    except PermissionError as error:
        raise StoreTroubleError(Trouble.READ_ONLY, files.control, str(error)) from error


def _revision(path: Path) -> str | None:
    if not path.exists():
        return None
    with closing(open_connection(path)) as connection:
        return schema_revision(connection)


def _upgrade(path: Path) -> bool:
    found = _revision(path)
    if found == HEAD_REVISION:
        return False
    if found is not None and found not in SCHEMA_REVISIONS:
        raise StoreTroubleError(Trouble.NEWER_SCHEMA, path)
    create_file(path)
    with closing(open_connection(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    _run_alembic(path)
    return True


def _run_alembic(path: Path) -> None:
    # Imported here: it takes longer than everything else that a command does.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    engine = create_engine("sqlite://", creator=lambda: open_connection(path), poolclass=NullPool)
    event.listen(engine, "begin", lambda it: it.exec_driver_sql("BEGIN IMMEDIATE"))
    config = Config()
    config.set_main_option("script_location", str(data_path("migrations")))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
