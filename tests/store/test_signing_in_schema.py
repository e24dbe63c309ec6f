"""The step from the first schema keeps the people and the triggers of the trail."""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from flagctl.paths import data_path
from flagctl.store.connection import open_connection
from flagctl.store.credentials import read_person
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.reading import reading


def make_first_schema(path: Path) -> None:
    open_connection(path, mode="rwc").close()
    engine = create_engine("sqlite://", creator=lambda: open_connection(path), poolclass=NullPool)
    config = Config()
    config.set_main_option("script_location", str(data_path("migrations")))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")


def triggers(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return {name for (name,) in found}


def test_people_of_the_first_schema_keep_their_names_and_get_utc(tmp_path: Path) -> None:
    files = DataFiles(tmp_path)
    make_first_schema(files.control)
    with closing(open_connection(files.control)) as connection:
        connection.execute(
            "INSERT INTO person (id, name, role, added_at) "
            "VALUES (1, 'alice', 'admin', '2026-05-01T12:00:00.000000Z')"
        )
    before = triggers(files.control)
    assert upgrade(files)
    with reading(files) as connection:
        person = read_person(connection, 1)
    assert person is not None
    assert (person.name, person.time_zone, person.has_password) == ("alice", "UTC", False)
    assert triggers(files.control) == before
    assert len(before) == 3
