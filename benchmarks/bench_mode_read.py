"""One read of the mode, beside its limits and beside the flag SDKs of others.

Medians are of means of a hundred calls; 99th percentiles are of single calls, the cost of the
clock taken off. Everything is run once per round, so that the machine's moods hit all alike.
Between two single calls of one kind others have run: caches are cold, and the look every 50 ms is
seen.
"""

import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Result, Work, interleaved, samples, summary
from benchmarks.peers import peers
from benchmarks.picture import bars
from flagctl.domain.change import Actor, RollBack
from flagctl.domain.gate import Facts
from flagctl.store.connection import open_connection, open_control_for_reading
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.mode_reader import ModeReader
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Door, Mode, ModeSignal, Role

ROUNDS = 1000
BARE = "bare function call"
OURS = "mode read"
FAST = f"{OURS}, fast signal"
PLAIN = f"{OURS}, plain signal"
ADMIN = Actor("os:bench", Role.ADMIN, Door.CLI)
FRESH = "fresh: every commit that has returned"


def run() -> list[Result]:
    with tempfile.TemporaryDirectory() as folder, peers(Path(folder)) as others:
        files = DataFiles(Path(folder))
        upgrade(files)
        with (
            recorded_flip(files),
            closing(ModeReader(files.directory, signal=ModeSignal.FAST)) as fast,
            closing(ModeReader(files.directory, signal=ModeSignal.PLAIN)) as plain,
            closing(open_control_for_reading(files.control)) as connection,
        ):
            assert fast.signal_in_use.kind is ModeSignal.FAST, fast.signal_in_use.why
            path = str(files.control)
            works: dict[str, tuple[Work, str]] = {
                BARE: (bare, ""),
                "time.time()": (time.time, ""),
                FAST: (fast.effective, FRESH),
                "os.environ.get": (lambda: os.environ.get("ZPE_SLURM_ADAPTER"), "never changes"),
                "os.stat": (lambda: os.stat(path), ""),  # noqa: PTH116 - the call itself
                PLAIN: (plain.effective, FRESH),
                **on_a_connection(connection),
                **others,
            }
            results = measured(works, inner=100)
            results += measured({BARE: works[BARE], **orms(files)}, inner=10, rounds=100)[1:]
            alone = one_after_another(fast.effective, "one after another")
            with busy_thread():
                beside = one_after_another(fast.effective, "beside a busy thread")
            return [*with_ratios(results), alone, beside]


def picture(results: list[Result]) -> str:
    compared = [each for each in results if not each.name.startswith(f"{FAST}, ")]
    return bars(compared, "One read of one value: median, each step ten times the last", OURS)


@contextmanager
def recorded_flip(files: DataFiles) -> Iterator[None]:
    """The store as it is found in service: a flip in the WAL, and its writer still there.

    An empty WAL would not tell SQLite how large the file is, and each look would cost one `fstat`
    more.
    """
    store = ControlStore(files, lambda: datetime.now(UTC))
    store.apply(RollBack(Mode.STUB_POLICY, "bench"), ADMIN, Facts())
    yield
    store.close()


def bare() -> None:
    pass


def on_a_connection(connection: sqlite3.Connection) -> dict[str, tuple[Work, str]]:
    version = connection.cursor()
    point = connection.cursor()

    def data_version() -> object:
        return version.execute("PRAGMA data_version").fetchall()

    def select() -> object:
        return point.execute("SELECT revision FROM control WHERE id = 1").fetchall()

    return {
        "PRAGMA data_version, cursor kept": (data_version, FRESH),
        "point SELECT, connection kept": (select, FRESH),
    }


def orms(files: DataFiles) -> dict[str, tuple[Work, str]]:
    from sqlalchemy import create_engine
    from sqlmodel import Session

    from flagctl.store.tables import ControlRow

    engine = create_engine(f"sqlite:///{files.control}")

    def get() -> object:
        with Session(engine) as session:
            return session.get(ControlRow, 1)

    def connect() -> object:
        with closing(open_connection(files.control, mode="ro")) as connection:
            return connection.execute("SELECT revision FROM control WHERE id = 1").fetchall()

    return {
        "connect, SELECT, close": (connect, FRESH),
        "SQLModel Session.get, a session per read": (get, FRESH),
    }


def measured(
    works: dict[str, tuple[Work, str]], *, inner: int, rounds: int = ROUNDS
) -> list[Result]:
    funcs = {name: work for name, (work, _) in works.items()}
    medians = interleaved(funcs, rounds, inner)
    singles = interleaved(funcs, 20 * rounds)
    clock_us = next(each.median for each in singles if each.name == BARE)
    return [
        replace(middle, p99=max(0.0, single.p99 - clock_us), n=rounds * inner, note=works[name][1])
        for name, middle, single in zip(funcs, medians, singles, strict=True)
    ]


def with_ratios(results: list[Result]) -> Iterator[Result]:
    own = next(each.median for each in results if each.name == FAST)
    for each in results:
        ratio = f"{each.median / own:.3g} x the fast read"
        yield replace(each, note="; ".join(filter(None, (ratio, each.note))))


def one_after_another(work: Work, where: str) -> Result:
    """Single calls, as an endpoint under load makes them, each less the bare one of its round.

    One call in ten to a hundred takes this machine twice as long, whatever it is: less the
    median of the bare ones, the clock's own share of that would count as the read's.
    """
    timed = samples({BARE: bare, FAST: work}, 100 * ROUNDS)
    own = [call - clock for clock, call in zip(timed[BARE], timed[FAST], strict=True)]
    bare_p99, p99 = (summary(name, values, "µs").p99 for name, values in timed.items())
    note = f"single calls, less a bare one; as timed 99th {p99:.2f}, of a bare one {bare_p99:.2f}"
    return summary(f"{FAST}, {where}", own, "µs", note)


@contextmanager
def busy_thread() -> Iterator[None]:
    stop = threading.Event()

    def compute(is_set: Callable[[], bool]) -> None:
        while not is_set():
            sum(range(1000))

    thread = threading.Thread(target=compute, args=(stop.is_set,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
