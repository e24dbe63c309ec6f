"""The trail can only grow, and what was changed past the rules shows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from flagctl.domain.audit import GENESIS_HASH, AuditEvent, hashed_bytes, sealed
from flagctl.domain.change import EndRollback, Extend, RollBack, TakeOverBreakGlass
from flagctl.domain.gate import Facts
from flagctl.errors import (
    ForbiddenError,
    InvalidError,
    PreconditionError,
    StaleError,
)
from flagctl.store.audit_log import AuditFilter, Entry, committed_at, list_events, verify_trail
from flagctl.store.files import DataFiles
from flagctl.store.reading import read_flag, read_state, reading
from flagctl.store.writing import ControlStore, Receipt
from flagctl.vocabulary import Action, Door, Mode, Outcome, Role
from tests.store.acts import ANNA, NOON, MovedClock, cut_over, events, facts, roll_back
from tests.store.tampering import tampering


def test_an_event_that_can_not_be_read_keeps_nobody_from_rolling_back(
    trail: ControlStore, files: DataFiles
) -> None:
    with tampering(files.control) as connection:
        connection.execute("UPDATE audit_event SET action = 'dance' WHERE id = 5")
    assert roll_back(trail).event.id == 6


def test_when_a_revision_came_to_be_is_known_and_a_damaged_trail_fails_nobody(
    store: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    cut_over(store, Mode.REAL_POLICY, 0)
    clock.forward(timedelta(hours=1))
    roll_back(store)
    with reading(files) as connection:
        known = [committed_at(connection, revision) for revision in range(4)]
    assert known == [None, NOON, NOON + timedelta(hours=1), None]
    with tampering(files.control) as connection:
        connection.execute("UPDATE audit_event SET at = 'noon'")
        assert committed_at(connection, 2) is None
        connection.execute("ALTER TABLE audit_event RENAME TO lost")
        assert committed_at(connection, 2) is None
        connection.execute("ALTER TABLE lost RENAME TO audit_event")


def test_an_accepted_act_leaves_one_event_that_tells_it_whole(
    store: ControlStore, files: DataFiles
) -> None:
    cut_over(store, Mode.REAL_POLICY, 0)
    done = roll_back(store, Mode.STUB_POLICY)
    told = events(files)
    assert len(told) == 2
    assert told[0] == done.event
    assert (told[0].at, told[0].actor, told[0].source) == (NOON, "os:anna", Door.CLI)
    assert (told[0].action, told[0].outcome) == (Action.ROLL_BACK, Outcome.ACCEPTED)
    assert (told[0].mode_before, told[0].mode_after) == (Mode.REAL_POLICY, Mode.STUB_POLICY)
    assert (told[0].revision, told[0].flag_id, told[0].reason) == (2, 2, "slow")
    assert told[0].detail["mode_of_flag"] == Mode.STUB_POLICY


def test_the_claim_is_kept_beside_the_proven_name(store: ControlStore, files: DataFiles) -> None:
    with store.transaction() as at:
        at.record(Entry(replace(ANNA, claim="Ben"), Action.ROLL_BACK, Outcome.REFUSED))
    assert [(event.actor, event.claim) for event in events(files)] == [("os:anna", "Ben")]


def stale(store: ControlStore) -> Receipt:
    change = Extend(NOON + timedelta(hours=1), "more", revision=0)
    return store.apply(change, ANNA, facts())


def forbidden(store: ControlStore) -> Receipt:
    viewer = replace(ANNA, role=Role.VIEWER)
    return store.apply(Extend(NOON + timedelta(hours=1), "more"), viewer, facts())


def without_preconditions(store: ControlStore) -> Receipt:
    return store.apply(EndRollback("mended", follow_up="x", revision=2), ANNA, Facts())


REFUSED = {
    "stale": (stale, StaleError),
    "forbidden": (forbidden, ForbiddenError),
    "precondition": (without_preconditions, PreconditionError),
}


@pytest.mark.parametrize(("act", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_act_leaves_its_refusal_and_nothing_else(
    store: ControlStore,
    files: DataFiles,
    act: Callable[[ControlStore], Receipt],
    error: type[Exception],
) -> None:
    cut_over(store, Mode.REAL_POLICY, 0)
    roll_back(store, Mode.STUB_POLICY)
    with reading(files) as connection:
        before = read_state(connection)
    with pytest.raises(error) as caught:
        act(store)
    with reading(files) as connection:
        assert read_state(connection) == before
    told = events(files)[0]
    assert len(events(files)) == 3
    assert (told.outcome, told.revision, told.flag_id) == (Outcome.REFUSED, None, 2)
    assert (told.mode_before, told.mode_after) == (Mode.STUB_POLICY, Mode.STUB_POLICY)
    assert told.detail["message"] == str(caught.value)


def test_input_that_can_not_be_taken_is_no_act_yet(store: ControlStore, files: DataFiles) -> None:
    roll_back(store)
    with pytest.raises(InvalidError):
        store.apply(Extend(NOON, "no time at all"), ANNA, facts())
    assert len(events(files)) == 1


def test_an_act_that_was_done_already_is_told_without_a_revision(
    store: ControlStore, files: DataFiles
) -> None:
    roll_back(store)
    again = roll_back(store)
    assert (again.outcome, again.revision, again.event.revision) == (Outcome.ALREADY, 1, None)
    assert len(events(files)) == 2


def test_the_same_break_glass_file_seen_again_is_told_once(
    store: ControlStore, files: DataFiles
) -> None:
    seen = TakeOverBreakGlass(Mode.PASSTHROUGH, "node1", "var/BREAK_GLASS", "root", NOON)
    taken = store.apply(seen, ANNA, facts())
    for _ in range(3):
        assert store.apply(seen, ANNA, facts()).event == taken.event
    touched = replace(seen, modified_at=NOON + timedelta(minutes=1))
    assert store.apply(touched, ANNA, facts()).event.outcome is Outcome.SEEN
    assert len(events(files)) == 2


def test_text_that_is_no_unicode_is_told_in_escapes(store: ControlStore, files: DataFiles) -> None:
    """The system's names are bytes; a break-glass file under such a path must count too."""
    path = b"/data/\xff".decode(errors="surrogateescape")
    seen = TakeOverBreakGlass(Mode.PASSTHROUGH, "node1", path, "root", NOON)
    done = store.apply(seen, ANNA, facts())
    assert done.event.detail["path"] == "/data/\\udcff"
    with reading(files) as connection:
        assert verify_trail(connection).holds


