"""What a reader does whose user may not read, write or look into the data directory."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flagctl.store.connection import open_connection
from flagctl.store.files import DataFiles
from flagctl.store.mode_reader import LOOK_EVERY_S, ModeReader
from flagctl.store.trouble import Trouble
from flagctl.vocabulary import Freshness, ModeSignal
from tests.reader.as_nobody import as_nobody
from tests.reader.conftest import MovedClock
from tests.reader.control import next_revision
from tests.reader.other_process import other_process

Seen = tuple[Freshness, int | None, Trouble | None]


@pytest.fixture
def files(made_once: bytes) -> Iterator[DataFiles]:
    """A data directory that its group may use; pytest's own directories are closed to others."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o777)
    files = DataFiles(directory)
    files.control.write_bytes(made_once)
    files.control.chmod(0o666)
    yield files
    directory.chmod(0o777)
    shutil.rmtree(directory)


def seen(reader: ModeReader) -> Seen:
    answer = reader.read()
    trouble = answer.trouble.trouble if answer.trouble else None
    return answer.effective.freshness, answer.effective.revision, trouble


def test_a_file_that_may_not_be_read_is_named_so_until_it_may(
    files: DataFiles, signal: ModeSignal
) -> None:
    clock = MovedClock()

    def work() -> tuple[Seen, Seen]:
        reader = ModeReader(files.directory, signal=signal, monotonic=clock)
        before = seen(reader)
        files.control.chmod(0o666)
        clock.forward(LOOK_EVERY_S)
        return before, seen(reader)

    give_to_nobody(files.control)
    files.control.chmod(0o000)
    before, after = as_nobody(work)
    assert before == (Freshness.NO_STORE, None, Trouble.NO_PERMISSION)
    assert after == (Freshness.FRESH, 0, None)


def test_a_file_whose_permissions_go_is_followed_through_the_open_connection(
    files: DataFiles, signal: ModeSignal
) -> None:
    def work() -> Seen:
        clock = MovedClock()
        reader = ModeReader(files.directory, signal=signal, monotonic=clock)
        with closing(open_connection(files.control)) as writer:
            files.control.chmod(0o000)
            next_revision(writer)
        clock.forward(LOOK_EVERY_S)
        return seen(reader)

    give_to_nobody(files.control)
    assert as_nobody(work) == (Freshness.FRESH, 1, None)


def test_a_directory_that_may_not_be_searched_makes_every_answer_doubtful_but_newest(
    files: DataFiles, signal: ModeSignal
) -> None:
    clock = MovedClock()

    def work() -> tuple[Seen, Seen]:
        reader = ModeReader(files.directory, signal=signal, monotonic=clock)
        with closing(open_connection(files.control)) as writer:
            files.directory.chmod(0o000)
            clock.forward(LOOK_EVERY_S)
            next_revision(writer)
            inside = seen(reader)
            files.directory.chmod(0o777)
        clock.forward(LOOK_EVERY_S)
        return inside, seen(reader)

    give_to_nobody(files.directory)
    inside, after = as_nobody(work)
    assert inside == (Freshness.LAST_KNOWN_GOOD, 1, Trouble.NO_PERMISSION)
    assert after == (Freshness.FRESH, 1, None)


def test_break_glass_that_was_seen_stands_when_the_directory_can_not_be_searched(
    files: DataFiles, signal: ModeSignal
) -> None:
    def work() -> bool:
        clock = MovedClock()
        reader = ModeReader(files.directory, signal=signal, monotonic=clock)
        before = reader.read().break_glass
        files.directory.chmod(0o000)
        clock.forward(LOOK_EVERY_S)
        after = reader.read().break_glass
        return before is not None and after == before

    files.break_glass.touch()
    give_to_nobody(files.directory)
    assert as_nobody(work)


def test_a_break_glass_file_that_may_not_be_read_lowers_as_well(
    files: DataFiles, signal: ModeSignal
) -> None:
    files.break_glass.touch()
    files.break_glass.chmod(0o000)
    assert as_nobody(
        lambda: ModeReader(files.directory, signal=signal).read().break_glass is not None
    )


WRITE_WHEN_TOLD = """
connection.execute("SELECT * FROM control").fetchall()
print("connected", flush=True)
for line in sys.stdin:
    print(next_revision(connection), flush=True)
"""


def test_a_user_who_may_not_write_follows_while_a_writer_is_connected(
    files: DataFiles, signal: ModeSignal
) -> None:
    with other_process(files, WRITE_WHEN_TOLD) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "connected\n"
        take_writing_from_others(files)

        def commit() -> str:
            assert writer.stdin is not None
            assert writer.stdout is not None
            print(file=writer.stdin, flush=True)
            return writer.stdout.readline()

        def work() -> list[Seen]:
            reader = ModeReader(files.directory, signal=signal)
            return [seen(reader) for _ in range(3) if commit()]

        answers = as_nobody(work)
    assert answers == [(Freshness.FRESH, revision, None) for revision in (1, 2, 3)]


def test_a_user_who_may_not_write_is_told_how_when_nobody_else_has_the_file_open(
    files: DataFiles, signal: ModeSignal
) -> None:
    take_writing_from_others(files)
    freshness, _, trouble = as_nobody(lambda: seen(ModeReader(files.directory, signal=signal)))
    assert freshness is Freshness.NO_STORE
    assert trouble in {Trouble.READ_ONLY, Trouble.NO_PERMISSION}


def give_to_nobody(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)


def take_writing_from_others(files: DataFiles) -> None:
    """Who is not root is the owner, and nobody else: take it from the owner too."""
    files.control.chmod(0o444)
    files.directory.chmod(0o555)
