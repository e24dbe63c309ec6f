"""A store made by the real migrations, a writer beside it, and a clock that moves when told."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flagctl.store import identity
from flagctl.store.connection import open_connection
from flagctl.store.files import DataFiles
from flagctl.store.mode_reader import LOOK_EVERY_S, ModeReader
from flagctl.vocabulary import FlagKind, Mode, ModeSignal
from tests.reader.control import raise_flag
from tests.waiting import let_a_tick_pass


class MovedClock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def forward(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def made_once(new_control_db: bytes) -> bytes:
    return new_control_db


@pytest.fixture
def files(tmp_path: Path, made_once: bytes) -> DataFiles:
    files = DataFiles(tmp_path)
    files.control.write_bytes(made_once)
    return files


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


def settle(
    reader: ModeReader, files: DataFiles, clock: MovedClock, *, is_settled: bool = True
) -> None:
    """Let nothing have happened in the directory lately, and the reader have looked."""
    reader._last_known_good.settle()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "TICK_AT_MOST_NS", 0)
        clock.forward(LOOK_EVERY_S)
        assert reader.read().trouble is None
    let_a_tick_pass(files.directory)
    assert reader._around.are_settled(clock()) is is_settled


Opener = Callable[..., ModeReader]


@pytest.fixture(params=[ModeSignal.PLAIN, ModeSignal.FAST])
def signal(request: pytest.FixtureRequest) -> ModeSignal:
    """Each change signal in turn: one contract and one set of faults for both."""
    chosen: ModeSignal = request.param
    return chosen


@pytest.fixture
def open_reader(files: DataFiles, clock: MovedClock, signal: ModeSignal) -> Iterator[Opener]:
    """Makes readers on the moved clock and closes them in the end."""
    opened: list[ModeReader] = []

    def make(pin: Mode | None = None) -> ModeReader:
        opened.append(ModeReader(files.directory, pin, signal=signal, monotonic=clock))
        return opened[-1]

    yield make
    for reader in opened:
        reader.close()


@pytest.fixture
def writer(files: DataFiles) -> Iterator[sqlite3.Connection]:
    """Another connection to the same control.db."""
    connection = open_connection(files.control)
    yield connection
    connection.close()


@pytest.fixture(params=["in motion", "settled"])
def reader(
    request: pytest.FixtureRequest,
    files: DataFiles,
    clock: MovedClock,
    open_reader: Opener,
    writer: sqlite3.Connection,
    signal: ModeSignal,
) -> ModeReader:
    """A reader that has followed the store into real-policy, everything in the main file.

    It looks at everything each time, or knows the files to have been there for a while.
    """
    reader = open_reader()
    raise_flag(writer, FlagKind.CUTOVER, Mode.REAL_POLICY)
    assert reader.effective().mode is Mode.REAL_POLICY
    assert reader.signal_in_use.kind is signal
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    writer.close()
    if request.param == "settled":
        settle(reader, files, clock)
    return reader
