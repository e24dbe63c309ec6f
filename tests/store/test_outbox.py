"""What an act leaves to be told, in its own transaction."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from flagctl.domain.change import EndRollback, Extend, HandOver, RollBack
from flagctl.domain.reminder_words import DeliveryState, Recipient, ReminderKind
from flagctl.errors import ConflictError
from flagctl.store import outbox
from flagctl.store.files import DataFiles
from flagctl.store.outbox import NewDelivery, NewReminder
from flagctl.store.planning import due_stages
from flagctl.store.reading import read_state, reading, rows
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode
from tests.store.acts import ANNA, MovedClock, cut_over, end_rollback, facts, roll_back

HOUR = timedelta(hours=1)


def reminders(files: DataFiles) -> list[dict[str, Any]]:
    with reading(files) as connection:
        return list(rows(connection, "SELECT * FROM reminder ORDER BY id"))


def deliveries(files: DataFiles) -> list[str]:
    with reading(files) as connection:
        return [row["state"] for row in rows(connection, "SELECT * FROM delivery ORDER BY id")]


def stages(files: DataFiles) -> list[tuple[str, bool]]:
    """The stages that were given out, and whether they still count."""
    found = reminders(files)
    return [(row["stage"], row["settled_at"] is None) for row in found if row["kind"] == "stage"]


def give_out(store: ControlStore, new: NewReminder) -> None:
    with store.transaction() as at:
        reminder_id = outbox.add(at, new)
        assert reminder_id
        outbox.add_delivery(at, reminder_id, NewDelivery(Recipient.OPERATORS, "c1", "json://c1"))
        outbox.mark_told(at, reminder_id)


def give_out_stages(store: ControlStore, files: DataFiles, clock: MovedClock) -> None:
    """What the runner does: add what is due, with one way to each."""
    with reading(files) as connection:
        found = list(due_stages(connection, read_state(connection), (), clock.now))
    for new in found:
        give_out(store, new)


def revision(files: DataFiles) -> int:
    with reading(files) as connection:
        return read_state(connection).revision


def test_each_flip_both_ways_leaves_one_reminder_with_its_event(
    store: ControlStore, files: DataFiles
) -> None:
    first = roll_back(store)
    second = end_rollback(store, first.revision)
    assert [(row["kind"], row["event_id"]) for row in reminders(files)] == [
        (ReminderKind.EVENT, first.event.id),
        (ReminderKind.EVENT, second.event.id),
    ]


def test_what_changed_nothing_or_was_refused_leaves_none(
    store: ControlStore, files: DataFiles
) -> None:
    with pytest.raises(ConflictError):
        end_rollback(store, revision=0)
    roll_back(store)
    roll_back(store)
    assert len(reminders(files)) == 1


def test_an_act_that_fails_leaves_no_reminder(store: ControlStore, files: DataFiles) -> None:
    def act() -> None:
        with store.transaction() as at:
            outbox.add(at, NewReminder(key="x", kind=ReminderKind.LAGGING, at=at.now))
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError, match="the power went"):
        act()
    assert reminders(files) == []


def test_nothing_that_lies_in_the_outbox_keeps_anybody_from_rolling_back(
    store: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    with closing(sqlite3.connect(files.control, isolation_level=None)) as connection:
        connection.execute(
            "INSERT INTO reminder (key, kind, at, missed, detail) "
            "VALUES ('event/1', 'gibberish', 'no time', 0, 'no JSON')"
        )
    assert roll_back(store).revision == 1
    assert store.apply(Extend(clock.now + HOUR, "more"), ANNA, facts()).revision == 2


def test_a_stage_is_added_once_whoever_adds_it(
    store: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    roll_back(store)
    clock.forward(5 * HOUR)
    with store.transaction() as at:
        found = list(due_stages(at.connection, at.state(), (), at.now))
        assert [outbox.add(at, new) is not None for new in (*found, *found)] == [True, False]
    assert stages(files) == [("hour-1", True)]


Act = Callable[[ControlStore, DataFiles, MovedClock], object]
ACTS: dict[str, Act] = {
    "ended": lambda store, files, _clock: store.apply(
        EndRollback("mended", no_follow_up="all is well", revision=revision(files)),
        ANNA,
        facts(Mode.STUB_POLICY),
    ),
    "superseded": lambda store, _files, _clock: roll_back(store, Mode.PASSTHROUGH),
    "extended": lambda store, _files, clock: store.apply(
        Extend(clock.now + HOUR, "more"), ANNA, facts()
    ),
    "handed over": lambda store, _files, _clock: store.apply(
        HandOver("ben", "my shift ends"), ANNA, facts()
    ),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_an_act_on_a_flag_drops_what_was_still_to_be_told_of_it(
    store: ControlStore, files: DataFiles, clock: MovedClock, act: Act
) -> None:
    cut_over(store, Mode.REAL_POLICY, 0)
    store.apply(RollBack(Mode.STUB_POLICY, "slow"), ANNA, facts())
    clock.forward(5 * HOUR)
    give_out_stages(store, files, clock)
    assert stages(files) == [("hour-1", True)]
    act(store, files, clock)
    assert stages(files) == [("hour-1", False)]
    assert deliveries(files) == [DeliveryState.SETTLED]


def test_what_tells_of_an_act_itself_is_not_dropped_by_the_next_act(
    store: ControlStore, files: DataFiles
) -> None:
    first = roll_back(store)
    end_rollback(store, first.revision)
    assert [row["settled_at"] for row in reminders(files)] == [None, None]


def test_an_extended_flag_is_reminded_anew_from_its_new_expiry(
    store: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    roll_back(store)
    clock.forward(5 * HOUR)
    give_out_stages(store, files, clock)
    store.apply(Extend(clock.now + 2 * HOUR, "more"), ANNA, facts())
    give_out_stages(store, files, clock)
    assert stages(files) == [("hour-1", False)]
    clock.forward(2 * HOUR)
    give_out_stages(store, files, clock)
    assert stages(files) == [("hour-1", False), ("expired", True)]


def test_a_flag_handed_over_goes_on_where_it_was(
    store: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    roll_back(store)
    clock.forward(5 * HOUR)
    store.apply(HandOver("ben", "my shift ends"), ANNA, facts())
    give_out_stages(store, files, clock)
    assert stages(files) == []
    clock.forward(3 * HOUR)
    give_out_stages(store, files, clock)
    assert stages(files) == [("hour-4", True)]
