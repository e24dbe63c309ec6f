"""A backup is one whole file, also of a database that everybody works on."""

import os
import re
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from flagctl.errors import InvalidError, UnavailableError
from flagctl.store.audit_log import verify_trail
from flagctl.store.backup import backup, sha256_of
from flagctl.store.files import DataFiles
from flagctl.store.reading import read_state
from flagctl.store.trouble import StoreTroubleError, Trouble
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode
from tests.store.acts import roll_back
from tests.store.processes import start
from tests.store.tampering import damage, tampering

FLIPS_FOR_EVER = """
import sys
from pathlib import Path
from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode
from tests.store.acts import MovedClock, end_rollback, roll_back
store = ControlStore(DataFiles(Path(sys.argv[1])), MovedClock(), busy_timeout_s=60)
while True:
    print(end_rollback(store, roll_back(store).revision).revision, flush=True)
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backup.db"


def test_a_backup_tells_what_is_in_it(store: ControlStore, files: DataFiles, target: Path) -> None:
    receipt = roll_back(store)
    made = backup(files, target)
    assert (made.path, made.revision, made.by_flags) == (target, 1, Mode.PASSTHROUGH)
    assert (made.events, made.head_hash) == (1, receipt.event.hash)
    assert (made.sha256, made.size_bytes) == (sha256_of(target), target.stat().st_size)


def test_a_backup_is_one_file_for_the_group_only(
    store: ControlStore, files: DataFiles, target: Path
) -> None:
    roll_back(store)
    backup(files, target)
    assert [path.name for path in target.parent.iterdir() if path.is_file()] == ["backup.db"]
    assert target.stat().st_mode & 0o777 == 0o660
    target.chmod(0o440)
    with closing(sqlite3.connect(f"file:{target}?immutable=1", uri=True)) as connection:
        assert read_state(connection).revision == 1


def test_backups_under_load_are_whole_and_of_one_moment(files: DataFiles, tmp_path: Path) -> None:
    with ExitStack() as stack:
        writer = start(FLIPS_FOR_EVER, str(files.directory), stack=stack)
        assert writer.stdout
        seen = 0
        for number in range(20):
            acknowledged = next(
                revision for line in writer.stdout if (revision := int(line)) > seen
            )
            made = backup(files, tmp_path / f"{number}.db")
            assert made.revision >= acknowledged
            assert made.revision == made.events
            seen = made.revision
            with closing(sqlite3.connect(made.path)) as connection:
                assert verify_trail(connection).events == made.events


def test_an_earlier_backup_is_replaced(store: ControlStore, files: DataFiles, target: Path) -> None:
    backup(files, target)
    roll_back(store)
    assert backup(files, target).revision == 1


@pytest.mark.parametrize("name", ["control.db", "control.db-wal", "submissions.db", "runtime.db"])
def test_a_file_in_use_is_never_overwritten(files: DataFiles, name: str) -> None:
    with pytest.raises(InvalidError, match="in use by flagctl"):
        backup(files, files.directory / ".." / files.directory.name / name)


def test_the_live_database_under_another_name_is_not_overwritten(
    files: DataFiles, target: Path
) -> None:
    os.link(files.control, target)
    with pytest.raises(InvalidError, match="in use by flagctl"):
        backup(files, target)


def test_a_file_that_is_no_database_is_left_alone(files: DataFiles, target: Path) -> None:
    target.write_text("a letter")
    with pytest.raises(InvalidError, match="is no backup; it is left alone"):
        backup(files, target)
    assert target.read_text() == "a letter"


def test_a_directory_is_no_place_for_a_backup(files: DataFiles, tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="Name a file in it"):
        backup(files, tmp_path)


def test_a_directory_that_is_not_there_is_told(files: DataFiles, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"can't be written to .*No such file"):
        backup(files, tmp_path / "none" / "backup.db")


def test_no_backup_is_made_of_a_damaged_database_and_the_earlier_one_stays(
    files: DataFiles, target: Path
) -> None:
    earlier = backup(files, target)
    damage(files.control)
    with pytest.raises(StoreTroubleError) as caught:
        backup(files, target)
    assert caught.value.trouble in (Trouble.CORRUPT, Trouble.NOT_WHOLE)
    assert sha256_of(target) == earlier.sha256
    assert [path.name for path in target.parent.glob(".*")] == []


def test_a_broken_trail_is_backed_up_only_when_that_is_asked_for(
    store: ControlStore, files: DataFiles, target: Path
) -> None:
    roll_back(store)
    with tampering(files.control) as connection:
        connection.execute("UPDATE audit_event SET actor = 'os:eve'")
    with pytest.raises(StoreTroubleError, match="audit trail: event 1: its content") as caught:
        backup(files, target)
    assert caught.value.trouble is Trouble.NOT_WHOLE
    assert not target.exists()
    assert backup(files, target, accept_broken_trail=True).revision == 1


BACKUP_WITHOUT_ROOM = """
import resource, sys
from pathlib import Path
from flagctl.errors import FlagctlError
from flagctl.store.backup import backup
from flagctl.store.files import DataFiles
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    backup(DataFiles(Path(sys.argv[1])), Path(sys.argv[2]))
except FlagctlError as error:
    print(error.code, error)
"""


def test_a_backup_that_finds_no_room_leaves_nothing(files: DataFiles, target: Path) -> None:
    with ExitStack() as stack:
        process = start(BACKUP_WITHOUT_ROOM, str(files.directory), str(target), stack=stack)
        told = process.communicate()[0]
    assert re.match(r"unavailable .*backup\.db\.\d+\.part can't be .*written to the disk", told)
    assert [path.name for path in target.parent.iterdir()] == ["data"]
