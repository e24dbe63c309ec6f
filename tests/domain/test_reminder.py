"""The schedule of reminders: what comes when, to whom, and how often."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from flagctl.domain.flag import Flag
from flagctl.domain.reminder import (
    CUTOVER,
    Due,
    Plan,
    Term,
    Told,
    current,
    due,
    flag_plan,
    pin_plan,
    snooze_end,
    upcoming,
)
from flagctl.domain.reminder_words import Recipient
from flagctl.vocabulary import FlagKind, Mode

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
OWNER, OPERATORS, ADMINS = Recipient
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def flag(kind: FlagKind = FlagKind.ROLLBACK, life: timedelta = 4 * HOUR) -> Flag:
    return Flag(
        id=7,
        kind=kind,
        mode=Mode.STUB_POLICY,
        owner="bob",
        reason="slow",
        incident=None,
        started_by="os:bob",
        started_at=NOON,
        first_started_at=NOON,
        expires_at=NOON + life,
        extensions=0,
        rolled_back_from=Mode.REAL_POLICY,
        revision=3,
    )


def plan(kind: FlagKind = FlagKind.ROLLBACK, life: timedelta = 4 * HOUR) -> Plan:
    found = flag_plan(flag(kind, life), Term(3, NOON, NOON))
    assert found
    return found


def told(found: Due, now: datetime) -> Told:
    return Told(found.stage.name, found.stage.at, now)


def all_due(plan: Plan, moments: list[datetime]) -> list[tuple[str, tuple[Recipient, ...]]]:
    """What is told when somebody looks at these moments."""
    known: list[Told] = []
    heard = []
    for now in moments:
        if found := due(plan, now, known):
            known.append(told(found, now))
            heard.append((found.stage.name, found.stage.tells))
    return heard


def test_a_rollback_is_reminded_before_its_expiry_then_at_it_then_1_h_4_h_and_daily() -> None:
    expiry = NOON + 4 * HOUR
    offsets = [-timedelta(minutes=15), timedelta(0), HOUR, 4 * HOUR, DAY, 2 * DAY, 3 * DAY]
    assert all_due(plan(), [expiry + offset for offset in offsets]) == [
        ("expiring", (OWNER,)),
        ("expired", (OWNER, OPERATORS)),
        ("hour-1", (OWNER, OPERATORS)),
        ("hour-4", (OWNER, OPERATORS, ADMINS)),
        ("day-1", (OWNER, OPERATORS, ADMINS)),
        ("day-2", (OWNER, OPERATORS, ADMINS)),
        ("day-3", (OWNER, OPERATORS, ADMINS)),
    ]


def test_nothing_is_due_a_second_before_a_stage() -> None:
    second = timedelta(seconds=1)
    assert due(plan(), NOON + 4 * HOUR - timedelta(minutes=15) - second, []) is None


def test_a_short_rollback_is_reminded_a_tenth_of_its_life_before_the_end() -> None:
    short = plan(life=timedelta(minutes=30))
    assert due(short, NOON + timedelta(minutes=26), []) is None
    found = due(short, NOON + timedelta(minutes=27), [])
    assert found
    assert found.stage.name == "expiring"


def test_a_cutover_flag_is_reminded_3_days_before_on_the_day_and_weekly() -> None:
    expiry = NOON + 30 * DAY
    offsets = [-3 * DAY, timedelta(0), 7 * DAY, 14 * DAY]
    assert all_due(plan(FlagKind.CUTOVER, 30 * DAY), [expiry + offset for offset in offsets]) == [
        ("expiring", (OWNER,)),
        ("expired", (OWNER, OPERATORS)),
        ("week-1", (OWNER, OPERATORS)),
        ("week-2", (OWNER, OPERATORS)),
    ]


def test_a_pin_that_nobody_owns_is_reminded_daily() -> None:
    pin = pin_plan(NOON)
    assert all_due(pin, [NOON, NOON + DAY, NOON + 2 * DAY]) == [
        ("day-1", (OPERATORS,)),
        ("day-2", (OPERATORS,)),
    ]


def test_a_week_asleep_gives_one_reminder_that_stands_for_the_others() -> None:
    found = due(plan(), NOON + 4 * HOUR + 7 * DAY + HOUR, [])
    assert found
    assert found.stage.name == "day-7"
    assert found.missed == (
        "expiring", "expired", "hour-1", "hour-4",
        "day-1", "day-2", "day-3", "day-4", "day-5", "day-6",
    )  # fmt: skip
    assert due(plan(), NOON + 4 * HOUR + 7 * DAY + 2 * HOUR, [told(found, NOON + 12 * DAY)]) is None


def test_an_ended_flag_has_no_plan() -> None:
    ended = replace(flag(), ended_at=NOON + HOUR)
    assert flag_plan(ended, Term(4, NOON + HOUR, NOON)) is None


def test_what_the_act_itself_told_is_not_told_again_by_a_stage() -> None:
    handed_over_at = NOON + 6 * HOUR
    handed_over = flag_plan(flag(), Term(5, handed_over_at, NOON))
    assert handed_over
    assert due(handed_over, handed_over_at + HOUR, []) is None
    found = due(handed_over, NOON + 8 * HOUR, [])
    assert found
    assert (found.stage.name, found.missed) == ("hour-4", ())


def test_handing_over_does_not_move_the_stage_before_the_expiry() -> None:
    handed_over = flag_plan(flag(), Term(5, NOON + 3 * HOUR, NOON))
    assert handed_over
    assert upcoming(handed_over, NOON + 3 * HOUR, []).at == NOON + timedelta(minutes=225)


def test_a_clock_that_ran_ahead_for_a_year_does_not_silence_the_stages_that_come() -> None:
    ahead = NOON + 365 * DAY
    found = due(plan(), ahead, [])
    assert found
    known = [told(found, ahead)]
    expired = due(plan(), NOON + 4 * HOUR, known)
    assert expired
    assert expired.stage.name == "expired"


def test_a_clock_set_back_a_little_does_not_bring_a_combined_stage_back() -> None:
    expiry = NOON + 4 * HOUR
    found = due(plan(), expiry, [])
    assert found
    assert found.missed == ("expiring",)
    assert due(plan(), expiry - timedelta(minutes=5), [told(found, expiry)]) is None


def test_a_change_made_while_the_clock_ran_ahead_does_not_silence_the_flag() -> None:
    ran_ahead = flag_plan(flag(), Term(5, NOON + 365 * DAY, NOON))
    assert ran_ahead
    found = due(ran_ahead, NOON + 4 * HOUR, [])
    assert found
    assert found.stage.name == "expired"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Apia", "UTC"])
def test_zones_and_daylight_saving_shift_no_stage(zone: str) -> None:
    # The night in which Berlin leaves summer time: a day of 25 hours by its wall clock.
    expiry = datetime(2026, 10, 24, 22, tzinfo=UTC)
    local = Plan(CUTOVER, expiry.astimezone(ZoneInfo(zone)), NOON)
    plain = Plan(CUTOVER, expiry, NOON)
    for day in range(30):
        now = expiry + timedelta(days=day - 5)
        there, here = due(local, now, []), due(plain, now, [])
        assert (there and there.stage.at) == (here and here.stage.at)


def test_the_next_stage_is_known() -> None:
    assert upcoming(plan(), NOON, []).name == "expiring"
    assert upcoming(plan(), NOON + 5 * HOUR, []).name == "hour-4"


def test_the_current_stage_is_the_newest_that_has_come() -> None:
    assert current(plan(), NOON) is None
    newest = current(plan(), NOON + 5 * HOUR)
    assert newest
    assert newest.name == "hour-1"


def test_a_snooze_holds_for_at_most_an_hour_and_never_beyond_the_next_stage() -> None:
    assert snooze_end(NOON, 9 * HOUR, NOON + DAY) == NOON + HOUR
    assert snooze_end(NOON, HOUR, NOON + timedelta(minutes=5)) == NOON + timedelta(minutes=5)
    assert snooze_end(NOON, timedelta(minutes=20), NOON + DAY) == NOON + timedelta(minutes=20)
