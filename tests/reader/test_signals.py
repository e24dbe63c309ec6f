"""The contract of a change signal, for both of them; then what is the fast one's own."""

import mmap
import os
import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flagctl.store import wal_index
from flagctl.store.connection import open_connection, open_control_for_reading
from flagctl.store.fast_signal import FastSignal
from flagctl.store.files import DataFiles
from flagctl.store.mode_reader import LOOK_EVERY_S, ModeReader
from flagctl.store.signal import ChangeSignal, open_signal
from flagctl.store.wal_header import HEADER, layout_complaint
from flagctl.store.wal_index import UnusableWalIndexError, WalIndex
from flagctl.vocabulary import Freshness, ModeSignal
from tests.reader.conftest import MovedClock, Opener
from tests.reader.control import next_revision
from tests.reader.other_process import other_process


@pytest.fixture
def connection(files: DataFiles) -> Iterator[sqlite3.Connection]:
    opened = open_control_for_reading(files.control)
    yield opened
    opened.close()


@pytest.fixture
def opened(
    connection: sqlite3.Connection, files: DataFiles, signal: ModeSignal
) -> Iterator[ChangeSignal]:
    found, in_use = open_signal(signal, connection, files.control)
    assert in_use.kind is signal
    yield found
    found.close()


class TestEverySignal:
    def test_says_the_same_as_long_as_nothing_is_committed(
        self, opened: ChangeSignal, writer: sqlite3.Connection
    ) -> None:
        before = opened.look()
        writer.execute("BEGIN IMMEDIATE")
        next_revision(writer)
        assert opened.look() == before
        writer.execute("ROLLBACK")
        assert opened.look() == before

    def test_says_something_new_after_every_commit(
        self, opened: ChangeSignal, writer: sqlite3.Connection
    ) -> None:
        looks = [opened.look()]
        for _ in range(300):
            next_revision(writer)
            looks.append(opened.look())
        assert len(set(looks)) == len(looks)

    def test_says_something_new_after_a_commit_that_follows_a_checkpoint(
        self, opened: ChangeSignal, writer: sqlite3.Connection
    ) -> None:
        for way in ("PASSIVE", "FULL", "RESTART", "TRUNCATE"):
            next_revision(writer)
            before = opened.look()
            writer.execute(f"PRAGMA wal_checkpoint({way})").fetchall()
            next_revision(writer)
            assert opened.look() != before

    def test_says_something_new_after_a_restore(
        self, opened: ChangeSignal, files: DataFiles, tmp_path: Path, made_once: bytes
    ) -> None:
        (tmp_path / "backup.db").write_bytes(made_once)
        before = opened.look()
        with (
            closing(open_connection(tmp_path / "backup.db")) as source,
            closing(open_connection(files.control)) as target,
        ):
            source.backup(target)
        assert opened.look() != before

    def test_says_something_new_after_a_commit_of_another_process(
        self, opened: ChangeSignal, files: DataFiles
    ) -> None:
        before = opened.look()
        with other_process(files, "print(next_revision(connection), flush=True)") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "1\n"
            assert opened.look() != before

    def test_is_confirmed_by_sqlite_whatever_is_committed(
        self, opened: ChangeSignal, writer: sqlite3.Connection
    ) -> None:
        for number in range(100):
            assert opened.agrees()
            next_revision(writer)
            if number % 10 == 0:
                writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        assert opened.agrees()


