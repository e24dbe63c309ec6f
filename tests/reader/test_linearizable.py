"""No read that begins after a commit has returned gives an older revision; none goes backwards."""

import json
import subprocess
import sys

import pytest

from flagctl.store.files import DataFiles
from flagctl.vocabulary import ModeSignal
from tests.reader.race import BLANK, Tally

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


READS = {ModeSignal.FAST: 1_600_000, ModeSignal.PLAIN: 400_000}


def test_two_million_reads_are_never_stale_and_never_go_backwards(
    files: DataFiles, signal: ModeSignal
) -> None:
    seen = race(files, "the real one", signal, reads=READS[signal], slowly=50, flips=1500)
    assert seen.reads >= READS[signal]
    assert (seen.stale, seen.backwards) == (0, 0)
    assert sum(READS.values()) >= 2_000_000


FAULTY = {
    "a cache of 50 ms": (ModeSignal.PLAIN, SHAPES),
    "a key of stat": (ModeSignal.PLAIN, SHAPES),
    "the look after the read": (ModeSignal.FAST, SHAPES),
    "no second look": (ModeSignal.FAST, ("threads", "threads")),
}


@pytest.mark.parametrize(
    ("kind", "chosen", "shapes"),
    [(kind, *how) for kind, how in FAULTY.items()],
    ids=FAULTY.keys(),
)
def test_the_same_race_catches(
    files: DataFiles, kind: str, chosen: ModeSignal, shapes: tuple[str, ...]
) -> None:
    seen = race(files, kind, chosen, flips=20_000, shapes=shapes)
    assert seen.stale + seen.backwards > 0
