"""What a reader overlooks that looks at the directory only as long as nothing moved there: nothing.

The faults of the other files run on such a reader too; here is what it alone could get wrong.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from flagctl.store.files import DataFiles
from flagctl.store.identity import Entries
from flagctl.store.mode_reader import LOOK_EVERY_S, ModeReader
from flagctl.vocabulary import EMERGENCY_MODE, Freshness, Mode
from tests.reader.conftest import MovedClock, Opener, settle
from tests.reader.other_process import other_process


@pytest.fixture
def settled(open_reader: Opener, files: DataFiles, clock: MovedClock) -> ModeReader:
    reader = open_reader()
    settle(reader, files, clock)
    return reader


def test_a_break_glass_file_that_comes_is_seen_with_the_next_look(
    settled: ModeReader, files: DataFiles, clock: MovedClock
) -> None:
    files.break_glass.touch()
    clock.forward(LOOK_EVERY_S)
    assert settled.effective().mode is EMERGENCY_MODE


def test_a_break_glass_file_in_which_another_mode_is_written_is_read_anew(
    settled: ModeReader, files: DataFiles, clock: MovedClock
) -> None:
    for mode in (Mode.PASSTHROUGH, Mode.STUB_POLICY):
        files.break_glass.write_text(mode)
        settle(settled, files, clock, is_settled=False)
        assert settled.effective().mode is mode


COMMIT_AND_STAY = "print(next_revision(connection), flush=True); sys.stdin.readline()"

GOING: dict[str, Callable[[Path], object]] = {
    "removed": os.unlink,
    "renamed": lambda path: path.rename(path.with_suffix(".away")),
}


@pytest.mark.parametrize("go", GOING.values(), ids=GOING.keys())
@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_companion_that_goes_shows_also_when_the_directory_gets_its_old_time_back(
    settled: ModeReader,
    files: DataFiles,
    clock: MovedClock,
    suffix: str,
    go: Callable[[Path], object],
) -> None:
    """As when a directory is copied back in place, with the times that were archived."""
    times = files.directory.stat()
    go(Path(f"{files.control}{suffix}"))
    with other_process(files, COMMIT_AND_STAY) as process:
        assert process.stdout is not None
        revision = int(process.stdout.readline())
        os.utime(files.directory, ns=(times.st_atime_ns, times.st_mtime_ns))
        clock.forward(LOOK_EVERY_S)
        answer = settled.effective()
        assert answer.revision == revision or answer.freshness is Freshness.LAST_KNOWN_GOOD


def test_what_no_time_of_the_directory_tells_is_noticed_within_a_second(
    settled: ModeReader, files: DataFiles, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a file is mounted over another, or a file system keeps no such time."""
    unmoved = Entries(files.directory).now()
    monkeypatch.setattr(Entries, "now", lambda _: unmoved)
    files.break_glass.touch()
    clock.forward(1.0)
    assert settled.effective().mode is EMERGENCY_MODE


def test_a_flip_in_a_directory_where_nothing_moves_is_in_the_very_next_answer(
    settled: ModeReader, files: DataFiles
) -> None:
    with other_process(files, COMMIT_AND_STAY) as process:
        assert process.stdout is not None
        assert settled.effective().revision in (0, int(process.stdout.readline()))
        assert settled.effective().revision == 1
