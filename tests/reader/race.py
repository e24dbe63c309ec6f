"""Processes that flip and read at once, each checking every answer that it gets.

A writer publishes each revision after its commit has returned. A reader notes the published
revision first and then asks: an answer below it is stale, one below an earlier answer of the same
thread goes backwards.

    python -m tests.reader.race write DIRECTORY PUBLISHED FLIPS_AT_100_HZ FLIPS
    python -m tests.reader.race read DIRECTORY PUBLISHED KIND SIGNAL READS SHAPE
"""

import json
import mmap
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from flagctl.store.connection import open_connection
from flagctl.store.files import DataFiles
from flagctl.vocabulary import ModeSignal
from tests.reader.control import next_revision
from tests.reader.mutants import KINDS

_NUMBERS = struct.Struct("=qqq")
BLANK = bytes(_NUMBERS.size)


class Published:
    """What the processes of a race tell each other, in memory that they share."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _NUMBERS.size)
        self._words = memoryview(self._shared).cast("q")

    @property
    def revision(self) -> int:
        return self._words[0]

    @revision.setter
    def revision(self, value: int) -> None:
        self._words[0] = value

    @property
    def is_over(self) -> bool:
        return bool(self._words[1])

    def finish(self) -> None:
        self._words[1] = 1


@dataclass
class Tally:
    """What one reader saw."""

    reads: int = 0
    stale: int = 0
    backwards: int = 0


def write(directory: Path, published: Published, slowly: int, flips: int) -> None:
    """Flip at 100 Hz, then as fast as the disk allows with a checkpoint now and then."""
    connection = open_connection(DataFiles(directory).control)
    pause = threading.Event()
    for _ in range(slowly):
        published.revision = next_revision(connection)
        pause.wait(0.01)
    ways = ("PASSIVE", "FULL", "RESTART", "TRUNCATE")
    for number in range(flips):
        published.revision = next_revision(connection)
        if number % 40 == 0:
            way = ways[number // 40 % len(ways)]
            connection.execute(f"PRAGMA wal_checkpoint({way})").fetchall()
        if published.is_over:
            break
    published.finish()


Ask = Callable[[], int | None]


def read(ask: Ask, published: Published, reads: int, *, stop_at_fault: bool) -> Tally:
    """Ask until the writer is done, and at least `reads` times."""
    tally, last = Tally(), 0
    while tally.reads < reads or not published.is_over:
        for _ in range(200):
            floor = published.revision
            revision = ask() or 0
            tally.stale += revision < floor
            tally.backwards += revision < last
            last = revision
        tally.reads += 200
        if stop_at_fault and (tally.stale or tally.backwards or published.is_over):
            published.finish()
            break
    return tally


@contextmanager
def asking(directory: Path, kind: str, signal: ModeSignal) -> Iterator[Ask]:
    reader = KINDS[kind](directory, signal=signal)
    yield lambda: reader.effective().revision
    reader.close()


def in_threads(count: int, work: Callable[[], Tally]) -> list[Tally]:
    tallies: list[Tally] = []
    threads = [threading.Thread(target=lambda: tallies.append(work())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tallies


def main(role: str, directory: str, shared: str, *rest: str) -> None:
    published = Published(Path(shared))
    if role == "write":
        write(Path(directory), published, *map(int, rest))
        return
    kind, signal, reads, shape = rest
    with asking(Path(directory), kind, ModeSignal(signal)) as ask:
        ask()
        if shape == "forked" and (child := os.fork()):
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        threads = 4 if shape == "threads" else 1
        sys.setswitchinterval(0.00005)  # threads that take turns as often as they can

        def work() -> Tally:
            return read(ask, published, int(reads) // threads, stop_at_fault=kind != "the real one")

        for tally in in_threads(threads, work) if threads > 1 else [work()]:
            sys.stdout.write(json.dumps(asdict(tally)) + "\n")


SHAPES = ("alone", "alone", "threads", "forked")
LINES = {"alone": 1, "threads": 4, "forked": 1}


def race(
    files: DataFiles,
    kind: str,
    signal: ModeSignal,
    *,
    reads: int = 0,
    slowly: int = 0,
    flips: int,
    shapes: tuple[str, ...] = SHAPES,
) -> Tally:
    """Let four processes read beside one that writes; return what they saw together."""
    published = files.directory / "published"
    published.write_bytes(BLANK)
    command = [sys.executable, "-m", "tests.reader.race"]
    shared = [str(files.directory), str(published)]
    readers = [
        start([*command, "read", *shared, kind, signal, str(reads // len(shapes)), shape])
        for shape in shapes
    ]
    writer = start([*command, "write", *shared, str(slowly), str(flips)])
    said = [process.communicate(timeout=600)[0] for process in (*readers, writer)]
    assert not any(process.returncode for process in (*readers, writer))
    tallies = [json.loads(line) for text in said for line in text.splitlines()]
    assert len(tallies) == sum(LINES[shape] for shape in shapes)
    return Tally(*(sum(each[name] for each in tallies) for name in ("reads", "stale", "backwards")))


def start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
