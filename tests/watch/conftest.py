"""A data directory with a real store, and one adapter process of it inside the test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flagctl.domain.audit import AuditEvent
from flagctl.domain.change import Actor, CutOver
from flagctl.domain.flag import ControlState
from flagctl.domain.gate import Facts, SlurmVerdict
from flagctl.store.audit_log import AuditFilter, list_events, verify_trail
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.mode_reader import ModeReader
from flagctl.store.reading import read_state, reading
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Action, Door, Mode, Role
from flagctl.watch import Watch, loop

ADMIN = Actor("os:alice", Role.ADMIN, Door.CLI)


@dataclass
class MovedClock:
    """Stands still until it is moved; tells the time of day and seconds that only grow."""

    elapsed_s: float = 1000.0

    def __call__(self) -> datetime:
        return datetime(2026, 5, 1, 12, tzinfo=UTC) + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return self.elapsed_s

    def forward(self, seconds: float) -> None:
        self.elapsed_s += seconds


@dataclass
class Process:
    """An adapter process as far as it watches; a turn is taken when the test says so."""

    reader: ModeReader
    watch: Watch
    clock: MovedClock

    def turn(self, after_s: float = 2.0) -> None:
        self.clock.forward(after_s)
        self.watch.turn()

    def mode_after(self, seconds: float) -> Mode:
        self.clock.forward(seconds)
        return self.reader.effective().mode


@dataclass
class Trail:
    """What control.db says by now."""

    files: DataFiles

    def events(self, action: Action | None = None) -> list[AuditEvent]:
        """The events, the oldest first."""
        with reading(self.files) as connection:
            return list(list_events(connection, AuditFilter(action=action)))[::-1]

    def verifies(self) -> bool:
        with reading(self.files) as connection:
            found = verify_trail(connection)
        return found.holds and found.events > 0

    def state(self) -> ControlState:
        with reading(self.files) as connection:
            return read_state(connection)


def cut_over(store: ControlStore, clock: MovedClock) -> None:
    """Set the highest mode by a cutover flag, on a store that nobody has changed yet."""
    facts = Facts(verdict=SlurmVerdict(holds=True, detail="", taken_at=clock()))
    change = CutOver(Mode.REAL_POLICY, "alice", "go", clock() + timedelta(days=30), revision=0)
    store.apply(change, ADMIN, facts)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a new control.db."""
    files = DataFiles(tmp_path_factory.mktemp("made"))
    upgrade(files)
    return files.control.read_bytes()


@pytest.fixture
def files(tmp_path: Path, made_once: bytes) -> DataFiles:
    files = DataFiles(tmp_path)
    files.control.write_bytes(made_once)
    return files


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def store(files: DataFiles, clock: MovedClock) -> ControlStore:
    return ControlStore(files, clock, busy_timeout_s=0.1)


@pytest.fixture
def trail(files: DataFiles) -> Trail:
    return Trail(files)


Starter = Callable[..., Process]


@pytest.fixture
def start(
    files: DataFiles, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Starter]:
    """Starts an adapter process with the given pin and what else `Watch` takes."""
    monkeypatch.setattr(loop, "STORE_BUSY_TIMEOUT_S", 0.02)
    started: list[Process] = []

    def make(pin: Mode | None = None, **options: Any) -> Process:
        reader = ModeReader(files.directory, pin, monotonic=clock.monotonic)
        watch = Watch(files, reader, pin=pin, clock=clock, **options)
        watch.register()
        started.append(Process(reader, watch, clock))
        return started[-1]

    yield make
    for process in started:
        process.reader.close()
        process.watch.stop()


@pytest.fixture
def start_thread(files: DataFiles, monkeypatch: pytest.MonkeyPatch) -> Iterator[Starter]:
    """Starts an adapter process with its thread, on the real clock; it takes many turns."""
    monkeypatch.setattr(loop, "TURN_EVERY_S", 0.02)
    started: list[Process] = []

    def make(pin: Mode | None = None, **options: Any) -> Process:
        reader = ModeReader(files.directory, pin)
        watch = Watch(files, reader, pin=pin, clock=lambda: datetime.now(UTC), **options)
        watch.start()
        started.append(Process(reader, watch, MovedClock()))
        return started[-1]

    yield make
    for process in started:
        process.watch.stop()
        process.reader.close()


@pytest.fixture
def running(start_thread: Starter) -> Process:
    return start_thread()
