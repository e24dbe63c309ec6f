"""What is counted between two flushes: nothing is counted twice, and nothing is kept for ever."""

import itertools
import os
import threading

import pytest

from flagctl.domain.effective import EffectiveMode
from flagctl.domain.impact import CountKey
from flagctl.vocabulary import Freshness, Mode, ResolutionOutcome, Source
from flagctl.watch import Tally, tally

LOW, MIDDLE, _HIGH = Mode
RESOLVED, DENIED, *_ = ResolutionOutcome


def effective(mode: Mode = MIDDLE, revision: int | None = 7) -> EffectiveMode:
    return EffectiveMode(mode, mode, Source.DEFAULT, Freshness.FRESH, revision)


class Clock:
    def __init__(self) -> None:
        self.now_s = 600.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def made(clock: Clock) -> Tally:
    return Tally(clock)


def test_resolutions_are_counted_by_minute_mode_outcome_and_revision(
    made: Tally, clock: Clock
) -> None:
    for mode, outcome, revision in [
        (MIDDLE, RESOLVED, 7), (MIDDLE, RESOLVED, 7), (MIDDLE, DENIED, 7), (LOW, RESOLVED, 8),
    ]:  # fmt: skip
        made.count(effective(mode, revision), outcome)
    clock.now_s = 659.9
    made.count(effective(), RESOLVED)
    clock.now_s = 660.0
    made.count(effective(revision=None), RESOLVED)
    assert made.pending() == {
        CountKey(10, MIDDLE, RESOLVED, 7): 3,
        CountKey(10, MIDDLE, DENIED, 7): 1,
        CountKey(10, LOW, RESOLVED, 8): 1,
        CountKey(11, MIDDLE, RESOLVED, None): 1,
    }


def test_what_is_counted_while_the_rest_is_written_waits_for_the_next_time(made: Tally) -> None:
    made.count(effective(), RESOLVED)
    written = made.pending()
    made.count(effective(), RESOLVED)
    made.count(effective(), DENIED)
    made.settle(written)
    assert made.pending() == {
        CountKey(10, MIDDLE, RESOLVED, 7): 1,
        CountKey(10, MIDDLE, DENIED, 7): 1,
    }
    made.settle(made.pending())
    assert made.pending() == {}


def test_a_minute_without_resolutions_is_told_once_and_not_lost_by_trouble(
    made: Tally, clock: Clock
) -> None:
    made.be_here(effective())
    nothing = {CountKey(10, MIDDLE, RESOLVED, 7): 0}
    assert made.pending() == nothing
    made.settle(nothing)
    made.be_here(effective())
    assert made.pending() == {}
    clock.now_s += 60
    made.be_here(effective())
    clock.now_s += 60
    made.be_here(effective())
    assert [key.minute for key in made.pending()] == [11, 12]


def test_being_there_takes_nothing_from_what_was_counted(made: Tally) -> None:
    made.count(effective(), RESOLVED)
    made.be_here(effective())
    assert list(made.pending().values()) == [1]


def test_what_cannot_be_written_is_bounded_and_the_oldest_goes_first(
    made: Tally, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tally, "KEPT", 6)
    for _ in range(20):
        made.be_here(effective())
        clock.now_s += 60
    assert not caplog.messages  # nothing is lost with a zero
    clock.now_s = 600.0
    made.settle(made.pending())
    for _ in range(20):
        made.count(effective(), RESOLVED)
        made.count(effective(), RESOLVED)
        made.count(effective(), DENIED)
        clock.now_s += 60
    kept = made.pending()
    assert {key.minute for key in kept} == {27, 28, 29}
    assert sum(kept.values()) + made.lost == 60
    assert len([line for line in caplog.messages if "are lost" in line]) == 1


@pytest.mark.usefixtures("hasty_threads")
def test_threads_lose_no_count_also_when_all_begin_a_minute_at_once() -> None:
    seconds = itertools.count()
    made, written = Tally(lambda: float(next(seconds))), 0

    def work() -> None:
        for _ in range(20_000):
            made.count(effective(), RESOLVED)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken = made.pending()
        made.settle(taken)
        written += sum(taken.values())
    assert written + sum(made.pending().values()) + made.lost == 80_000


def test_a_forked_child_does_not_tell_what_its_parent_counted(made: Tally) -> None:
    made.count(effective(), RESOLVED)
    made.be_here(effective(revision=9))
    child = os.fork()
    if not child:
        is_empty = made.pending() == {}
        made.be_here(effective(revision=9))
        os._exit(0 if is_empty and len(made.pending()) == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(made.pending()) == 2


def test_a_clock_that_is_set_back_counts_into_the_minute_that_it_says(
    made: Tally, clock: Clock
) -> None:
    for now_s in (660.0, 600.0, 660.0):
        clock.now_s = now_s
        made.be_here(effective())
        made.count(effective(), RESOLVED)
    assert {key.minute: count for key, count in made.pending().items()} == {10: 1, 11: 2}
