"""What a person reads of resolutions: no share is rounded to none or to all."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flagctl.domain.audit import AuditEvent
from flagctl.domain.impact import Counts, LastHour, impact, strip
from flagctl.present.impact import flip_record, impact_record, minute_record, percent
from flagctl.vocabulary import Mode, ResolutionOutcome
from tests.counting import RESOLVED, key
from tests.domain.samples import NOON
from tests.domain.test_impact import counts_of_any_kind, flip

LOW, MIDDLE, HIGH = Mode
DENIED, UNAVAILABLE = ResolutionOutcome.DENIED, ResolutionOutcome.UNAVAILABLE
MINUTE = timedelta(minutes=1)
LATER = NOON + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 7, "0 %"),
        (7, 7, "100 %"),
        (1, 500, "0.2 %"),
        (1, 1000, "0.1 %"),
        (1, 1001, "under 0.1 %"),
        (140, 1000, "14 %"),
        (1, 20, "5 %"),
        (989, 1000, "99 %"),
        (999, 1000, "99.9 %"),
        (9999, 10000, "over 99.9 %"),
    ],
)
def test_a_share_reads_as_a_person_would_say_it(part: int, whole: int, said: str) -> None:
    assert percent(part, whole) == said


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_share_is_none_or_all_only_when_it_is(part: int, more: int) -> None:
    whole = part + more
    assert (percent(part, whole) == "0 %") == (part == 0)
    assert percent(part, whole) != "100 %"


def compared(counts: Counts, after: timedelta = timedelta(minutes=10)) -> str:
    return flip_record(impact(flip(), [], counts), NOON + after).sentence


def test_a_flip_is_told_by_how_the_shares_changed() -> None:
    before, after = NOON - MINUTE, NOON + MINUTE
    counts = {
        key(before): 998, key(before, outcome=UNAVAILABLE): 2,
        key(after): 85, key(after, outcome=UNAVAILABLE): 10,
        key(after, outcome=ResolutionOutcome.MISCONFIGURED): 4, key(after, outcome=DENIED): 1,
    }  # fmt: skip
    said = "errors 0.2 % → 14 %, denied 0 % → 1 % (of 1000 before and 100 after)"
    assert compared(counts) == said
    assert compared(counts, MINUTE).endswith("100 after so far)")


def test_without_denied_queues_they_are_not_spoken_of() -> None:
    counts = {key(NOON - MINUTE): 5, key(NOON + MINUTE): 5}
    assert compared(counts) == "errors 0 % → 0 % (of 5 before and 5 after)"


def test_where_there_is_nothing_to_compare_with_that_is_said() -> None:
    assert compared({}) == "before: nobody counted; after: nobody counted"
    idle = {key(NOON - MINUTE): 0, key(NOON + MINUTE): 4, key(NOON + MINUTE, outcome=DENIED): 1}
    assert compared(idle, MINUTE) == (
        "before: nothing to resolve; after so far: errors 0 %, denied 20 % of 5"
    )


def test_a_minute_is_told_by_mode_and_outcome_with_what_was_committed_in_it() -> None:
    counts = {
        key(NOON): 3, key(NOON, outcome=DENIED): 2, key(NOON, LOW): 0,
        key(NOON, HIGH, UNAVAILABLE): 7,
    }  # fmt: skip
    (minute,) = strip(counts, [flip()], NOON)[-1:]
    assert minute_record(minute, NOON).sentence == (
        "12:00 UTC so far: passthrough: nothing to resolve; stub-policy: 3 resolved, 2 denied; "
        "real-policy: 7 unavailable; revision 8 was committed"
    )
    (silent,) = strip({}, [], NOON)[-2:-1]
    assert minute_record(silent, NOON).sentence == "11:59 UTC: nobody counted"


def told(counts: Counts, *flips: AuditEvent, is_readable: bool = True) -> str:
    hour = LastHour(strip(counts, flips, NOON), (), is_readable, has_more=False)
    return impact_record(hour, NOON).sentence


def test_the_hour_is_told_in_one_sentence() -> None:
    counts = {key(NOON): 95, key(NOON, outcome=DENIED): 4, key(NOON - MINUTE, HIGH, UNAVAILABLE): 1}
    assert told(counts, flip()) == (
        "11:01 UTC to 12:00 UTC: 100 resolutions, errors 1 %, denied 4 %; 1 flip."
    )
    assert told({}) == "No process counted anything in the last hour."
    assert told({key(NOON): 0}) == "11:01 UTC to 12:00 UTC: 0 resolutions; 0 flips."
    assert "can't be read" in told({}, is_readable=False)


@given(counts_of_any_kind)
def test_totals_errors_and_denied_are_those_of_the_single_numbers(counts: Counts) -> None:
    found = flip_record(impact(flip(), [], counts), LATER)
    for side in (found.before, found.after):
        by_outcome = dict.fromkeys(ResolutionOutcome, 0)
        for each in side.resolutions:
            by_outcome[each.outcome] += each.count
        assert side.total == sum(by_outcome.values())
        assert side.denied == by_outcome[DENIED]
        assert side.errors == side.total - side.denied - by_outcome[RESOLVED]
