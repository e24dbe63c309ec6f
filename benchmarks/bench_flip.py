"""A flip through the write path, its fsync included, beside the commit that it can't do without.

Wanted: a median under 5 ms. "One commit" changes one row on a kept connection, durably: the floor
on this disk. "Connection of its own" is what a command does: it opens, flips, and closes the last
connection, which checkpoints the WAL.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Result, interleaved
from flagctl.domain.change import Actor, EndRollback, RollBack
from flagctl.domain.gate import Facts
from flagctl.store.connection import open_connection
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.mode_reader import ModeReader
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Door, Mode, Role

ROUNDS = 400
ADMIN = Actor("os:bench", Role.ADMIN, Door.CLI)


def now() -> datetime:
    return datetime.now(UTC)


def run() -> list[Result]:
    # Beside this directory and not in memory: the fsync is what is measured.
    with tempfile.TemporaryDirectory(dir=".") as place:
        directory = Path(place).absolute()
        with (
            floor(directory / "floor") as commit,
            flips(directory / "kept") as kept,
            flips(directory / "followed", followed=True) as followed,
        ):
            work = {
                "one commit": commit,
                "flip": kept,
                "flip, and a reader that follows it": followed,
                "flip on a connection of its own": lone_flips(directory / "own"),
            }
            return interleaved(work, ROUNDS)


@contextmanager
def floor(directory: Path) -> Iterator[Callable[[], object]]:
    files = made(directory)
    with closing(open_connection(files.control)) as connection:

        def commit() -> sqlite3.Cursor:
            return connection.execute("UPDATE control SET revision = revision + 1")

        yield commit


@contextmanager
def flips(directory: Path, *, followed: bool = False) -> Iterator[Callable[[], object]]:
    files = made(directory)
    with closing(ControlStore(files, now)) as store, closing(ModeReader(directory)) as reader:
        flip = flipper(store)

        def flip_and_follow() -> None:
            flip()
            reader.effective()

        yield flip_and_follow if followed else flip


def lone_flips(directory: Path) -> Callable[[], object]:
    store = ControlStore(made(directory), now)
    flip = flipper(store)

    def flip_and_close() -> None:
        flip()
        store.close()

    return flip_and_close


def made(directory: Path) -> DataFiles:
    files = DataFiles(directory)
    upgrade(files)
    return files


def flipper(store: ControlStore) -> Callable[[], None]:
    """Down and up in turn; each call is one accepted act."""
    revision = 0

    def flip() -> None:
        nonlocal revision
        if revision % 2:
            change = EndRollback("mended", no_follow_up="a benchmark", revision=revision)
            receipt = store.apply(change, ADMIN, Facts())
        else:
            receipt = store.apply(RollBack(Mode.PASSTHROUGH, "a benchmark"), ADMIN, Facts())
        revision = receipt.revision

    return flip