def test_a_superseded_flag_keeps_its_whole_life(store: ControlStore, files: DataFiles) -> None:
    cut_over(store, Mode.REAL_POLICY, 0)
    roll_back(store, Mode.STUB_POLICY)
    roll_back(store, Mode.PASSTHROUGH, "worse")
    with reading(files) as connection:
        old, new = read_flag(connection, 2), read_flag(connection, 3)
    assert old
    assert new
    assert (old.superseded_by, old.ended_by, old.end_reason) == (3, "os:anna", "worse")
    assert (new.first_started_at, new.ended_at) == (old.started_at, None)


def test_events_are_listed_by_every_filter_and_in_pages(
    trail: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    clock.forward(timedelta(hours=1))
    trail.apply(RollBack(Mode.PASSTHROUGH, "slow"), replace(ANNA, name="os:ben"), facts())

    def ids(**wanted: Any) -> list[int]:
        return [event.id for event in events(files, AuditFilter(**wanted))]

    assert ids() == [6, 5, 4, 3, 2, 1]
    assert ids(actor="os:ben") == [6]
    assert ids(action=Action.ROLL_BACK) == [6, 4, 1]
    assert ids(outcome=Outcome.REFUSED) == [3]
    assert ids(flag_id=1) == [2, 1]
    assert ids(since=NOON + timedelta(minutes=1)) == [6]
    assert ids(until=NOON) == []
    assert ids(before_id=3) == [2, 1]
    with reading(files) as connection:
        page = list_events(connection, AuditFilter(before_id=6), limit=2)
        assert [event.id for event in page] == [5, 4]


def test_what_is_hashed_is_canonical_and_holds_all_but_the_hash() -> None:
    event = sealed(
        AuditEvent(
            id=1, at=NOON, actor="os:ännä", claim=None, source=Door.CLI, action=Action.ROLL_BACK,
            outcome=Outcome.ACCEPTED, revision=1, flag_id=1, mode_before=Mode.STUB_POLICY,
            mode_after=Mode.PASSTHROUGH, reason="slow", detail={"b": 1, "a": "x"},
            prev_hash=GENESIS_HASH, hash="",
        )
    )  # fmt: skip
    assert hashed_bytes(event).decode() == (
        '{"action":"rollback","actor":"os:ännä","at":"2026-05-01T12:00:00.000000Z","claim":null,'
        '"detail":{"a":"x","b":1},"flag_id":1,"id":1,"mode_after":"passthrough",'
        f'"mode_before":"stub-policy","outcome":"accepted","prev_hash":"{GENESIS_HASH}",'
        '"reason":"slow","revision":1,"source":"cli"}'
    )
    assert event.hash == "a677b968cffed466617cd3ed08afa05d3dc3c88ee63e5cdfc97785ee019ab2b7"
