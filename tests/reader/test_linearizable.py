"""No read that begins after a commit has returned gives an older revision; none goes backwards."""

import pytest

from flagctl.store.files import DataFiles
from flagctl.vocabulary import ModeSignal
from tests.reader.race import SHAPES, race

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
