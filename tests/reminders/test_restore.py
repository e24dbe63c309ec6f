"""A backup brings back what was still to be told when it was made; by now that is history."""

from datetime import timedelta

from flagctl.domain.reminder_words import DeliveryState
from flagctl.store.backup import backup
from flagctl.store.restore import restore
from tests.reminders.conftest import Site
from tests.store.acts import ANNA, end_rollback, roll_back


def test_what_waited_in_a_backup_is_not_told_after_it_was_restored(site: Site) -> None:
    site.receiver.answers["/ops"] = 500
    roll_back(site.store)
    runner = site.runner()
    site.turn(runner)
    copy = site.files.directory / "copy.db"
    backup(site.files, copy)
    site.receiver.answers.clear()
    site.turn(runner, after=timedelta(minutes=1))
    end_rollback(site.store, 1)
    site.turn(runner)
    restore(site.files, copy, ANNA, site.clock)
    site.turn(runner, after=timedelta(minutes=1))
    first, second, third = site.receiver.titles()
    assert "stub-policy → passthrough by anna" in first
    assert "passthrough → stub-policy by anna" in second
    assert "restored a backup" in third
    assert DeliveryState.SETTLED in [state for _, state in site.states()]
