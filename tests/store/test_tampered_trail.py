"""Nobody changes an event by SQL, and what was changed past the triggers shows."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from flagctl.domain.audit import sealed
from flagctl.store.audit_log import AuditFilter, list_events, newest, verify_trail
from flagctl.store.files import DataFiles
from flagctl.store.reading import reading
from flagctl.store.rows import event_columns
from flagctl.store.writing import ControlStore
from tests.store.acts import events
from tests.store.tampering import tampering

APPEND_ONLY = {
    "UPDATE": "UPDATE audit_event SET reason = 'nothing' WHERE id = 2",
    "DELETE": "DELETE FROM audit_event WHERE id = 2",
    "DELETE of all": "DELETE FROM audit_event",
    "INSERT OR REPLACE": "INSERT OR REPLACE INTO audit_event "
    "SELECT * FROM audit_event WHERE id = 2",
    "UPSERT": "INSERT INTO audit_event SELECT * FROM audit_event WHERE id = 2 "
    "ON CONFLICT (id) DO UPDATE SET reason = 'nothing'",
}


@pytest.mark.parametrize("statement", APPEND_ONLY.values(), ids=APPEND_ONLY.keys())
def test_the_database_refuses_to_change_an_event_whoever_asks(
    trail: ControlStore, files: DataFiles, statement: str
) -> None:
    before = events(files)
    with closing(sqlite3.connect(files.control)) as raw:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(statement)
        raw.commit()
    assert events(files) == before


def test_a_trail_made_by_acts_holds(trail: ControlStore, files: DataFiles) -> None:
    with reading(files) as connection:
        found = verify_trail(connection)
        last = newest(connection)
    assert last
    assert (found.events, found.broken_id, found.head_hash) == (5, None, last.hash)


def edit(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE audit_event SET actor = 'os:eve' WHERE id = 3")


def edit_and_seal(connection: sqlite3.Connection) -> None:
    """Compute the hash of the edited event anew, but not those of all that follow."""
    row = next(event for event in list_events(connection, AuditFilter()) if event.id == 3)
    columns = event_columns(sealed(replace(row, actor="os:eve")))
    connection.execute(
        "UPDATE audit_event SET actor = :actor, hash = :hash WHERE id = 3",
        {"actor": columns["actor"], "hash": columns["hash"]},
    )


def respell(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE audit_event SET at = replace(at, 'Z', '+00:00') WHERE id = 3")


def swap(connection: sqlite3.Connection) -> None:
    for old, new in ((3, 99), (4, 3), (99, 4)):
        connection.execute("UPDATE audit_event SET id = ? WHERE id = ?", (new, old))


def run(statement: str) -> Callable[[sqlite3.Connection], object]:
    return lambda connection: connection.execute(statement)


TAMPERED = {
    "an edited event": (edit, 3, "its content does not match its hash"),
    "an edited event with a new hash": (edit_and_seal, 4, "does not name the hash of the event"),
    "another hash": (
        run("UPDATE audit_event SET hash = prev_hash WHERE id = 3"), 3, "does not match its hash",
    ),
    "another hash before": (
        run("UPDATE audit_event SET prev_hash = hash WHERE id = 3"),
        3, "does not name the hash",
    ),
    "a missing event": (run("DELETE FROM audit_event WHERE id = 3"), 4, "event 3 is missing"),
    "a missing beginning": (run("DELETE FROM audit_event WHERE id = 1"), 2, "event 1 is missing"),
    "two events in each other's place": (swap, 3, "does not name the hash"),
    "an event that can't be read": (
        run("UPDATE audit_event SET action = 'dance' WHERE id = 3"), 3, "it can't be read",
    ),
    "detail that is no object": (
        run("UPDATE audit_event SET detail = '5' WHERE id = 3"), 3, "it can't be read",
    ),
    "another spelling of a time": (respell, 3, "it can't be read"),
}  # fmt: skip


@pytest.mark.parametrize(("tamper", "broken_id", "problem"), TAMPERED.values(), ids=TAMPERED.keys())
def test_verification_names_the_first_event_that_does_not_fit(
    trail: ControlStore,
    files: DataFiles,
    tamper: Callable[[sqlite3.Connection], object],
    broken_id: int,
    problem: str,
) -> None:
    with tampering(files.control) as connection:
        tamper(connection)
    with reading(files) as connection:
        found = verify_trail(connection)
    assert not found.holds
    assert found.broken_id == broken_id
    assert problem in (found.problem or "")
