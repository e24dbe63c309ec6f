"""What holds of the schedule for every flag, at whatever moments somebody looks."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from flagctl.domain.reminder import CUTOVER, PIN, ROLLBACK, Plan, Told, due

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

lives = st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=90))
steps = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=10))
jumps = st.timedeltas(min_value=timedelta(days=-40), max_value=timedelta(days=40))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    schedule = draw(st.sampled_from([ROLLBACK, CUTOVER, PIN]))
    life = draw(lives)
    return Plan(schedule, NOON + life, NOON, life)


def run(plan: Plan, moments: list[datetime]) -> list[Told]:
    """Look at each moment and tell what is due."""
    known: list[Told] = []
    for now in moments:
        found = due(plan, now, known)
        if found:
            known.append(Told(found.stage.name, found.stage.at, now))
    return known


def walk(spans: list[timedelta]) -> list[datetime]:
    now, moments = NOON, []
    for span in spans:
        now += span
        moments.append(now)
    return moments


@given(plans(), st.lists(jumps, max_size=30))
def test_no_stage_is_told_twice_however_the_clock_jumps(plan: Plan, spans: list[timedelta]) -> None:
    names = [each.stage for each in run(plan, walk(spans))]
    assert len(names) == len(set(names))


@given(plans(), st.lists(jumps, max_size=30))
def test_no_stage_is_told_before_its_time(plan: Plan, spans: list[timedelta]) -> None:
    assert all(each.at <= each.told_at for each in run(plan, walk(spans)))


@given(plans(), st.lists(steps, max_size=30))
def test_every_stage_that_came_is_told_or_stood_for(plan: Plan, spans: list[timedelta]) -> None:
    known: list[Told] = []
    heard: set[str] = set()
    moments = walk(spans)
    for now in moments:
        if found := due(plan, now, known):
            known.append(Told(found.stage.name, found.stage.at, now))
            heard |= {found.stage.name, *found.missed}
    came = set()
    for stage in plan.stages():
        if not moments or stage.at > moments[-1]:
            break
        if stage.at > plan.since:
            came.add(stage.name)
    assert heard == came


@given(plans(), st.lists(jumps, max_size=20), jumps)
def test_after_any_jumps_the_next_stage_to_come_is_told(
    plan: Plan, spans: list[timedelta], away: timedelta
) -> None:
    known = run(plan, walk(spans))
    names = {each.stage for each in known}
    now = NOON + away
    latest = max((each.told_at for each in known), default=now)
    right = max(now, latest)
    stage = next(each for each in plan.stages() if each.at > right and each.name not in names)
    found = due(plan, stage.at, known)
    assert found
    assert found.stage == stage


@given(plans(), jumps, st.integers(-12, 14))
def test_the_zone_in_which_a_time_is_told_changes_nothing(
    plan: Plan, away: timedelta, hours: int
) -> None:
    now = NOON + away
    zone = timezone(timedelta(hours=hours))
    there = Plan(plan.schedule, plan.anchor.astimezone(zone), plan.since, plan.life)
    found, same = due(plan, now, []), due(there, now.astimezone(zone), [])
    assert (found and found.stage.name) == (same and same.stage.name)


@given(lives, st.timedeltas(timedelta(days=2), timedelta(days=60)))
def test_after_any_sleep_one_reminder_comes(life: timedelta, asleep: timedelta) -> None:
    plan = Plan(ROLLBACK, NOON + life, NOON, life)
    now = NOON + life + asleep
    assert len(run(plan, [now, now, now])) == 1
