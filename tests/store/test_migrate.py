"""Making and upgrading control.db, also by several processes at once."""

import os
import sqlite3
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from flagctl.domain.audit import AuditEvent
from flagctl.domain.flag import Flag
from flagctl.paths import data_path
from flagctl.store import migrate, tables
from flagctl.store.connection import open_connection, schema_revision
from flagctl.store.files import DataFiles
from flagctl.store.migrate import make_file, upgrade
from flagctl.store.reading import read_state, reading
from flagctl.store.schema import HEAD_REVISION, SCHEMA_REVISIONS
from flagctl.store.trouble import StoreTroubleError, Trouble
from flagctl.store.writing import ControlStore
from tests.store.acts import roll_back
from tests.store.processes import run_together

TRIGGERS = {"audit_event_no_update", "audit_event_no_delete", "audit_event_no_replace"}


def triggers_of(path: Path) -> set[str]:
    with closing(open_connection(path)) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return {name for (name,) in found.fetchall()}


def test_an_upgrade_makes_the_audit_triggers(tmp_path: Path) -> None:
    files = DataFiles(tmp_path / "data")
    assert upgrade(files)
    assert triggers_of(files.control) == TRIGGERS
    assert not upgrade(files)


STARTS = """
import sys
from pathlib import Path
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
sys.stdin.readline()
print(upgrade(DataFiles(Path(sys.argv[1]))))
"""


@pytest.mark.parametrize("count", [2, 8])
def test_processes_that_start_at_once_on_nothing_make_one_database(
    tmp_path: Path, count: int
) -> None:
    directory = tmp_path / "not" / "yet"
    answers = sorted(run_together(STARTS, [[str(directory)]] * count))
    assert answers == ["False\n"] * (count - 1) + ["True\n"]
    assert triggers_of(directory / "control.db") == TRIGGERS


def test_a_start_from_every_older_schema_ends_at_the_newest(tmp_path: Path) -> None:
    for schema in SCHEMA_REVISIONS[:-1]:
        files = DataFiles(tmp_path / schema)
        files.directory.mkdir()
        make_file(files.control, schema)
        assert upgrade(files)
        with closing(open_connection(files.control)) as connection:
            assert schema_revision(connection) == HEAD_REVISION
        assert triggers_of(files.control) == TRIGGERS


def test_the_schemas_that_the_code_knows_are_those_of_the_migrations() -> None:
    scripts = ScriptDirectory(str(data_path("migrations")))
    oldest_first = reversed(list(scripts.walk_revisions()))
    assert tuple(script.revision for script in oldest_first) == SCHEMA_REVISIONS


def test_the_tables_of_the_code_are_those_of_the_migrations(files: DataFiles) -> None:
    own = {table.__tablename__ for table in vars(tables).values() if hasattr(table, "__table__")}
    assert own == set(SQLModel.metadata.tables)
    engine = create_engine("sqlite://", creator=lambda: open_connection(files.control))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


@pytest.mark.parametrize(("table", "record"), [("flag", Flag), ("audit_event", AuditEvent)])
def test_a_record_of_the_domain_fills_every_column_of_its_table(
    files: DataFiles, table: str, record: type[Flag | AuditEvent]
) -> None:
    with reading(files) as connection:
        found = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        assert {name for (name,) in found} == {field.name for field in fields(record)}


def test_no_migration_offers_a_way_back() -> None:
    scripts = ScriptDirectory(str(data_path("migrations")))
    assert not [each for each in scripts.walk_revisions() if hasattr(each.module, "downgrade")]
    assert not hasattr(migrate, "downgrade")


def test_a_newer_schema_is_refused_and_left_alone(files: DataFiles) -> None:
    with closing(open_connection(files.control)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreTroubleError, match="newer version of flagctl") as caught:
        upgrade(files)
    assert caught.value.trouble is Trouble.NEWER_SCHEMA
    with closing(open_connection(files.control)) as connection:
        assert schema_revision(connection) == "9999"


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    files = DataFiles(tmp_path)
    with closing(sqlite3.connect(files.control)) as connection:
        connection.execute("CREATE TABLE cats (name)")
    with pytest.raises(StoreTroubleError, match="none of flagctl's") as caught:
        upgrade(files)
    assert caught.value.trouble is Trouble.NOT_OURS
    assert triggers_of(files.control) == set()


def test_a_start_that_was_cut_off_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    files = DataFiles(tmp_path)
    Path(f"{files.control}.new").write_bytes(b"half a database")
    assert upgrade(files)
    assert triggers_of(files.control) == TRIGGERS
    assert [path.name for path in tmp_path.glob("*.new*")] == []


def test_a_database_is_not_made_anew_where_its_wal_still_lies(
    store: ControlStore, files: DataFiles
) -> None:
    roll_back(store)
    files.control.unlink()
    with pytest.raises(StoreTroubleError, match="traces that it held flags") as caught:
        upgrade(files)
    assert caught.value.trouble is Trouble.VANISHED
    assert not files.control.exists()


def test_a_database_is_not_made_anew_where_a_restore_was_cut_off(files: DataFiles) -> None:
    files.control.rename(f"{files.control}.before-restore-20260501T120000Z")
    with pytest.raises(StoreTroubleError, match="before-restore-20260501T120000Z") as caught:
        upgrade(files)
    assert caught.value.trouble is Trouble.VANISHED


def test_a_database_is_not_made_anew_where_its_flags_are_known_still(files: DataFiles) -> None:
    files.control.unlink()
    files.last_known_good.write_text('{"revision": 7, "cutover": null, "rollback": "passthrough"}')
    with pytest.raises(StoreTroubleError, match=r"last-known-good\.json"):
        upgrade(files)
    files.last_known_good.unlink()
    assert upgrade(files)


def test_an_emptied_database_is_not_taken_for_a_new_one(files: DataFiles) -> None:
    os.truncate(files.control, 0)
    with pytest.raises(StoreTroubleError, match="holds no tables") as caught:
        upgrade(files)
    assert caught.value.trouble is Trouble.EMPTY
    assert files.control.stat().st_size == 0


def test_an_upgrade_turns_the_wal_on_again(files: DataFiles) -> None:
    with closing(open_connection(files.control)) as connection:
        assert connection.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    assert upgrade(files)
    with closing(open_connection(files.control)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with reading(files) as connection:
        assert read_state(connection).revision == 0


def test_the_files_are_for_the_group_of_the_directory_only(tmp_path: Path) -> None:
    files = DataFiles(tmp_path / "data")
    upgrade(files)
    assert files.directory.stat().st_mode & 0o7777 == 0o2770
    with reading(files):
        beside = [files.control, Path(f"{files.control}-wal"), Path(f"{files.control}-shm")]
        assert [path.stat().st_mode & 0o777 for path in beside] == [0o660] * 3


def test_a_directory_with_a_percent_sign_in_its_name_can_be_used(tmp_path: Path) -> None:
    assert upgrade(DataFiles(tmp_path / "100%s"))
