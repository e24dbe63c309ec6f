from datetime import timedelta

import pytest

from flagctl.domain.process import FIRST_USES_KEPT, convergence
from flagctl.vocabulary import Freshness, Mode
from tests.reports import NOON, report

LONG_AGO = NOON - timedelta(hours=1)
SOON, LATER = NOON + timedelta(seconds=0.2), NOON + timedelta(seconds=0.7)


def test_processes_that_used_the_revision_or_a_later_one_follow_it() -> None:
    at_seven, at_eight = report("a", revision=7), report("b", revision=8)
    receipt = convergence([at_seven, at_eight], 7, NOON)
    assert receipt.following == (at_seven, at_eight)
    assert receipt.is_proven


def test_a_live_process_on_an_older_revision_is_named_as_behind() -> None:
    late = report("late", revision=6)
    receipt = convergence([report(), late], 7, NOON)
    assert receipt.behind == (late,)
    assert (len(receipt.following), receipt.live) == (1, 2)
    assert not receipt.is_proven


def test_a_process_that_never_read_the_store_does_not_follow() -> None:
    blind = report(revision=None, freshness=Freshness.NO_STORE)
    assert convergence([blind], 7, NOON).behind == (blind,)


def test_a_process_that_lost_the_store_after_the_flip_follows_and_is_named() -> None:
    kept = report(freshness=Freshness.LAST_KNOWN_GOOD)
    receipt = convergence([kept, report("b")], 7, NOON)
    assert receipt.is_proven
    assert receipt.without_store == (kept,)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_process_not_heard_of_for_10_s_is_named_and_blocks_nothing(sign: int) -> None:
    now = NOON + sign * timedelta(seconds=10)
    tick = sign * timedelta(microseconds=1)
    gone, here = report("gone", revision=6), report("here", heard_at=now)
    assert convergence([gone, here], 7, now).behind == (gone,)
    receipt = convergence([gone, here], 7, now + tick)
    assert (receipt.silent, receipt.behind) == ((gone,), ())
    assert receipt.is_proven


def test_nothing_is_proven_while_there_may_be_more_processes() -> None:
    receipt = convergence([report(revision=7)], 7, NOON, NOON, "runtime.db can't be read")
    assert (receipt.live, receipt.is_proven, receipt.took) == (1, False, None)


def test_nothing_is_proven_when_no_process_is_heard_of() -> None:
    assert not convergence([], 7, NOON).is_proven
    assert not convergence([report()], 7, NOON + timedelta(minutes=1)).is_proven


def test_the_time_to_follow_is_that_of_the_last_one_and_not_that_of_the_look() -> None:
    old = {"started_at": LONG_AGO}
    reports = [
        report("a", **old, first_used={6: LONG_AGO, 7: SOON}),
        report("b", **old, first_used={6: LONG_AGO, 7: LATER}),
    ]
    for looked_at in (LATER, NOON + timedelta(seconds=9)):
        assert convergence(reports, 7, looked_at, NOON).took == timedelta(seconds=0.7)
    assert convergence(reports, 7, LATER).took is None


def test_the_time_to_follow_stays_when_more_was_changed_since() -> None:
    used = {6: LONG_AGO, 7: SOON, 9: LATER}
    skipped = {6: LONG_AGO, 8: SOON, 9: LATER}
    reports = [
        report(str(number), revision=9, started_at=LONG_AGO, first_used=uses)
        for number, uses in enumerate((used, skipped))
    ]
    assert convergence(reports, 7, LATER, NOON).took == SOON - NOON


def test_while_somebody_is_behind_or_nobody_knows_there_is_no_time() -> None:
    old = {"started_at": LONG_AGO}
    follows = report("a", **old, first_used={7: SOON})
    late = report("late", **old, revision=6)
    unknown = report("unknown", **old, first_used={})
    forgotten = dict.fromkeys(range(8, 8 + FIRST_USES_KEPT), LATER)
    lost = report("lost", **old, revision=max(forgotten), first_used=forgotten)
    for other in (late, unknown, lost):
        assert convergence([follows, other], 7, LATER, NOON).took is None


def test_nobody_waits_for_a_process_that_started_after_the_commit() -> None:
    follows = report("a", started_at=LONG_AGO, first_used={7: SOON})
    newcomer = report("b", started_at=SOON, first_used={7: LATER})
    assert convergence([follows, newcomer], 7, LATER, NOON).took == SOON - NOON
    assert convergence([newcomer], 7, LATER, NOON).took is None


def test_a_clock_that_was_set_back_makes_no_time_below_nothing() -> None:
    early = report("a", started_at=LONG_AGO, first_used={7: NOON - timedelta(seconds=5)})
    assert convergence([early], 7, LATER, NOON).took == timedelta(0)


def test_submissions_still_running_in_another_mode_are_counted() -> None:
    down = {"mode": Mode.PASSTHROUGH, "configured": Mode.STUB_POLICY}
    reports = [
        report("a", **down, in_flight={Mode.STUB_POLICY: 2, Mode.PASSTHROUGH: 5}),
        report("b", **down, in_flight={Mode.STUB_POLICY: 1, Mode.REAL_POLICY: 0}),
        report("c", **down, heard_at=NOON - timedelta(hours=1), in_flight={Mode.STUB_POLICY: 9}),
    ]
    assert convergence(reports, 7, NOON).finishing == {Mode.STUB_POLICY: 3}


def test_what_is_in_force_in_a_process_is_what_it_said() -> None:
    said = report()
    assert (said.in_force.mode, said.in_force.revision) == (said.mode, said.revision)
    assert (said.in_force.source, said.in_force.freshness) == (said.source, said.freshness)
