"""Bars are as high as their numbers, what is there is seen, and nothing leaves the picture."""

from datetime import timedelta
from itertools import combinations, groupby

from hypothesis import given
from hypothesis import strategies as st

from flagctl.domain.audit import AuditEvent
from flagctl.domain.impact import Counts, LastHour, impact, minute_of, strip
from flagctl.present.impact import ImpactRecord, ResolutionsRecord, impact_record
from flagctl.vocabulary import LADDER, Mode, ResolutionOutcome
from flagctl.web.chart import (
    BAR_HEIGHT,
    BASE,
    KINDS,
    LEAST,
    STEP,
    Kind,
    chart,
    heights_of,
    top_of_scale,
)
from tests.counting import key
from tests.domain.samples import NOON
from tests.domain.test_impact import counts_of_any_kind, rows_of_flips

LOW, MIDDLE, HIGH = Mode
RESOLVED, DENIED, *_ = ResolutionOutcome
numbers = st.integers(0, 10**7)


def shown(counts: Counts, *flips: AuditEvent) -> ImpactRecord:
    impacts = tuple(impact(each, flips, counts) for each in flips)
    hour = LastHour(strip(counts, flips, NOON), impacts, is_readable=True, has_more=False)
    return impact_record(hour, NOON)


@given(st.integers(0, 10**9))
def test_the_scale_ends_with_a_round_number_that_is_high_enough(highest: int) -> None:
    top = top_of_scale(highest)
    assert top >= highest
    assert str(top)[0] in "125"
    assert set(str(top)[1:]) <= {"0"}
    assert highest < 2 or top < 2.5 * highest


@given(st.dictionaries(st.sampled_from(ResolutionOutcome), numbers), st.integers(0, 3))
def test_each_kind_is_seen_in_proportion_and_all_fit_under_the_top(
    counts: dict[ResolutionOutcome, int], spare: int
) -> None:
    top = top_of_scale(sum(counts.values()) * 10**spare)
    found = [ResolutionsRecord(MIDDLE, outcome, count) for outcome, count in counts.items()]
    heights = heights_of(found, top)
    assert sum(heights.values()) <= BAR_HEIGHT + 0.01
    assert all(height >= LEAST for height in heights.values())
    assert (Kind.RESOLVED in heights) == (counts.get(RESOLVED, 0) > 0)
    assert (Kind.DENIED in heights) == (counts.get(DENIED, 0) > 0)
    if list(heights) == [Kind.RESOLVED]:
        assert abs(heights[Kind.RESOLVED] - BAR_HEIGHT * counts[RESOLVED] / top) <= LEAST


@given(counts_of_any_kind)
def test_the_parts_of_a_bar_stand_on_each_other_from_the_base_up(counts: Counts) -> None:
    for bar in chart(shown(counts)).bars:
        for _, parts in groupby(bar.parts, key=lambda part: part.mode):
            base = float(BASE)
            for part in parts:
                assert abs(part.y + part.height - base) < 0.11
                assert bar.x <= part.x <= part.x + part.width <= bar.x + STEP + 0.001
                base = part.y


@given(counts_of_any_kind)
def test_every_mode_and_kind_that_there_was_in_a_minute_has_a_part_of_its_own(
    counts: Counts,
) -> None:
    for bar in chart(shown(counts)).bars:
        drawn = [(part.mode, part.kind) for part in bar.parts]
        assert len(drawn) == len(set(drawn))
        assert set(drawn) == {(each.mode, KINDS[each.outcome]) for each in bar.minute.resolutions}


@given(counts_of_any_kind)
def test_modes_of_one_minute_stand_side_by_side_the_safer_first(counts: Counts) -> None:
    for bar in chart(shown(counts)).bars:
        for one, other in combinations(bar.parts, 2):
            if one.mode is not other.mode:
                assert one.mode.rung < other.mode.rung
                assert one.x + one.width <= other.x + 0.001


def test_modes_lie_on_rungs_of_which_the_riskier_is_higher() -> None:
    lanes = chart(shown({key(NOON, mode): 1 for mode in Mode})).lanes
    assert len(lanes) == len(LADDER)
    assert [lane.y for lane in lanes] == sorted((lane.y for lane in lanes), reverse=True)
    assert min(lane.y for lane in lanes) > BASE


@given(counts_of_any_kind)
def test_a_mode_has_its_lane_in_the_minutes_in_which_some_process_had_it(counts: Counts) -> None:
    record = shown(counts)
    drawn = [
        (x // STEP, lane.y)
        for lane in chart(record).lanes
        for x in range(lane.x, lane.x + lane.width, STEP)
    ]
    assert len(drawn) == len(set(drawn)) == sum(len(minute.modes) for minute in record.minutes)
    assert {number for number, _ in drawn} == {
        number for number, minute in enumerate(record.minutes) if minute.modes
    }


@given(rows_of_flips())
def test_a_flip_is_marked_within_its_own_minute(flips: list[AuditEvent]) -> None:
    near = [each for each in flips if timedelta() <= NOON - each.at < timedelta(minutes=59)]
    record = shown({}, *near)
    for mark in chart(record).marks:
        (bar,) = (each for each in chart(record).bars if each.x <= mark.x < each.x + STEP)
        assert minute_of(bar.minute.at) == minute_of(mark.flip.at)
        assert mark.flip.revision in bar.minute.revisions
