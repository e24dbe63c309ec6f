import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from flagctl.store.files import DataFiles
from flagctl.store.heard import heard_of
from flagctl.store.runtime_db import ROWS_KEPT, ProcessRegistry
from flagctl.vocabulary import Mode
from tests.guards.tree import ROOT
from tests.reports import NOON, report
from tests.waiting import wait_until

DAMAGE = b"this is no database at all, and long enough to have a header" * 100


@pytest.fixture
def files(tmp_path: Path) -> DataFiles:
    return DataFiles(tmp_path)


@pytest.fixture
def registry(files: DataFiles) -> Iterator[ProcessRegistry]:
    made = ProcessRegistry(files)
    yield made
    made.goodbye("nobody")


def test_what_a_process_says_is_what_others_read(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    said = report(pin=Mode.PASSTHROUGH, in_flight={Mode.STUB_POLICY: 3}, revision=None)
    assert registry.beat(said)
    assert ProcessRegistry(files).processes() == [said]


def test_a_later_heartbeat_replaces_the_one_before(registry: ProcessRegistry) -> None:
    registry.beat(report())
    later = report(heard_at=NOON + timedelta(seconds=2), revision=8)
    registry.beat(later)
    assert registry.processes() == [later]


def test_a_process_that_says_goodbye_is_forgotten_at_once(registry: ProcessRegistry) -> None:
    registry.beat(report("a"))
    registry.beat(report("b"))
    assert registry.goodbye("a")
    assert [each.id for each in registry.processes()] == ["b"]


def test_a_goodbye_and_a_look_do_not_make_the_file(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    assert registry.goodbye("a")
    assert registry.processes() == []
    assert not files.runtime.exists()


def test_processes_silent_for_more_than_a_day_are_purged(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    registry.beat(report("old"))
    registry.beat(report("day", heard_at=NOON + timedelta(hours=1)))
    newcomer = ProcessRegistry(files)
    newcomer.beat(report("new", heard_at=NOON + timedelta(hours=25)))
    assert [each.id for each in registry.processes()] == ["day", "new"]


def test_a_process_that_has_nothing_new_to_say_purges_every_hour(
    registry: ProcessRegistry,
) -> None:
    registry.beat(report("old"))
    registry.beat(report("own"))
    for hour in range(26):
        assert registry.still_here("own", NOON + timedelta(hours=hour, minutes=hour))
    assert [each.id for each in registry.processes()] == ["own"]


def test_a_process_that_is_not_on_record_must_say_all(registry: ProcessRegistry) -> None:
    assert not registry.still_here("a", NOON)
    registry.beat(report("a"))
    assert registry.still_here("a", NOON)


def test_two_containers_that_both_call_themselves_pid_1_are_two_processes(
    registry: ProcessRegistry,
) -> None:
    registry.beat(report("a", pid=1))
    registry.beat(report("b", pid=1))
    assert len(registry.processes()) == 2


def test_a_crash_loop_leaves_a_bounded_number_of_rows(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    for number in range(ROWS_KEPT + 50):
        registry.beat(report(f"{number}", heard_at=NOON + timedelta(seconds=number)))
    ProcessRegistry(files).beat(report("last", heard_at=NOON + timedelta(hours=1)))
    assert len(registry.processes()) == ROWS_KEPT


def test_a_deleted_file_is_made_anew_by_the_next_heartbeat(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    registry.beat(report("a"))
    files.runtime.unlink()
    assert registry.beat(report("b"))
    assert [each.id for each in ProcessRegistry(files).processes()] == ["b"]


def test_a_deleted_file_splits_no_two_processes_that_both_had_it_open(files: DataFiles) -> None:
    first, second = ProcessRegistry(files), ProcessRegistry(files)
    first.beat(report("a"))
    second.beat(report("b"))
    files.runtime.unlink()
    for number in range(5):
        first.beat(report("a", revision=number))
        second.beat(report("b", revision=number))
    assert [each.revision for each in first.processes()] == [4, 4]
    assert [each.revision for each in ProcessRegistry(files).processes()] == [4, 4]
    first.goodbye("a")
    second.beat(report("b", revision=9))
    assert [each.revision for each in ProcessRegistry(files).processes()] == [9]


@pytest.mark.parametrize("damage", [DAMAGE, b""])
def test_a_damaged_file_is_set_aside_and_made_anew(
    files: DataFiles, registry: ProcessRegistry, damage: bytes
) -> None:
    files.runtime.write_bytes(damage)
    registry.beat(report())
    assert registry.beat(report())
    assert len(registry.processes()) == 1
    assert files.runtime.with_name("runtime.db.set-aside").read_bytes() == damage


def test_a_page_damaged_under_a_running_process_is_overcome(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    registry.beat(report("a"))
    with closing(sqlite3.connect(files.runtime)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with files.runtime.open("r+b") as broken:
        broken.seek(4096)
        broken.write(b"\xff" * 4096)
    registry.goodbye("nobody")
    registry.beat(report("b"))
    registry.beat(report("b"))
    assert [each.id for each in registry.processes()] == ["b"]
    assert registry.troubles >= 1
    assert registry.trouble is None


def test_a_file_of_another_version_is_set_aside(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    registry.beat(report("a"))
    registry.goodbye("nobody")
    with closing(sqlite3.connect(files.runtime)) as other:
        other.execute("PRAGMA user_version=99")
    assert registry.processes() == []
    assert registry.beat(report("b"))
    assert [each.id for each in registry.processes()] == ["b"]


def test_a_table_of_another_shape_is_overcome(files: DataFiles, registry: ProcessRegistry) -> None:
    registry.beat(report("a"))
    with closing(sqlite3.connect(files.runtime)) as other:
        other.execute("ALTER TABLE process ADD COLUMN surprise TEXT")
    assert not registry.beat(report("b"))
    assert registry.beat(report("b"))
    assert [each.id for each in registry.processes()] == ["b"]


def test_a_row_of_nonsense_hides_no_other_row(files: DataFiles, registry: ProcessRegistry) -> None:
    registry.beat(report("a"))
    registry.beat(report("b"))
    registry.beat(report("c"))
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute("UPDATE process SET mode = 'no mode' WHERE id = 'b'")
        other.execute("UPDATE process SET in_flight = '[1]' WHERE id = 'c'")
    assert [each.id for each in registry.processes()] == ["a"]


def test_a_busy_file_fails_nobody_and_is_logged_once(
    files: DataFiles, registry: ProcessRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    registry.beat(report("a"))
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not registry.beat(report("b"))
        assert not registry.beat(report("b"))
        assert [each.id for each in registry.processes()] == ["a"]
    assert registry.beat(report("b"))
    assert registry.troubles == 2
    assert [message for message in caplog.messages if "locked" in message] == caplog.messages[:1]
    assert "can be used again" in caplog.messages[1]


def test_a_full_disk_fails_nobody(files: DataFiles, registry: ProcessRegistry) -> None:
    registry.beat(report("a"))
    connection = registry._connection
    assert connection is not None
    connection.execute("PRAGMA max_page_count=2")
    long_name = "h" * 100_000
    assert not registry.beat(report("b", host=long_name))
    assert registry.trouble is not None
    assert "full" in registry.trouble
    assert registry.beat(report("b"))


@pytest.mark.parametrize("name", ["runtime.db", "runtime.lock"])
def test_a_directory_in_the_way_fails_nobody(
    files: DataFiles, registry: ProcessRegistry, name: str
) -> None:
    (files.directory / name).mkdir()
    (files.directory / name / "kept").touch()
    assert not registry.beat(report())
    assert registry.processes() == []
    assert registry.trouble


def test_a_missing_data_directory_fails_nobody(tmp_path: Path) -> None:
    registry = ProcessRegistry(DataFiles(tmp_path / "nowhere"))
    assert not registry.beat(report())
    assert registry.processes() == []
    assert registry.goodbye("a")


def test_many_processes_that_start_at_once_all_get_heard(files: DataFiles) -> None:
    together = Barrier(8)

    def be_heard(name: str) -> None:
        registry = ProcessRegistry(files)
        together.wait()
        wait_until(lambda: registry.beat(report(name)))  # what is busy is tried again, as in life

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(be_heard, "abcdefgh"))
    assert [each.id for each in heard_of(files)] == list("abcdefgh")


FORKED = """
import os, sys
from pathlib import Path
from threading import Barrier
from flagctl.store.files import DataFiles
from flagctl.store.runtime_db import ProcessRegistry
from tests.guards.tree import ROOT
from tests.reports import report

registry = ProcessRegistry(DataFiles(Path(sys.argv[1])))
registry.beat(report("parent"))
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
opened = [os.readlink(entry) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
assert not [path for path in opened if "runtime.db" in path], opened
assert registry.beat(report("child"))
"""


def test_a_fork_inherits_no_connection(files: DataFiles) -> None:
    subprocess.run([sys.executable, "-c", FORKED, str(files.directory)], cwd=ROOT, check=True)
    assert [each.id for each in heard_of(files)] == ["child", "parent"]
