"""An adapter process without HTTP, for tests.

Called with the data directory, the mode that pins it (or `-`), and `fork` or nothing. It answers
each line that it reads with the mode in force, counted as a resolution, and stops when there are
no more. With `fork` it counts one, reads and reports first, and its child goes on.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import structlog

from flagctl.store.files import DataFiles
from flagctl.store.mode_reader import ModeReader
from flagctl.vocabulary import Mode, ResolutionOutcome
from flagctl.watch import Tally, Watch


def now() -> datetime:
    return datetime.now(UTC)


def main(directory: Path, pin: Mode | None, *, forks: bool) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    reader = ModeReader(directory, pin)
    tally = Tally()
    watch = Watch(DataFiles(directory), reader, pin=pin, clock=now, tally=tally)
    if forks:
        tally.count(reader.read().effective, ResolutionOutcome.RESOLVED)
        watch.register()
        watch.turn()
        if child := os.fork():
            os.waitpid(child, 0)
            watch.goodbye()
            return
    watch.start()
    answer("started")
    for _ in sys.stdin:
        reading = reader.read()
        tally.count(reading.effective, ResolutionOutcome.RESOLVED)
        watch.note(reading.effective)
        answer(reading.effective.mode)
    watch.stop()


def answer(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    given = sys.argv[2]
    main(Path(sys.argv[1]), None if given == "-" else Mode(given), forks="fork" in sys.argv)
