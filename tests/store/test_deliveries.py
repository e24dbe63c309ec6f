"""Claims: of any number of processes one at a time tries a delivery."""

from datetime import timedelta

import pytest

from flagctl.domain.delivery import BACK_OFF, CLAIM, Delivery, wait_after
from flagctl.domain.reminder_words import DeliveryState, Recipient, ReminderKind
from flagctl.store import deliveries, outbox
from flagctl.store.files import DataFiles
from flagctl.store.outbox import NewDelivery, NewReminder
from flagctl.store.reading import reading
from flagctl.store.reminder_reading import (
    read_channels_due,
    read_failed,
    read_followed,
    read_undelivered,
)
from flagctl.store.uptime import Uptime
from flagctl.store.writing import ControlStore
from tests.store.acts import MovedClock

SECOND = timedelta(seconds=1)


def add(store: ControlStore, key: str, *channels: str) -> None:
    with store.transaction() as at:
        reminder_id = outbox.add(at, NewReminder(key=key, kind=ReminderKind.LAGGING, at=at.now))
        assert reminder_id
        for channel in channels:
            outbox.add_delivery(at, reminder_id, NewDelivery(Recipient.OPERATORS, channel, "c"))
        outbox.mark_told(at, reminder_id)


UP = Uptime("a-boot", timedelta(days=1))


def claim(
    store: ControlStore, holder: str, channel: str = "c1", up: Uptime = UP
) -> Delivery | None:
    with store.transaction() as at:
        return deliveries.claim(at, channel, holder, up)


def fail(store: ControlStore, delivery: Delivery, error: str = "500") -> DeliveryState:
    with store.transaction() as at:
        deliveries.keep_attempt(at, delivery.id, SECOND, error)
        return deliveries.failed(at, delivery, error)


def require(found: Delivery | None) -> Delivery:
    assert found is not None
    return found


def test_what_one_process_claimed_no_other_gets(store: ControlStore) -> None:
    add(store, "a", "c1")
    assert claim(store, "one")
    assert claim(store, "two") is None


def test_another_process_gets_it_when_the_claim_has_run_out(store: ControlStore) -> None:
    add(store, "a", "c1")
    assert claim(store, "one")
    assert claim(store, "two", up=UP.later(CLAIM - SECOND)) is None
    assert claim(store, "two", up=UP.later(CLAIM))


@pytest.mark.parametrize("jump", [timedelta(days=300), -timedelta(days=299)])
def test_a_clock_that_jumps_ends_no_claim(
    store: ControlStore, clock: MovedClock, jump: timedelta
) -> None:
    add(store, "a", "c1")
    assert claim(store, "one")
    clock.jump(jump)
    assert claim(store, "two") is None
    with store.transaction() as at:
        assert not read_channels_due(at.connection, clock.now, UP)


@pytest.mark.parametrize("passed", [timedelta(0), timedelta(days=9)])
def test_what_was_claimed_before_the_machine_was_started_again_is_free(
    store: ControlStore, passed: timedelta
) -> None:
    add(store, "a", "c1")
    assert claim(store, "one")
    assert claim(store, "two", up=Uptime("another-boot", passed))


def test_a_claim_that_ends_later_than_any_can_is_void(store: ControlStore) -> None:
    add(store, "a", "c1")
    assert claim(store, "one")
    assert claim(store, "two", up=Uptime(UP.boot, timedelta(0)))


def test_a_channel_gets_what_has_waited_longest_first(store: ControlStore) -> None:
    add(store, "a", "c1")
    add(store, "b", "c2", "c1")
    first, second = require(claim(store, "one")), require(claim(store, "one"))
    assert first.reminder_id < second.reminder_id


def test_a_failure_is_tried_again_ever_more_rarely_and_given_up_after_a_bound(
    store: ControlStore, clock: MovedClock, files: DataFiles
) -> None:
    add(store, "a", "c1")
    for wait in BACK_OFF:
        assert fail(store, require(claim(store, "one"))) is DeliveryState.WAITING
        clock.forward(wait - SECOND)
        assert claim(store, "one") is None
        clock.forward(SECOND)
    assert fail(store, require(claim(store, "one")), "still 500") is DeliveryState.DEAD
    assert claim(store, "one") is None
    with reading(files) as connection:
        (followed,) = read_followed(connection)
        (dead,) = read_failed(connection)
    assert [attempt.error for attempt in followed.attempts] == ["500"] * len(BACK_OFF) + [
        "still 500"
    ]
    assert (dead.attempts, dead.error) == (len(BACK_OFF) + 1, "still 500")


def test_a_retry_set_by_a_clock_that_ran_ahead_is_not_waited_for(
    store: ControlStore, clock: MovedClock
) -> None:
    add(store, "a", "c1")
    clock.forward(timedelta(days=300))
    fail(store, require(claim(store, "one")))
    clock.forward(-timedelta(days=299))
    assert claim(store, "one")


def test_a_success_is_kept_although_somebody_acted_on_the_flag_meanwhile(
    store: ControlStore, files: DataFiles
) -> None:
    add(store, "a", "c1")
    found = require(claim(store, "one"))
    with store.transaction() as at:
        at.update("delivery", found.id, {"state": DeliveryState.SETTLED})
    with store.transaction() as at:
        deliveries.succeeded(at, found)
    with reading(files) as connection:
        assert read_followed(connection)[0].deliveries[0].state is DeliveryState.DELIVERED


def test_a_failure_of_what_is_not_needed_any_more_is_not_tried_again(store: ControlStore) -> None:
    add(store, "a", "c1")
    found = require(claim(store, "one"))
    with store.transaction() as at:
        at.update("delivery", found.id, {"state": DeliveryState.SETTLED})
    assert fail(store, found) is DeliveryState.SETTLED


def test_one_channel_that_waits_for_its_retry_does_not_hold_another_one(
    store: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    add(store, "a", "c1", "c2")
    fail(store, require(claim(store, "one")))
    with reading(files) as connection:
        assert read_channels_due(connection, clock.now, UP) == ["c2"]
        assert read_undelivered(connection).waiting == 2


@pytest.mark.parametrize("attempts", [len(BACK_OFF) + 1, 100])
def test_after_the_last_wait_it_is_given_up(attempts: int) -> None:
    assert wait_after(attempts) is None


def test_what_was_never_tried_is_due_however_far_the_clock_was_set_back(
    store: ControlStore, clock: MovedClock
) -> None:
    add(store, "a", "c1")
    clock.jump(-timedelta(minutes=30))
    assert claim(store, "one")
