"""A process that is killed while it flips: what it was told is kept, the rest never happened."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path

from flagctl.domain.effective import by_flags
from flagctl.store.audit_log import AuditFilter, list_events
from flagctl.store.examine import check
from flagctl.store.files import DataFiles
from flagctl.store.reading import read_state, reading
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode, Outcome
from tests.store.acts import MovedClock, roll_back
from tests.store.processes import start

FLIPS = 200

# Acknowledges each flip to a pipe, as a door would answer: with one write, after the commit.
FLIPS_AND_TELLS = """
import os, sys
from pathlib import Path
from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from tests.store.acts import MovedClock, end_rollback, roll_back
store = ControlStore(DataFiles(Path(sys.argv[1])), MovedClock(), busy_timeout_s=60)
while True:
    with store.transaction() as at:
        before = at.state()
    done = end_rollback(store, before.revision) if before.rollback else roll_back(store)
    os.write(1, f"{done.event.id} {done.revision} {done.event.hash}\\n".encode())
"""

READS_UNDER_LOAD = """
import sys
from pathlib import Path
from flagctl.store.files import DataFiles
from flagctl.store.reading import read_state, reading
files = DataFiles(Path(sys.argv[1]))
while True:
    with reading(files) as connection:
        read_state(connection)
"""


def test_every_acknowledged_flip_is_there_and_no_half_of_another(files: DataFiles) -> None:
    acknowledged: list[tuple[int, int, str]] = []
    with ExitStack() as load:
        start(READS_UNDER_LOAD, str(files.directory), stack=load)
        kills = 0
        while len(acknowledged) < FLIPS:
            acknowledged += flip_until_killed(files, after=1 + (7 * kills) % 23)
            kills += 1
            untold = assert_holds(files, acknowledged)
            assert untold <= kills
    assert kills > 10
    with ExitStack() as stack:
        assert check(files).is_whole
        store = ControlStore(files, MovedClock())
        stack.callback(store.close)
        assert roll_back(store).revision >= len(acknowledged)


def flip_until_killed(files: DataFiles, after: int) -> list[tuple[int, int, str]]:
    """Kill a flipping process once it told of some flips, wherever it is then."""
    with ExitStack() as stack:
        process = start(FLIPS_AND_TELLS, str(files.directory), stack=stack)
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(after)]
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.readlines()
    told = (line.split() for line in lines if line.endswith("\n"))
    return [(int(event), int(revision), hash_) for event, revision, hash_ in told]


def assert_holds(files: DataFiles, acknowledged: list[tuple[int, int, str]]) -> int:
    """Return how many flips are there that nobody was told of; each of them is whole."""
    with reading(files) as connection:
        state = read_state(connection)
        events = list(list_events(connection, AuditFilter(outcome=Outcome.ACCEPTED)))
    kept = {(event.id, event.revision, event.hash) for event in events}
    assert set(acknowledged) <= kept
    assert state.revision == len(events) == events[0].revision
    assert by_flags(state) is events[0].mode_after
    assert state.rollback_mode is (Mode.PASSTHROUGH if state.revision % 2 else None)
    return len(kept) - len(acknowledged)


def test_the_files_of_a_killed_writer_serve_the_next(files: DataFiles) -> None:
    flip_until_killed(files, after=3)
    assert Path(f"{files.control}-wal").exists()
    assert check(files).is_whole
