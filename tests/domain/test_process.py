from datetime import timedelta

import pytest

from flagctl.domain.process import convergence
from flagctl.vocabulary import Freshness, Mode
from tests.reports import NOON, report


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


def test_nothing_is_proven_when_no_process_is_heard_of() -> None:
    assert not convergence([], 7, NOON).is_proven
    assert not convergence([report()], 7, NOON + timedelta(minutes=1)).is_proven


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
