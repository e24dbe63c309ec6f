"""A rollback that nobody ends, from its start to its end, on a real receiver."""

from datetime import timedelta

import pytest

from flagctl.domain.change import Extend, HandOver, RollBack
from flagctl.domain.reminder_words import DeliveryState
from flagctl.errors import InvalidError
from flagctl.store.acknowledging import acknowledge
from flagctl.vocabulary import Mode
from tests.reminders.conftest import Site
from tests.store.acts import ANNA, cut_over, end_rollback, facts, roll_back

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def begin(site: Site, owner: str = "bob") -> None:
    """bob, who has an address of his own, answers for a rollback of four hours."""
    site.add_person("bob", "/bob")
    change = RollBack(Mode.PASSTHROUGH, "submit p99 over 30 s", owner=owner, incident="INC-42")
    site.store.apply(change, ANNA, facts())


def test_each_stage_reaches_whom_it_is_for_and_only_once(site: Site) -> None:
    begin(site)
    runner = site.runner()
    site.turn(runner)
    told = "[production] stub-policy → passthrough by anna"
    assert (site.receiver.titles("/ops"), site.receiver.titles("/bob")) == ([told], [told])
    for after in (225 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 20 * HOUR, DAY):
        site.turn(runner, after=after)
        site.turn(runner)
    stages = [
        "expires in 15 min",
        "expired just now",
        "expired 1 h ago",
        "expired 4 h ago",
        "expired 1 d ago",
        "expired 2 d ago",
    ]
    titles = [f"[production] Rollback at passthrough {stage}, owner bob" for stage in stages]
    assert site.receiver.titles("/bob")[1:] == titles
    assert site.receiver.titles("/ops")[1:] == titles[1:]
    assert site.receiver.titles("/admins") == titles[3:]
    assert site.receiver.twice() == []


def test_a_message_says_what_somebody_needs_at_3_a_m(site: Site) -> None:
    cut_over(site.store, Mode.REAL_POLICY, 0)
    begin(site)
    runner = site.runner()
    site.turn(runner, after=4 * HOUR + 38 * MINUTE)
    text = site.receiver.taken("/ops")[-1].text
    for needed in (
        "Rollback at passthrough expired 38 min ago, owner bob (16:00 UTC). Never extended.",
        "rolled back from real-policy",
        "by anna 4 h 38 min ago (12:00 UTC): “submit p99 over 30 s”, INC-42.",
        "flagctl end --reason TEXT",
        "flagctl extend --expires 2h",
        "flagctl handover --owner WHO",
        "16:38 UTC production still real-policy → passthrough by anna, INC-42, rev 2",
        "By flags: passthrough, revision 2",
        "https://flagctl.example.org/flags/2",
        site.store.apply(RollBack(Mode.PASSTHROUGH, "again"), ANNA, facts()).event.prev_hash,
    ):
        assert needed in text


def test_what_expired_while_everything_was_down_is_told_once_with_its_true_age(
    site: Site,
) -> None:
    begin(site)
    runner = site.runner()
    site.turn(runner)
    site.turn(site.runner(), after=7 * DAY + 5 * HOUR)
    site.turn(runner, after=MINUTE)
    (told,) = site.receiver.taken("/bob")[1:]
    assert "expired 7 d 1 h ago" in told.title
    assert "This stands for 10 earlier reminders that could not be sent." in told.text


def test_nothing_is_told_of_a_rollback_after_its_end(site: Site) -> None:
    begin(site)
    runner = site.runner()
    site.turn(runner, after=4 * HOUR)
    end_rollback(site.store, 1)
    before = len(site.receiver.taken("/bob"))
    for _ in range(5):
        site.turn(runner, after=DAY)
    assert len(site.receiver.taken("/bob")) == before
    assert "passthrough → stub-policy by anna" in site.receiver.titles("/ops")[-1]


