"""A restore among processes that read and write, and one that is killed."""

import signal
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Event

import pytest

from flagctl.store.audit_log import AuditFilter, list_events
from flagctl.store.backup import backup
from flagctl.store.connection import open_connection
from flagctl.store.examine import check
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.reading import read_state, reading
from flagctl.store.restore import restore
from flagctl.store.trouble import StoreTroubleError
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode
from tests.store.acts import ANNA, MovedClock, cut_over, roll_back
from tests.store.processes import start

BACKUP = "backup.db"


@pytest.fixture
def copy(store: ControlStore, files: DataFiles, tmp_path: Path) -> Path:
    """A backup at real-policy, where the live database is rolled back to passthrough."""
    cut_over(store, Mode.REAL_POLICY, 0)
    backup(files, tmp_path / BACKUP)
    roll_back(store)
    return tmp_path / BACKUP


FLIPS = """
import sys
from pathlib import Path
from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode
from tests.store.acts import ANNA, MovedClock, facts
from flagctl.domain.change import Extend
from tests.store.acts import NOON, timedelta
store = ControlStore(DataFiles(Path(sys.argv[1])), MovedClock(), busy_timeout_s=60)
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    done = store.apply(Extend(NOON + timedelta(hours=1), f"{number}"), ANNA, facts())
    print(done.event.id, done.event.hash, flush=True)
"""

READS = """
import sys
from pathlib import Path
from flagctl.store.mode_reader import ModeReader
directory = Path(sys.argv[1])
warm, seen = ModeReader(directory), set()
print("ready", flush=True)
while not (directory / "stop").exists():
    cold = ModeReader(directory)
    for reader in (warm, cold):
        found = reader.effective()
        seen.add((found.mode.value, found.freshness.value))
    cold.close()
print(sorted(seen))
"""

RESTORES = """
import sys
from pathlib import Path
from flagctl.store.files import DataFiles
from flagctl.store.restore import restore
from tests.store.acts import ANNA, MovedClock
print("ready", flush=True)
restore(DataFiles(Path(sys.argv[1])), Path(sys.argv[2]), ANNA, MovedClock(), busy_timeout_s=60)
"""


def links_in(path: Path) -> set[tuple[int, str]]:
    with closing(open_connection(path)) as connection:
        return {(event.id, event.hash) for event in list_events(connection, AuditFilter())}


def test_every_act_acknowledged_during_a_restore_is_in_the_trail_or_in_what_was_saved(
    files: DataFiles, copy: Path
) -> None:
    with ExitStack() as stack:
        writers = [start(FLIPS, str(files.directory), "60", stack=stack) for _ in range(3)]
        for writer in writers:
            assert writer.stdin
            writer.stdin.write("go\n")
            writer.stdin.flush()
        saved = []
        for _ in range(5):
            done = restore(files, copy, ANNA, MovedClock(), busy_timeout_s=60)
            assert done.saved_as
            saved.append(done.saved_as)
        told = [line.split() for writer in writers for line in writer.communicate()[0].splitlines()]
    acknowledged = {(int(event_id), hash_) for event_id, hash_ in told}
    assert len(acknowledged) == 180
    assert acknowledged <= set().union(*map(links_in, [*saved, files.control]))
    assert check(files).is_whole


def test_no_reader_sees_the_mode_of_the_backup_without_its_lowering(
    files: DataFiles, copy: Path
) -> None:
    with ExitStack() as stack:
        readers = [start(READS, str(files.directory), stack=stack) for _ in range(2)]
        for reader in readers:
            assert reader.stdout
            reader.stdout.readline()
        for _ in range(10):
            restore(files, copy, ANNA, MovedClock(), busy_timeout_s=60)
        (files.directory / "stop").touch()
        seen = {reader.communicate()[0] for reader in readers}
    assert seen == {"[('passthrough', 'fresh')]\n"}


@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_restore_that_is_killed_leaves_what_was_or_what_is_to_be(
    store: ControlStore, files: DataFiles, copy: Path, is_damaged: bool
) -> None:
    store.close()
    pause, before = Event(), files.control.read_bytes()
    outcomes = set()
    for number in range(12):
        if is_damaged:
            files.control.write_bytes(before[:5000])
        with ExitStack() as stack:
            process = start(RESTORES, str(files.directory), str(copy), stack=stack)
            assert process.stdout
            process.stdout.readline()
            pause.wait(number * 0.08)
            process.send_signal(signal.SIGKILL)
        outcomes.add(outcome_of(files))
        for left in files.directory.glob("control.db*"):
            left.unlink()
        files.control.write_bytes(before)
    assert outcomes <= {"before", "after", "refused"}
    restore(files, copy, ANNA, MovedClock())
    assert [left.name for left in files.directory.glob(".restore-*")] == []


def outcome_of(files: DataFiles) -> str:
    try:
        upgrade(files)
        assert check(files).is_whole
        with reading(files) as connection:
            state = read_state(connection)
    except StoreTroubleError:
        return "refused"
    assert state.rollback_mode in (Mode.PASSTHROUGH, Mode.STUB_POLICY)
    return "before" if state.revision == 2 else "after"
