"""An idle runner costs next to nothing, and still hears of what other processes do."""

from datetime import timedelta

from flagctl.reminders.runner import TURN_EVERY_S
from flagctl.store.glance import glance
from flagctl.store.lease import LEASE
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode
from tests.reminders.conftest import Site
from tests.store.acts import cut_over
from tests.waiting import wait_until

A_DAY_S = 86400.0


def test_an_act_of_another_process_is_told_before_the_next_turn(site: Site) -> None:
    runner = site.runner(turn_every_s=A_DAY_S)
    runner.start()
    try:
        for revision, mode in enumerate((Mode.PASSTHROUGH, Mode.STUB_POLICY)):
            cut_over(site.store, mode, revision)
            wait_until(lambda count=revision + 1: len(site.receiver.taken("/ops")) == count)  # type: ignore[misc]
    finally:
        runner.stop()


def test_a_glance_sees_every_commit_and_a_break_glass_file(site: Site) -> None:
    other = ControlStore(site.files, site.clock)
    for number in range(20):
        before = glance(site.files)
        with other.transaction() as at:
            at.update("control", 1, {"revision": number + 1})
        assert glance(site.files) != before
    before = glance(site.files)
    site.files.break_glass.touch()
    assert glance(site.files) != before
    other.close()


def test_a_glance_costs_no_more_than_three_looks_at_files_that_may_be_missing(site: Site) -> None:
    assert len(glance(site.files)) == 3
    site.files.control.rename(site.files.directory / "away")
    assert glance(site.files)[0] is None


def test_a_lease_outlives_two_turns_that_were_missed() -> None:
    assert timedelta(seconds=2 * TURN_EVERY_S) < LEASE
