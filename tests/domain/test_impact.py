"""Counts laid out over an hour and around flips: nothing is lost, doubled or put elsewhere."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flagctl.domain.audit import AuditEvent
from flagctl.domain.impact import (
    FLIPS,
    SIDE_MINUTES,
    STRIP_MINUTES,
    CountKey,
    Counts,
    Impact,
    begin_of,
    impact,
    is_flip,
    minute_of,
    strip,
)
from flagctl.vocabulary import Action, Door, Mode, Outcome, ResolutionOutcome
from tests.domain.samples import NOON

LOW, MIDDLE, HIGH = Mode
RESOLVED, DENIED, *_ = ResolutionOutcome
MINUTE = timedelta(minutes=1)
NOW = minute_of(NOON)


def flip(at: datetime = NOON, revision: int | None = 8, **changes: Any) -> AuditEvent:
    words: dict[str, Any] = {
        "id": revision or 1,
        "at": at,
        "actor": "os:alice",
        "claim": None,
        "source": Door.CLI,
        "action": Action.ROLL_BACK,
        "outcome": Outcome.ACCEPTED,
        "revision": revision,
        "flag_id": 1,
        "mode_before": MIDDLE,
        "mode_after": LOW,
        "reason": "p99",
        "detail": {},
        "prev_hash": "",
        "hash": "",
    }
    return AuditEvent(**{**words, **changes})


def key(
    minute: int = NOW,
    revision: int | None = 7,
    mode: Mode = MIDDLE,
    outcome: ResolutionOutcome = RESOLVED,
) -> CountKey:
    return CountKey(minute, mode, outcome, revision)


minutes = st.integers(NOW - 70, NOW + 10)
keys = st.builds(
    CountKey,
    minutes,
    st.sampled_from(Mode),
    st.sampled_from(ResolutionOutcome),
    st.none() | st.integers(0, 12),
)
counts_of_any_kind = st.dictionaries(keys, st.integers(0, 5000), max_size=60)
moments = st.integers(-70 * 60_000, 10 * 60_000).map(lambda ms: NOON + timedelta(milliseconds=ms))


@st.composite
def rows_of_flips(draw: st.DrawFn) -> list[AuditEvent]:
    """Flips in the order of their revisions, and of their times."""
    times = sorted(draw(st.lists(moments, min_size=1, max_size=6)))
    return [flip(at, revision) for revision, at in enumerate(times, start=3)]


@given(counts_of_any_kind, moments)
def test_the_strip_is_an_hour_without_gaps_and_ends_with_the_minute_that_runs(
    counts: Counts, now: datetime
) -> None:
    found = strip(counts, [], now)
    last = minute_of(now)
    assert [each.minute for each in found] == list(range(last - STRIP_MINUTES + 1, last + 1))
    assert [each.is_running for each in found] == [False] * (STRIP_MINUTES - 1) + [True]


@given(counts_of_any_kind, moments)
def test_every_resolution_of_the_hour_is_in_the_strip_once(counts: Counts, now: datetime) -> None:
    last = minute_of(now)
    expected: Counter[tuple[int, Mode, ResolutionOutcome]] = Counter()
    for each, count in counts.items():
        if last - STRIP_MINUTES < each.minute <= last:
            expected[each.minute, each.mode, each.outcome] += count
    shown = {
        (minute.minute, *kind): count
        for minute in strip(counts, [], now)
        for kind, count in minute.totals.items()
    }
    assert shown == +expected


@given(counts_of_any_kind, rows_of_flips(), moments)
def test_every_flip_of_the_hour_is_marked_at_its_minute(
    counts: Counts, flips: list[AuditEvent], now: datetime
) -> None:
    shown = [(each, minute.minute) for minute in strip(counts, flips, now) for each in minute.flips]
    last = minute_of(now)
    assert shown == [
        (each, minute_of(each.at))
        for each in flips
        if last - STRIP_MINUTES < minute_of(each.at) <= last
    ]


def test_a_minute_with_nothing_to_count_is_another_than_one_in_which_nobody_counted() -> None:
    *_, absent, idle, busy = strip({key(NOW - 1): 0, key(): 3}, [], NOON)
    assert (absent.is_counted, absent.modes, absent.totals) == (False, (), {})
    assert (idle.is_counted, idle.modes, idle.totals) == (True, (MIDDLE,), {})
    assert (busy.is_counted, busy.totals) == (True, {(MIDDLE, RESOLVED): 3})


@given(counts_of_any_kind, rows_of_flips())
def test_what_lies_between_two_flips_is_after_the_one_and_before_the_other(
    counts: Counts, flips: list[AuditEvent]
) -> None:
    for one, other in pairwise(flips):
        if minute_of(other.at) - minute_of(one.at) <= SIDE_MINUTES:
            first, second = impact(one, flips, counts), impact(other, flips, counts)
            assert first.after == second.before
            assert (first.next_flip, second.flip_before) == (other, one)


@given(counts_of_any_kind, moments)
def test_a_flip_alone_parts_its_eleven_minutes_and_leaves_nothing_out(
    counts: Counts, at: datetime
) -> None:
    middle, found = minute_of(at), impact(flip(at), [flip(at)], counts)
    expected: Counter[tuple[Mode, ResolutionOutcome]] = Counter()
    for each, count in counts.items():
        if abs(each.minute - middle) <= SIDE_MINUTES:
            expected[each.mode, each.outcome] += count
    assert Counter(found.before.totals) + Counter(found.after.totals) == +expected
    assert (found.before.since, found.before.until) == (begin_of(middle - SIDE_MINUTES), at)
    assert (found.after.since, found.after.until) == (at, begin_of(middle + SIDE_MINUTES + 1))


def totals(found: Impact) -> tuple[int, int]:
    return sum(found.before.totals.values()), sum(found.after.totals.values())


def test_resolutions_of_the_flips_own_minute_lie_on_the_side_whose_flags_they_used() -> None:
    counts = {key(revision=7): 10, key(revision=8): 20, key(revision=9): 100}
    assert totals(impact(flip(), [], counts)) == (10, 120)


def test_a_process_that_missed_the_flip_counts_as_what_came_after_it() -> None:
    counts = {key(NOW + 1, revision=7): 5, key(NOW + 1, revision=None): 30}
    assert totals(impact(flip(), [], counts)) == (0, 35)


def test_without_a_store_the_minute_alone_tells_the_side_and_the_flips_own_is_before() -> None:
    counts = {key(NOW + ahead, revision=None): 10**ahead for ahead in (0, 1)}
    assert totals(impact(flip(), [], counts)) == (1, 10)


def test_a_side_ends_at_the_next_flip_also_within_the_same_minute() -> None:
    flips = [flip(NOON, 8), flip(NOON + MINUTE / 2, 9), flip(NOON + 2 * MINUTE, 10)]
    counts = {key(revision=8): 1, key(revision=9): 10, key(NOW + 1, 9): 100, key(NOW + 3, 10): 1000}
    first, second, third = (impact(each, flips, counts) for each in flips)
    assert [totals(each) for each in (first, second, third)] == [(0, 1), (1, 110), (110, 1000)]
    assert first.after.until == second.before.until == second.after.since == flips[1].at
    assert (third.flip_before, third.next_flip) == (flips[1], None)


def test_a_flip_further_away_than_the_window_does_not_cut_it() -> None:
    found = impact(flip(), [flip(NOON - 6 * MINUTE, 7), flip(NOON + 6 * MINUTE, 9)], {})
    assert (found.flip_before, found.next_flip) == (None, None)


@pytest.mark.parametrize("action", Action)
def test_acts_that_may_change_a_mode_are_flips_and_time_and_owner_are_not(action: Action) -> None:
    assert is_flip(flip(action=action)) == (action in FLIPS)
    assert not is_flip(flip(action=action, outcome=Outcome.REFUSED, revision=None))


def test_a_minute_begins_where_the_wall_clock_says() -> None:
    assert begin_of(NOW) == NOON
    assert minute_of(NOON + timedelta(seconds=59.9)) == NOW
    assert begin_of(NOW).tzinfo is UTC
