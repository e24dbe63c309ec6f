"""Connections that are kept answer as new ones would, whatever becomes of the file."""

import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile
from threading import Barrier

import pytest

from flagctl.domain.change import Actor, RollBack
from flagctl.domain.gate import Facts
from flagctl.store.connection import open_connection
from flagctl.store.files import DataFiles
from flagctl.store.heard import heard_of
from flagctl.store.kept import IDLE_AT_MOST, KeptConnections, keep_no_more
from flagctl.store.migrate import upgrade
from flagctl.store.reading import keep_reading, read_state, reading
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.runtime_file import reading_notes
from flagctl.store.trouble import StoreTroubleError, Trouble
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Door, Mode, Role
from tests.reports import report

ROOT = Actor("os:root", Role.ADMIN, Door.CLI)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[DataFiles]:
    files = DataFiles(tmp_path)
    upgrade(files)
    keep_reading(files, 0.05)
    yield files
    keep_no_more(files.control)
    keep_no_more(files.runtime)


def roll_back(files: DataFiles) -> None:
    store = ControlStore(files, lambda: datetime.now(UTC))
    store.apply(RollBack(Mode.PASSTHROUGH, "p99"), ROOT, Facts())
    store.close()


def revision(files: DataFiles) -> int:
    with reading(files) as connection:
        return read_state(connection).revision


def borrowed(files: DataFiles) -> sqlite3.Connection:
    with reading(files) as connection:
        return connection


def ask(files: DataFiles, query: str) -> None:
    with reading(files) as connection:
        connection.execute(query)


def ask_kept(kept: KeptConnections, query: str) -> None:
    with kept.borrowed() as connection:
        assert connection is not None
        connection.execute(query)


def give_up_half_way(files: DataFiles) -> None:
    with reading(files) as connection:
        connection.execute("SELECT * FROM flag")
        raise KeyError


def trouble(files: DataFiles) -> Trouble:
    with pytest.raises(StoreTroubleError) as raised:
        revision(files)
    return raised.value.trouble


def test_the_same_connection_is_used_again_and_sees_each_commit(files: DataFiles) -> None:
    first = borrowed(files)
    assert revision(files) == 0
    roll_back(files)
    assert revision(files) == 1
    assert borrowed(files) is first


def test_what_is_read_is_of_one_moment(files: DataFiles) -> None:
    with reading(files) as connection:
        assert read_state(connection).revision == 0
        roll_back(files)
        assert read_state(connection).revision == 0
    assert revision(files) == 1


def test_another_file_in_its_place_is_read(files: DataFiles, tmp_path: Path) -> None:
    other = DataFiles(tmp_path / "other")
    other.directory.mkdir()
    upgrade(other)
    roll_back(other)
    assert revision(files) == 0
    with open_connection(other.control) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    copyfile(other.control, tmp_path / "next")
    for suffix in ("-wal", "-shm"):
        Path(f"{files.control}{suffix}").unlink()
    (tmp_path / "next").rename(files.control)
    assert revision(files) == 1


def test_a_file_that_goes_or_is_spoilt_is_trouble_and_comes_back(files: DataFiles) -> None:
    assert revision(files) == 0
    away = files.control.rename(files.directory / "away")
    assert trouble(files) is Trouble.MISSING
    files.control.write_bytes(b"no database" * 999)
    assert trouble(files) is Trouble.CORRUPT
    files.control.write_bytes(b"")
    assert trouble(files) is Trouble.EMPTY
    away.rename(files.control)
    assert revision(files) == 0


def test_a_schema_that_changes_under_a_kept_connection_is_told(files: DataFiles) -> None:
    assert revision(files) == 0
    with open_connection(files.control) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'newer'")
    assert trouble(files) is Trouble.NEWER_SCHEMA
    connection.close()


def test_many_threads_at_once_get_a_connection_each_and_few_are_kept(files: DataFiles) -> None:
    many = 2 * IDLE_AT_MOST
    first, second = (used_at_once(files, many) for _ in range(2))
    assert len(first) == len(second) == many
    assert len(first & second) == IDLE_AT_MOST


def used_at_once(files: DataFiles, many: int) -> set[sqlite3.Connection]:
    barrier = Barrier(many)

    def read(_: int) -> sqlite3.Connection:
        with reading(files) as connection:
            barrier.wait(30)
            read_state(connection)
            return connection

    with ThreadPoolExecutor(many) as threads:
        return set(threads.map(read, range(many)))


def open_descriptors_of(path: Path) -> int:
    links = Path("/proc/self/fd").iterdir()
    return sum(os.path.realpath(link) == str(path) for link in links)


def test_a_connection_that_failed_is_not_used_again(files: DataFiles) -> None:
    first = borrowed(files)
    with pytest.raises(StoreTroubleError):
        ask(files, "SELECT nonsense FROM flag")
    assert borrowed(files) is not first


def test_a_reader_that_gives_up_half_way_leaves_nothing_behind(files: DataFiles) -> None:
    first = borrowed(files)
    with pytest.raises(KeyError):
        give_up_half_way(files)
    roll_back(files)
    assert revision(files) == 1
    assert borrowed(files) is first


def test_nothing_is_open_over_a_fork(files: DataFiles) -> None:
    roll_back(files)
    assert revision(files) == 1
    child = os.fork()
    if not child:
        os._exit(open_descriptors_of(files.control) or (0 if revision(files) == 1 else 9))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert revision(files) == 1


def test_runtime_db_that_is_not_there_yet_is_read_once_it_is(files: DataFiles) -> None:
    assert heard_of(files) == []
    registry = ProcessRegistry(files)
    registry.beat(report("a"))
    assert [each.id for each in heard_of(files)] == ["a"]
    with reading_notes(files.runtime) as first:
        pass
    with reading_notes(files.runtime) as second:
        pass
    assert first is second


def test_a_table_that_nobody_made_yet_costs_no_new_connection(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    open_connection(path, mode="rwc").close()
    opened = []

    def open_it() -> sqlite3.Connection:
        opened.append(open_connection(path, check_same_thread=False))
        opened[-1].execute("SELECT count(*) FROM sqlite_schema").fetchall()
        return opened[-1]

    kept = KeptConnections(path, open_it)
    for _ in range(3):
        with pytest.raises(sqlite3.OperationalError):
            ask_kept(kept, "SELECT * FROM not_made_yet")
    assert len(opened) == 1
    kept.close()
