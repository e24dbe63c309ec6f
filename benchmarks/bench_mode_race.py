"""Fifty million reads of four processes beside a writer that never rests.

The race of the tests, longer: a floor is published after each commit has returned, and no later
answer may be below it, nor below an earlier one of the same thread.
"""

import tempfile
import time
from pathlib import Path

from benchmarks.measure import Result
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.vocabulary import ModeSignal
from tests.reader.race import race

READS = {ModeSignal.FAST: 48_000_000, ModeSignal.PLAIN: 2_000_000}


def run() -> list[Result]:
    return [result for signal in READS for result in raced(signal)]


def raced(signal: ModeSignal) -> list[Result]:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        files = DataFiles(Path(folder).absolute())
        upgrade(files)
        begin = time.perf_counter()
        seen = race(files, "the real one", signal, reads=READS[signal], slowly=100, flips=5000)
        taken_s = time.perf_counter() - begin
    assert (seen.stale, seen.backwards) == (0, 0)
    note = f"none stale, none backwards, {seen.reads:,} in {taken_s:.0f} s"
    return [Result(f"stale answers, {signal} signal", 0, 0, "reads", seen.reads, note)]