def test_a_file_that_is_not_in_wal_mode_is_followed_by_the_plain_signal(
    files: DataFiles, clock: MovedClock
) -> None:
    with closing(open_connection(files.control)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE").fetchall()
        reader = ModeReader(files.directory, signal=ModeSignal.FAST, monotonic=clock)
        assert reader.signal_in_use.kind is ModeSignal.PLAIN
        assert "control.db-shm" in reader.signal_in_use.why
        next_revision(connection)
        assert reader.effective().revision == 1
    reader.close()


def test_auto_takes_the_fast_signal_where_it_can(files: DataFiles) -> None:
    with closing(ModeReader(files.directory)) as reader:
        assert reader.signal_in_use.kind is ModeSignal.FAST


acquire = wal_index.acquire


def frozen(path: Path) -> WalIndex:
    """What the mapping would be like if SQLite kept its header somewhere else."""
    index = acquire(path)
    copy = mmap.mmap(-1, wal_index.MAPPED_BYTES)
    copy[HEADER] = index.mapping[HEADER]
    return WalIndex(index.inode, index.descriptor, copy, users=1)


def test_a_header_that_sqlite_contradicts_is_given_up_within_50_ms_and_for_good(
    files: DataFiles,
    writer: sqlite3.Connection,
    clock: MovedClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(wal_index, "acquire", frozen)
        reader = ModeReader(files.directory, monotonic=clock)
        next_revision(writer)
        assert reader.effective().revision == 0
        clock.forward(LOOK_EVERY_S)
        assert reader.effective().revision == 1
    assert reader.fall_backs == 1
    assert reader.signal_in_use.kind is ModeSignal.PLAIN
    assert "did not show" in reader.signal_in_use.why
    assert "fast_signal_given_up" in capsys.readouterr().out
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    clock.forward(LOOK_EVERY_S)
    next_revision(writer)
    assert reader.effective().revision == 2
    assert reader.signal_in_use.kind is ModeSignal.PLAIN
    assert reader.fall_backs == 1
    reader.close()


def changed(offset: int, content: bytes) -> Callable[[bytes], bytes]:
    def change(copy: bytes) -> bytes:
        return copy[:offset] + content + copy[offset + len(content) :]

    return change


LAYOUTS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "another version": (changed(0, struct.pack("=I", 3008000)), "its version is 3008000"),
    "not initialised": (changed(12, b"\0"), "not initialised"),
    "another counter": (changed(8, b"\xff\xff\xff\xff"), "checksum"),
    "another checksum": (changed(40, b"\xff\xff\xff\xff"), "checksum"),
    "all zero": (lambda copy: bytes(len(copy)), "its version is 0"),
}


@pytest.mark.parametrize(("change", "complaint"), LAYOUTS.values(), ids=LAYOUTS.keys())
def test_a_header_that_is_not_as_known_is_complained_of(
    connection: sqlite3.Connection,
    files: DataFiles,
    change: Callable[[bytes], bytes],
    complaint: str,
) -> None:
    with closing(FastSignal(connection, files.control)) as signal:
        copy = signal.look()[:48]
    assert layout_complaint(copy + copy) is None
    assert complaint in str(layout_complaint(change(copy) * 2))


def test_two_copies_that_differ_are_complained_of() -> None:
    assert layout_complaint(bytes(48) + b"\1" * 48) == "the two copies of its header differ"


def test_a_file_that_sqlite_does_not_have_open_is_refused(
    connection: sqlite3.Connection, files: DataFiles
) -> None:
    shm = Path(f"{files.control}-shm")
    connection.execute("SELECT * FROM control").fetchall()
    shutil.copy(shm, f"{shm}.copy")
    Path(f"{shm}.copy").replace(shm)
    with pytest.raises(UnusableWalIndexError, match="not the file that SQLite has open"):
        FastSignal(connection, files.control)


TRY_TO_WRITE = """
import sqlite3
connection.execute("PRAGMA busy_timeout=1")
try:
    connection.execute("BEGIN IMMEDIATE")
    print("locked by me", flush=True)
except sqlite3.OperationalError as error:
    print(error, flush=True)
"""


def test_readers_that_come_and_go_drop_no_lock_of_their_own_process(
    files: DataFiles, open_reader: Opener, writer: sqlite3.Connection, clock: MovedClock
) -> None:
    writer.execute("BEGIN IMMEDIATE")
    for _ in range(3):
        reader = open_reader()
        os.utime(files.control)
        clock.forward(LOOK_EVERY_S)
        assert reader.effective().freshness is Freshness.FRESH
        reader.close()
    with other_process(files, TRY_TO_WRITE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "database is locked\n"


def test_mappings_of_many_databases_do_not_pile_up(tmp_path: Path, made_once: bytes) -> None:
    def descriptors() -> int:
        return sum(1 for _ in Path("/dev/fd").iterdir())

    before = descriptors()
    for number in range(60):
        files = DataFiles(tmp_path / str(number))
        files.directory.mkdir()
        files.control.write_bytes(made_once)
        ModeReader(files.directory, signal=ModeSignal.FAST).close()
    assert descriptors() - before <= 2 * wal_index.UNUSED_AT_MOST + 4