def test_who_takes_over_is_told_and_then_reminded(site: Site) -> None:
    begin(site)
    site.add_person("eve", "/eve")
    runner = site.runner()
    site.turn(runner, after=5 * HOUR)
    site.store.apply(HandOver("eve", "end of my shift"), ANNA, facts())
    site.turn(runner)
    (told,) = site.receiver.titles("/eve")
    assert told == "[production] eve answers for a flag now, handed over by anna"
    count = len(site.receiver.taken("/bob"))
    site.turn(runner, after=3 * HOUR)
    assert site.receiver.titles("/eve")[1:] == [
        "[production] Rollback at passthrough expired 4 h ago, owner eve"
    ]
    assert len(site.receiver.taken("/bob")) == count


def test_from_the_third_extension_on_administrators_are_told(site: Site) -> None:
    begin(site)
    runner = site.runner()
    for count in (1, 2, 3, 4):
        site.store.apply(Extend(site.clock.now + HOUR, "vendor is on it"), ANNA, facts())
        site.turn(runner)
        told = site.receiver.titles("/admins")
        assert len(told) == max(0, count - 2)
    assert told[0] == "[production] Rollback extended by anna, 3 times by now"


def test_a_snooze_holds_a_stage_that_is_not_delivered_and_never_the_next_one(site: Site) -> None:
    begin(site)
    site.receiver.answers["/ops"] = 500
    runner = site.runner()
    site.turn(runner, after=4 * HOUR)
    acknowledge(site.store, ANNA, 30 * MINUTE)
    site.receiver.answers.clear()
    site.turn(runner, after=29 * MINUTE)
    assert not [title for title in site.receiver.titles("/ops") if "Rollback" in title]
    site.turn(runner, after=MINUTE)
    assert "expired 30 min ago" in site.receiver.titles("/ops")[-1]
    site.turn(runner, after=30 * MINUTE)
    assert "expired 1 h ago" in site.receiver.titles("/ops")[-1]


def test_an_act_settles_what_was_not_delivered_yet(site: Site) -> None:
    begin(site)
    site.receiver.answers["/ops"] = 500
    runner = site.runner(admins="")
    site.turn(runner, after=4 * HOUR)
    site.store.apply(Extend(site.clock.now + 2 * HOUR, "more time"), ANNA, facts())
    site.receiver.answers.clear()
    site.turn(runner, after=HOUR)
    assert not [title for title in site.receiver.titles("/ops") if "expired" in title]
    channel = f"json://127.0.0.1:{site.receiver.port}"
    assert (channel, DeliveryState.SETTLED) in site.states()


def test_a_clock_that_jumps_tells_no_stage_twice_and_forgets_none(site: Site) -> None:
    begin(site)
    runner = site.runner()
    jumps = (4 * HOUR, 300 * DAY, -300 * DAY, HOUR, -3 * HOUR, 3 * HOUR, 3 * HOUR, 40 * DAY)
    for after in jumps:
        site.turn(runner, after=after)
    stages = [each.reminder.stage for each in site.followed() if each.reminder.stage]
    assert stages == ["expired", "day-300", "hour-1", "hour-4", "day-40"]
    assert site.receiver.twice() == []


def test_the_default_owner_is_who_rolled_back(site: Site) -> None:
    site.add_person("anna", "/anna")
    roll_back(site.store)
    runner = site.runner()
    site.turn(runner)
    assert site.receiver.titles("/anna") == []
    site.turn(runner, after=4 * HOUR)
    assert site.receiver.titles("/anna") == [
        "[production] Rollback at passthrough expired just now, owner anna"
    ]


def test_a_reason_of_a_megabyte_is_not_taken_and_the_longest_one_hides_nothing(
    site: Site,
) -> None:
    with pytest.raises(InvalidError, match="at most 500 fit"):
        RollBack(Mode.PASSTHROUGH, "x" * 1_000_000)
    site.store.apply(RollBack(Mode.PASSTHROUGH, "\u202e<b>" + "x" * 496), ANNA, facts())
    site.turn(site.runner(), after=4 * HOUR)
    told = site.receiver.taken("/ops")[-1]
    assert len(told.title) < 120
    assert len(told.text) < 3000
    assert told.text.startswith("Rollback at passthrough expired just now, owner anna")
    assert "\u202e" not in told.text
