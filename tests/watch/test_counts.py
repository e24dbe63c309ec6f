"""From what a process counts to runtime.db, by the same turn as the heartbeat."""

import sqlite3
from contextlib import closing

import pytest

from flagctl.domain.impact import CountKey
from flagctl.store.files import DataFiles
from flagctl.store.heard import heard_of
from flagctl.store.resolution_counts import counts_between
from flagctl.vocabulary import Mode, ResolutionOutcome
from flagctl.watch import Tally, loop
from tests.waiting import wait_until
from tests.watch.conftest import MovedClock, Process, Starter

RESOLVED, DENIED, *_ = ResolutionOutcome
MIDDLE = Mode.STUB_POLICY
REFUSED = """
CREATE TRIGGER refused BEFORE INSERT ON resolution_count BEGIN SELECT raise(FAIL, 'no'); END
"""


@pytest.fixture
def tally(clock: MovedClock) -> Tally:
    return Tally(lambda: clock().timestamp())


@pytest.fixture
def process(start: Starter, tally: Tally) -> Process:
    return start(tally=tally)


def counted(files: DataFiles) -> dict[CountKey, int]:
    return counts_between(files, 0, 2**40) or {}


def resolve(process: Process, tally: Tally, times: int = 1) -> None:
    for _ in range(times):
        tally.count(process.reader.effective(), RESOLVED)


def test_what_was_counted_is_written_with_the_next_turn_and_only_once(
    files: DataFiles, process: Process, tally: Tally
) -> None:
    resolve(process, tally, 3)
    process.turn()
    assert list(counted(files).values()) == [3]
    process.turn()
    resolve(process, tally)
    process.turn()
    assert list(counted(files).values()) == [4]


def test_an_idle_process_tells_of_each_minute_that_it_counted_nothing(
    files: DataFiles, process: Process
) -> None:
    for _ in range(31):
        process.turn()
    keys = list(counted(files))
    assert [key.minute for key in keys] == [keys[0].minute, keys[0].minute + 1]
    assert {key.mode for key in keys} == {MIDDLE}
    assert set(counted(files).values()) == {0}


def test_what_a_busy_runtime_db_does_not_take_is_written_later_into_its_own_minute(
    files: DataFiles, process: Process, tally: Tally
) -> None:
    process.turn()
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        resolve(process, tally, 2)
        process.turn()
        process.turn(after_s=60)
        resolve(process, tally, 5)
    process.turn(after_s=60)
    assert list(counted(files).values()) == [2, 5, 0]


def test_counts_survive_that_runtime_db_is_corrupt_and_made_anew(
    files: DataFiles, process: Process, tally: Tally
) -> None:
    process.turn()
    resolve(process, tally, 2)
    files.runtime.unlink()
    files.runtime.write_bytes(b"no database" * 1000)
    process.turn()
    process.turn()
    assert sum(counted(files).values()) == 2


def test_a_process_is_heard_of_although_its_counts_cannot_be_written(
    files: DataFiles, process: Process, tally: Tally
) -> None:
    process.turn()
    resolve(process, tally, 2)
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute(REFUSED)
        process.turn()
        assert [each.heard_at for each in heard_of(files)] == [process.clock()]
        other.execute("DROP TRIGGER refused")
    process.turn()
    assert sum(counted(files).values()) == 2


def test_a_process_that_stops_writes_what_it_counted_last(
    files: DataFiles, start_thread: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "TURN_EVERY_S", 3600.0)
    tally = Tally()
    running = start_thread(tally=tally)
    wait_until(lambda: heard_of(files))
    resolve(running, tally, 7)
    running.watch.stop()
    assert sum(counted(files).values()) == 7
    assert not tally.pending()
