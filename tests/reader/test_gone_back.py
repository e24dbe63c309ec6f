"""A store that goes back to an earlier revision undoes no rollback in a process that read it."""

import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from flagctl.store.connection import open_connection
from flagctl.store.files import DataFiles
from flagctl.store.mode_reader import LOOK_EVERY_S, RETRY_AT_MOST_S, ModeReader
from flagctl.store.trouble import Trouble
from flagctl.vocabulary import FlagKind, Freshness, Mode
from tests.reader.conftest import MovedClock, Opener
from tests.reader.control import next_revision, raise_flag
from tests.reader.damage import replaced_by
from tests.reader.other_process import other_process

ROLL_BACK_AND_STAY = """
from tests.reader.control import raise_flag
print(raise_flag(connection, "rollback", "passthrough"), flush=True)
sys.stdin.readline()
"""


def is_rolled_back(reader: ModeReader, revision: int) -> bool:
    answer = reader.effective()
    return (answer.mode, answer.revision) == (Mode.PASSTHROUGH, revision)


def reply(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.fixture
def gone_back(
    files: DataFiles, clock: MovedClock, open_reader: Opener, made_once: bytes
) -> ModeReader:
    """A reader that followed a rollback, and then the file of before it was put there."""
    reader = open_reader()
    with closing(open_connection(files.control)) as writer:
        raise_flag(writer, FlagKind.ROLLBACK, Mode.PASSTHROUGH)
        assert is_rolled_back(reader, 1)
        replaced_by(made_once)(files)
    clock.forward(LOOK_EVERY_S)
    return reader


def test_an_older_file_undoes_no_rollback_and_is_told_of(gone_back: ModeReader) -> None:
    answer = gone_back.read()
    assert is_rolled_back(gone_back, 1)
    assert answer.effective.freshness is Freshness.LAST_KNOWN_GOOD
    assert answer.trouble is not None
    assert answer.trouble.trouble is Trouble.WENT_BACK
    assert "revision 0 after 1" in str(answer.trouble)


def test_it_stays_so_however_long_nobody_acts(gone_back: ModeReader, clock: MovedClock) -> None:
    for _ in range(50):
        clock.forward(RETRY_AT_MOST_S)
        assert gone_back.effective().freshness is Freshness.LAST_KNOWN_GOOD
    assert is_rolled_back(gone_back, 1)


def test_a_later_act_is_followed(
    gone_back: ModeReader, files: DataFiles, clock: MovedClock
) -> None:
    gone_back.effective()
    with closing(open_connection(files.control)) as writer:
        next_revision(writer)
        raise_flag(writer, FlagKind.CUTOVER, Mode.REAL_POLICY)
        clock.forward(RETRY_AT_MOST_S)
        answer = gone_back.effective()
    assert (answer.mode, answer.revision) == (Mode.REAL_POLICY, 2)
    assert answer.freshness is Freshness.FRESH


def test_a_wal_that_is_removed_undoes_no_rollback_that_stood_in_it(
    files: DataFiles, clock: MovedClock, open_reader: Opener
) -> None:
    reader = open_reader()
    with other_process(files, ROLL_BACK_AND_STAY) as process:
        assert is_rolled_back(reader, reply(process))
    process.wait()
    for suffix in ("-wal", "-shm"):
        Path(f"{files.control}{suffix}").unlink()
    for _ in range(5):
        clock.forward(RETRY_AT_MOST_S)
        assert reader.effective().freshness is Freshness.LAST_KNOWN_GOOD
        assert is_rolled_back(reader, 1)


def test_an_older_file_that_raises_nobody_is_followed(
    files: DataFiles, clock: MovedClock, open_reader: Opener, made_once: bytes
) -> None:
    pinned_below, free = open_reader(Mode.PASSTHROUGH), open_reader()
    with closing(open_connection(files.control)) as writer:
        raise_flag(writer, FlagKind.CUTOVER, Mode.REAL_POLICY)
        assert (pinned_below.effective().revision, free.effective().revision) == (1, 1)
        replaced_by(made_once)(files)
    clock.forward(LOOK_EVERY_S)
    for reader, mode in ((pinned_below, Mode.PASSTHROUGH), (free, Mode.STUB_POLICY)):
        answer = reader.effective()
        assert (answer.mode, answer.revision) == (mode, 0)
        assert answer.freshness is Freshness.FRESH
