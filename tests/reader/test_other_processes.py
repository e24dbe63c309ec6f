"""Other processes that die, hang or run out of disk while they write."""

import signal
import sqlite3

import pytest

from flagctl.store.files import DataFiles
from flagctl.store.mode_reader import LOOK_EVERY_S, RETRY_AT_MOST_S, ModeReader
from flagctl.store.trouble import Trouble
from flagctl.vocabulary import Freshness, Mode
from tests.reader.conftest import MovedClock, Opener
from tests.reader.control import next_revision
from tests.reader.other_process import other_process

COMMIT_FOR_EVER = """
while True:
    print(next_revision(connection), flush=True)
"""
HOLD = """
connection.execute({statement!r})
print("held", flush=True)
sys.stdin.read()
"""


def test_a_writer_killed_at_any_moment_leaves_whole_commits_only(
    open_reader: Opener, files: DataFiles, clock: MovedClock
) -> None:
    reader = open_reader()
    for commits in range(1, 40, 4):
        with other_process(files, COMMIT_FOR_EVER) as writer:
            assert writer.stdout is not None
            for _ in range(commits):
                told = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            told = max([told, *map(int, writer.stdout.read().split())])
        clock.forward(LOOK_EVERY_S)
        answer = reader.effective()
        assert answer.freshness is Freshness.FRESH
        assert answer.revision in {told, told + 1}


NO_ROOM = """
import resource, signal, sqlite3
room = Path(f"{sys.argv[1]}-wal").stat().st_size + 5000
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
try:
    connection.execute("CREATE TABLE big AS SELECT zeroblob(100000)")
except sqlite3.OperationalError as error:
    print(error, flush=True)
"""


@pytest.mark.parametrize(
    "statement", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "PRAGMA wal_checkpoint(TRUNCATE)"]
)
def test_a_writer_that_hangs_with_its_lock_delays_nobody(
    open_reader: Opener, files: DataFiles, clock: MovedClock, statement: str
) -> None:
    reader = open_reader()
    with other_process(files, HOLD.format(statement=statement)) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "held\n"
        clock.forward(30.0)
        answer = reader.effective()
        assert (answer.freshness, answer.revision) == (Freshness.FRESH, 0)
        assert open_reader().effective().freshness is Freshness.FRESH


def test_a_file_locked_by_something_else_is_called_locked_and_read_when_it_is_free(
    open_reader: Opener, files: DataFiles, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flagctl.store.mode_reader.START_BUSY_TIMEOUT_S", 0.01)
    lock = "import fcntl; file = open(sys.argv[1], 'r+b'); fcntl.lockf(file, fcntl.LOCK_EX)"
    with other_process(files, f"{lock}\nprint('held', flush=True)\nsys.stdin.read()") as locker:
        assert locker.stdout is not None
        assert locker.stdout.readline() == "held\n"
        reader = open_reader()
        answer = reader.read()
        assert answer.trouble is not None
        assert answer.trouble.trouble is Trouble.LOCKED
        assert answer.effective.freshness is Freshness.NO_STORE
    clock.forward(LOOK_EVERY_S)
    assert reader.effective().freshness is Freshness.FRESH


LOCK_THE_WAL_INDEX = """
import fcntl
file = open(f"{sys.argv[1]}-shm", "r+b")
fcntl.lockf(file, fcntl.LOCK_EX, 5, 123)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_wal_index_locked_by_something_else_is_not_waited_for(
    reader: ModeReader, files: DataFiles, clock: MovedClock, open_reader: Opener
) -> None:
    """SQLite itself would try for ten seconds and then speak of a locking protocol."""
    with other_process(files, LOCK_THE_WAL_INDEX) as locker:
        assert locker.stdout is not None
        assert locker.stdout.readline() == "held\n"
        for _ in range(3):
            clock.forward(10.0)
            answer = reader.read()
            assert answer.effective.freshness is Freshness.LAST_KNOWN_GOOD
            assert answer.effective.mode is Mode.REAL_POLICY
            assert "its WAL index is" in str(answer.trouble)
        assert open_reader().effective().freshness is Freshness.NO_STORE
    clock.forward(RETRY_AT_MOST_S)
    assert reader.effective().freshness is Freshness.FRESH


def test_a_commit_that_the_disk_has_no_room_for_changes_no_answer(
    open_reader: Opener, files: DataFiles, writer: sqlite3.Connection, clock: MovedClock
) -> None:
    next_revision(writer)
    reader = open_reader()
    assert reader.effective().revision == 1
    with other_process(files, NO_ROOM) as full:
        assert full.stdout is not None
        assert full.stdout.read() in {"disk I/O error\n", "database or disk is full\n"}
    clock.forward(LOOK_EVERY_S)
    answer = reader.effective()
    assert (answer.freshness, answer.revision) == (Freshness.FRESH, 1)
    next_revision(writer)
    assert reader.effective().revision == 2
