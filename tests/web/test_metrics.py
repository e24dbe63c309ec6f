"""The gauges that a monitoring system asks the admin web for."""

from collections.abc import Callable
from datetime import timedelta

from starlette.testclient import TestClient

from flagctl.domain.change import Actor, EndRollback, Extend, RollBack
from flagctl.domain.gate import Facts
from flagctl.domain.reminder_words import Recipient
from flagctl.store import deliveries, outbox
from flagctl.store.outbox import NewDelivery
from flagctl.store.uptime import uptime
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Door, Mode, Role
from tests.web.conftest import MovedClock

ALICE = Actor("os:alice", Role.ADMIN, Door.CLI)
HOUR = timedelta(hours=1)


def gauges(web: TestClient) -> dict[str, float]:
    answer = web.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_without_a_flag_every_gauge_is_at_rest(web: TestClient) -> None:
    assert gauges(web) == {
        "flagctl_store_readable": 1,
        "flagctl_rollback_active": 0,
        'flagctl_flag_expired_seconds{kind="cutover"}': 0,
        'flagctl_flag_expired_seconds{kind="rollback"}': 0,
        "flagctl_rollback_extensions": 0,
        "flagctl_control_revision": 0,
        'flagctl_reminders_undelivered{state="waiting"}': 0,
        'flagctl_reminders_undelivered{state="failed"}': 0,
        "flagctl_reminders_oldest_waiting_seconds": 0,
        "flagctl_follow_ups_open": 0,
    }


def test_an_expired_and_extended_rollback_shows_by_how_much(
    web: TestClient, store: ControlStore, clock: MovedClock
) -> None:
    store.apply(RollBack(Mode.PASSTHROUGH, "slow"), ALICE, Facts())
    store.apply(Extend(clock.now + HOUR, "more"), ALICE, Facts())
    clock.move(HOUR + timedelta(minutes=30))
    found = gauges(web)
    assert found["flagctl_rollback_active"] == 1
    assert found['flagctl_flag_expired_seconds{kind="rollback"}'] == 1800
    assert found["flagctl_rollback_extensions"] == 1
    assert found["flagctl_control_revision"] == 2


def test_what_nobody_gives_out_counts_as_waiting(
    web: TestClient, store: ControlStore, clock: MovedClock
) -> None:
    store.apply(RollBack(Mode.PASSTHROUGH, "slow"), ALICE, Facts())
    clock.move(HOUR)
    found = gauges(web)
    assert found['flagctl_reminders_undelivered{state="waiting"}'] == 1
    assert found["flagctl_reminders_oldest_waiting_seconds"] == 3600


def test_a_failed_delivery_counts_until_it_was_seen(web: TestClient, store: ControlStore) -> None:
    store.apply(RollBack(Mode.PASSTHROUGH, "slow"), ALICE, Facts())
    with store.transaction() as at:
        ((reminder_id,),) = at.connection.execute("SELECT id FROM reminder").fetchall()
        outbox.add_delivery(at, reminder_id, NewDelivery(Recipient.OPERATORS, "c", "json://c"))
        outbox.mark_told(at, reminder_id)
    with store.transaction() as at:
        claimed = deliveries.claim(at, "c", "one", uptime())
        assert claimed
        deliveries.failed(at, claimed, "no such scheme", for_good=True)
    assert gauges(web)['flagctl_reminders_undelivered{state="failed"}'] == 1
    with store.transaction() as at:
        at.update("delivery", claimed.id, {"seen_at": "2026-05-01T12:00:00.000000Z"})
    assert gauges(web)['flagctl_reminders_undelivered{state="failed"}'] == 0


def test_an_open_follow_up_counts(web: TestClient, store: ControlStore) -> None:
    begun = store.apply(RollBack(Mode.PASSTHROUGH, "slow"), ALICE, Facts())
    end = EndRollback("mended", follow_up="INC-42", revision=begun.revision)
    store.apply(end, ALICE, Facts())
    assert gauges(web)["flagctl_follow_ups_open"] == 1


def test_a_store_in_trouble_is_a_gauge_and_no_error(make_web: Callable[..., TestClient]) -> None:
    assert gauges(make_web()) == {"flagctl_store_readable": 0}
