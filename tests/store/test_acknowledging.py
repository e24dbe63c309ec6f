"""Acknowledging snoozes the current stage for a while, is recorded, and touches nothing else."""

from datetime import timedelta

import pytest

from flagctl.domain.change import Actor
from flagctl.domain.reminder_words import Recipient
from flagctl.errors import ConflictError, ForbiddenError, InvalidError
from flagctl.store import deliveries, outbox
from flagctl.store.acknowledging import acknowledge
from flagctl.store.audit_log import AuditFilter, list_events
from flagctl.store.files import DataFiles
from flagctl.store.outbox import NewDelivery
from flagctl.store.planning import due_stages
from flagctl.store.reading import reading
from flagctl.store.reminder_reading import read_channels_due, read_failed
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Action, Door, Role
from tests.store.acts import ANNA, MovedClock, roll_back

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def give_out_stages(store: ControlStore) -> None:
    with store.transaction() as at:
        for new in due_stages(at.connection, at.state(), (), at.now):
            reminder_id = outbox.add(at, new)
            assert reminder_id
            way = NewDelivery(Recipient.OPERATORS, "c1", "json://c1")
            outbox.add_delivery(at, reminder_id, way)
            outbox.mark_told(at, reminder_id)


def channels_due(files: DataFiles, clock: MovedClock) -> list[str]:
    with reading(files) as connection:
        return read_channels_due(connection, clock.now, clock.uptime())


def test_what_is_not_delivered_yet_of_the_stage_waits_until_the_snooze_ends(
    store: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    roll_back(store)
    clock.forward(4 * HOUR)
    give_out_stages(store)
    assert channels_due(files, clock) == ["c1"]
    done = acknowledge(store, ANNA, 20 * MINUTE)
    assert (done.stage, done.until) == ("expired", clock.now + 20 * MINUTE)
    clock.forward(19 * MINUTE)
    assert channels_due(files, clock) == []
    clock.forward(MINUTE)
    assert channels_due(files, clock) == ["c1"]


def test_the_next_stage_comes_at_its_time(
    store: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    roll_back(store)
    clock.forward(4 * HOUR + 50 * MINUTE)
    give_out_stages(store)
    assert acknowledge(store, ANNA, HOUR).until == clock.now + 10 * MINUTE
    clock.forward(10 * MINUTE)
    give_out_stages(store)
    assert channels_due(files, clock) == ["c1"]


def test_it_is_recorded(store: ControlStore, files: DataFiles, clock: MovedClock) -> None:
    flag = roll_back(store).flag
    clock.forward(4 * HOUR)
    acknowledge(store, ANNA)
    with reading(files) as connection:
        (event,) = list_events(connection, AuditFilter(action=Action.ACKNOWLEDGE))
    assert flag
    assert (event.actor, event.flag_id, event.detail["stage"]) == ("os:anna", flag.id, "expired")


def test_before_any_stage_there_is_nothing_to_acknowledge(store: ControlStore) -> None:
    roll_back(store)
    with pytest.raises(ConflictError, match="nothing to acknowledge"):
        acknowledge(store, ANNA)


@pytest.mark.parametrize("span", [timedelta(0), -MINUTE, HOUR + MINUTE])
def test_a_snooze_of_more_than_an_hour_or_of_none_is_not_taken(
    store: ControlStore, span: timedelta
) -> None:
    with pytest.raises(InvalidError, match="at most 1h"):
        acknowledge(store, ANNA, span)


def test_a_viewer_acknowledges_nothing(store: ControlStore, clock: MovedClock) -> None:
    roll_back(store)
    clock.forward(4 * HOUR)
    with pytest.raises(ForbiddenError):
        acknowledge(store, Actor("person:eve", Role.VIEWER, Door.WEB))


def test_failed_deliveries_are_shown_until_they_are_acknowledged(
    store: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    roll_back(store)
    clock.forward(4 * HOUR)
    give_out_stages(store)
    with store.transaction() as at:
        claimed = deliveries.claim(at, "c1", "one", clock.uptime())
        assert claimed
        deliveries.failed(at, claimed, "no such scheme", for_good=True)
    with reading(files) as connection:
        assert len(read_failed(connection)) == 1
    assert acknowledge(store, ANNA).failed == 1
    with reading(files) as connection:
        assert read_failed(connection) == []
