"""A restore in place of a control.db that is gone or damaged: never above what may have held."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from flagctl.domain.change import RollBack
from flagctl.errors import InvalidError
from flagctl.store.backup import backup
from flagctl.store.connection import open_connection
from flagctl.store.examine import check
from flagctl.store.files import DataFiles
from flagctl.store.last_known_good import LastKnownGoodFile
from flagctl.store.migrate import upgrade
from flagctl.store.mode_reader import ModeReader
from flagctl.store.reading import read_state, reading
from flagctl.store.restore import Restored, restore
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.trouble import StoreTroubleError, Trouble
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Freshness, Mode
from tests.domain.samples import state
from tests.reports import report
from tests.store.acts import ANNA, NOON, MovedClock, cut_over, end_rollback, facts, roll_back
from tests.store.tampering import damage

Spoil = Callable[[Path], object]


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def write_nonsense(path: Path) -> None:
    with closing(open_connection(path)) as connection:
        connection.execute("UPDATE control SET revision = 'many'")


SPOILS: dict[str, Spoil] = {
    "gone": Path.unlink,
    "emptied": lambda path: os.truncate(path, 0),
    "truncated": truncate,
    "damaged": damage,
    "of another format": lambda path: path.write_bytes(b"not a database" * 1000),
    "nonsense": write_nonsense,
}


@pytest.fixture
def copy(store: ControlStore, files: DataFiles, tmp_path: Path) -> Path:
    """A backup of a database at real-policy; the live one is closed and all in one file."""
    cut_over(store, Mode.REAL_POLICY, 0)
    store.close()
    backup(files, tmp_path / "backup.db")
    return tmp_path / "backup.db"


def restored(files: DataFiles, source: Path) -> Restored:
    return restore(files, source, ANNA, MovedClock(), busy_timeout_s=0.2)


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS.keys())
def test_what_can_not_be_read_counts_as_the_safe_default(
    files: DataFiles, copy: Path, spoil: Spoil
) -> None:
    spoil(files.control)
    done = restored(files, copy)
    with reading(files) as connection:
        state = read_state(connection)
    assert (state.revision, state.cutover_mode) == (2, Mode.REAL_POLICY)
    assert state.rollback == done.rollback
    assert (state.rollback_mode, done.event.mode_after) == (Mode.STUB_POLICY, Mode.STUB_POLICY)
    assert done.lost_events is None
    assert check(files).is_whole
    assert not upgrade(files)


@pytest.mark.parametrize("spoil", list(SPOILS.values())[1:], ids=list(SPOILS)[1:])
def test_what_was_damaged_is_kept_for_analysis(files: DataFiles, copy: Path, spoil: Spoil) -> None:
    spoil(files.control)
    content = files.control.read_bytes()
    done = restored(files, copy)
    assert done.saved_as
    assert done.saved_as.read_bytes() == content
    assert files.control.stat().st_mode & 0o777 == 0o660


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS.keys())
def test_a_running_reader_never_sees_more_than_it_had_and_then_follows(
    store: ControlStore, files: DataFiles, copy: Path, spoil: Spoil
) -> None:
    now_s = [0.0]
    with closing(ModeReader(files.directory, monotonic=lambda: now_s[0])) as reader:
        assert reader.effective().mode is Mode.REAL_POLICY
        spoil(files.control)
        restored(files, copy)
        now_s[0] += 0.05
        found = reader.effective()
        assert (found.mode, found.freshness) == (Mode.STUB_POLICY, Freshness.FRESH)
        assert end_rollback(store, 2).revision == 3
        assert reader.effective().mode is Mode.REAL_POLICY


def test_the_lowest_mode_of_a_live_process_is_kept_and_no_revision_heard_of_comes_again(
    files: DataFiles, copy: Path
) -> None:
    registry = ProcessRegistry(files)
    registry.beat(report("a", mode=Mode.PASSTHROUGH, revision=40))
    registry.beat(report("b", mode=Mode.REAL_POLICY, revision=41))
    files.control.unlink()
    done = restored(files, copy)
    assert (done.event.mode_before, done.event.mode_after) == (Mode.PASSTHROUGH, Mode.PASSTHROUGH)
    assert done.event.revision == 42
    registry.goodbye("a")


def test_a_process_that_is_silent_for_long_tells_its_revision_only(
    files: DataFiles, copy: Path
) -> None:
    registry = ProcessRegistry(files)
    silent = NOON.replace(hour=9)
    registry.beat(report("a", mode=Mode.PASSTHROUGH, revision=40, heard_at=silent))
    files.control.unlink()
    done = restored(files, copy)
    assert (done.event.mode_after, done.event.revision) == (Mode.STUB_POLICY, 41)
    registry.goodbye("a")


def test_what_some_process_knew_last_is_kept(files: DataFiles, copy: Path) -> None:
    last = LastKnownGoodFile(files.last_known_good)
    last.keep(state(Mode.REAL_POLICY, Mode.PASSTHROUGH, revision=40))
    last.settle()
    files.control.unlink()
    done = restored(files, copy)
    assert (done.event.mode_after, done.event.revision) == (Mode.PASSTHROUGH, 41)


def test_a_rollback_that_can_still_be_read_in_a_damaged_file_is_kept(
    store: ControlStore, files: DataFiles, copy: Path
) -> None:
    store.apply(RollBack(Mode.PASSTHROUGH, "slow"), ANNA, facts())
    store.close()
    with closing(open_connection(files.control)) as connection:
        root = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'audit_event_by_actor'"
        ).fetchone()[0]
    with files.control.open("r+b") as pages:
        pages.seek((root - 1) * 4096)
        pages.write(b"\xa5" * 4096)
    done = restored(files, copy)
    assert (done.event.mode_after, done.event.revision) == (Mode.PASSTHROUGH, 3)
    assert check(files).is_whole


def test_the_log_of_a_damaged_database_moves_away_with_it(
    store: ControlStore, files: DataFiles, copy: Path
) -> None:
    """Left behind, SQLite would play it into the new file."""
    roll_back(store)
    wal = Path(f"{files.control}-wal").read_bytes()
    assert wal
    files.control.write_bytes(b"not a database" * 1000)
    done = restored(files, copy)
    assert done.saved_as
    assert Path(f"{done.saved_as}-wal").read_bytes() == wal
    assert "control.db-wal" in (done.how_to_read_replaced or "")
    assert check(files).is_whole
    assert roll_back(store).revision == 3
    assert check(files).is_whole


def make_foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE cats (name)")


def make_newer(path: Path) -> None:
    with closing(open_connection(path, mode="rwc")) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")


UNUSABLE: dict[str, tuple[Spoil, str]] = {
    "not there": (lambda _path: None, "is no file"),
    "a directory": (Path.mkdir, "is no file"),
    "empty": (Path.touch, "it holds no tables"),
    "a letter": (lambda path: path.write_text("Dear Anna, " * 100), "file is not a database"),
    "of another program": (make_foreign, "it is no database of flagctl's"),
    "newer": (make_newer, "a newer version of flagctl made it"),
}


@pytest.mark.parametrize(("make", "why"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_what_is_no_backup_is_refused_and_changes_nothing(
    store: ControlStore, files: DataFiles, tmp_path: Path, make: Spoil, why: str
) -> None:
    roll_back(store)
    source = tmp_path / "source.db"
    make(source)
    with pytest.raises(InvalidError, match=why):
        restored(files, source)
    with reading(files) as connection:
        assert read_state(connection).revision == 1
    assert [path.name for path in files.directory.glob("*restore*")] == []


def test_a_damaged_backup_is_refused(files: DataFiles, copy: Path) -> None:
    damage(copy)
    with pytest.raises(InvalidError, match="malformed"):
        restored(files, copy)


def test_the_database_in_use_is_no_backup(files: DataFiles) -> None:
    with pytest.raises(InvalidError, match="the database in use"):
        restored(files, files.control)


@pytest.mark.parametrize("make", [make_foreign, make_newer])
def test_a_file_that_a_restore_does_not_understand_is_left_where_it_is(
    files: DataFiles, copy: Path, make: Spoil
) -> None:
    files.control.unlink()
    make(files.control)
    content = files.control.read_bytes()
    with pytest.raises(StoreTroubleError) as caught:
        restored(files, copy)
    assert caught.value.trouble in (Trouble.NOT_OURS, Trouble.NEWER_SCHEMA)
    assert files.control.read_bytes() == content
