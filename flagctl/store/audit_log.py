"""The audit trail in control.db: the next event of the chain, and reading the trail back."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from flagctl.domain.audit import (
    GENESIS_HASH,
    NOTHING_VERIFIED,
    AuditEvent,
    Detail,
    Verification,
    sealed,
    storable,
    verify,
)
from flagctl.domain.change import Actor
from flagctl.domain.times import from_text, to_text
from flagctl.store.reading import rows
from flagctl.store.rows import event_from_row
from flagctl.store.trouble import NonsenseRowError
from flagctl.vocabulary import Action, Mode, Outcome

RECENT_EVENTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be told of an act; the trail adds the time, the place and the hashes."""

    actor: Actor
    action: Action
    outcome: Outcome
    before: Mode | None = None
    after: Mode | None = None
    revision: int | None = None
    flag_id: int | None = None
    reason: str | None = None
    detail: Detail = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", storable(self.detail))


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which events to list; `None` lets everything pass. `before_id` pages to older events."""

    actor: str | None = None
    action: Action | None = None
    outcome: Outcome | None = None
    flag_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    before_id: int | None = None


def next_event(connection: sqlite3.Connection, entry: Entry, now: datetime) -> AuditEvent:
    """Return the event that follows the trail's last one; the write lock must be held."""
    last_id, last_hash = head_of(connection)
    return sealed(
        AuditEvent(
            id=last_id + 1,
            at=now,
            actor=entry.actor.name,
            claim=entry.actor.claim,
            source=entry.actor.door,
            action=entry.action,
            outcome=entry.outcome,
            revision=entry.revision,
            flag_id=entry.flag_id,
            mode_before=entry.before,
            mode_after=entry.after,
            reason=entry.reason,
            detail=entry.detail,
            prev_hash=last_hash,
            hash="",
        )
    )


def head_of(connection: sqlite3.Connection) -> tuple[int, str]:
    """Return id and hash of the trail's last event."""
    # Not the whole event: one that can't be read must not keep anybody from rolling back.
    statement = "SELECT id, hash FROM audit_event ORDER BY id DESC LIMIT 1"
    found: tuple[int, str] | None = connection.execute(statement).fetchone()
    return found or (0, GENESIS_HASH)


def newest(connection: sqlite3.Connection) -> AuditEvent | None:
    """Return the last event of the trail."""
    return next(list_events(connection, AuditFilter(), limit=1), None)


def read_event(connection: sqlite3.Connection, event_id: int) -> AuditEvent | None:
    """Return the event with this number."""
    found = rows(connection, "SELECT * FROM audit_event WHERE id = :id", {"id": event_id})
    return next(map(event_from_row, found), None)


def newest_of(connection: sqlite3.Connection, action: Action) -> AuditEvent | None:
    """Return the last event of one kind."""
    return next(list_events(connection, AuditFilter(action=action), limit=1), None)


def verify_trail(connection: sqlite3.Connection) -> Verification:
    """Walk the whole trail, oldest first, up to the first event that does not fit."""
    return verify_on(connection, NOTHING_VERIFIED, at_most=-1)


def verify_on(
    connection: sqlite3.Connection, so_far: Verification, *, at_most: int
) -> Verification:
    """Walk on from where the chain holds, over at most so many events; -1 is all of them."""
    # From the very first row on, also one before the event that has the number 1.
    after = so_far.events or -1 - sys.maxsize
    walk = _Walk(
        rows(
            connection,
            "SELECT * FROM audit_event WHERE id > :after ORDER BY id LIMIT :at_most",
            {"after": after, "at_most": at_most},
        )
    )
    found = verify(walk, so_far)
    if found.holds and walk.unreadable:
        return replace(found, broken_id=walk.row_id, problem=f"it can't be read: {walk.unreadable}")
    return found


class _Walk:
    """The trail's events up to one that can't be read; that one is remembered."""

    def __init__(self, trail: Iterator[dict[str, Any]]) -> None:
        self._trail = trail
        self.row_id: int | None = None
        self.unreadable: NonsenseRowError | None = None

    def __iter__(self) -> Iterator[AuditEvent]:
        for row in self._trail:
            self.row_id = row["id"]
            try:
                yield event_from_row(row)
            except NonsenseRowError as error:
                self.unreadable = error
                return


_CONDITIONS = {
    "actor": "actor = :actor",
    "action": "action = :action",
    "outcome": "outcome = :outcome",
    "flag_id": "flag_id = :flag_id",
    "since": "at >= :since",
    "until": "at < :until",
    "before_id": "id < :before_id",
}


def list_events(
    connection: sqlite3.Connection,
    wanted: AuditFilter,
    *,
    limit: int | None = None,
    newest_first: bool = True,
) -> Iterator[AuditEvent]:
    """Return the events that pass the filter, one by one."""
    asked = {name: getattr(wanted, name) for name in _CONDITIONS}
    parameters = {name: _parameter(value) for name, value in asked.items() if value is not None}
    where = " AND ".join(_CONDITIONS[name] for name in parameters) or "1"
    order = "DESC" if newest_first else "ASC"
    # Only the fixed words above are put together here; values are always bound.
    statement = f"SELECT * FROM audit_event WHERE {where} ORDER BY id {order} LIMIT :limit"  # noqa: S608
    parameters["limit"] = -1 if limit is None else limit
    return map(event_from_row, rows(connection, statement, parameters))


def changes_since(connection: sqlite3.Connection, revision: int) -> list[AuditEvent]:
    """Return the accepted changes to the flags after `revision`, the oldest first.

    The trail is walked from its end only as far as needed.
    """
    newer = []
    for event in list_events(connection, AuditFilter(outcome=Outcome.ACCEPTED)):
        if event.revision is not None and event.revision <= revision:
            break
        if event.revision is not None:
            newer.append(event)
    return newer[::-1]


def committed_at(connection: sqlite3.Connection, revision: int) -> datetime | None:
    """Return when a revision came to be; `None` when it did not, or too long ago to look for."""
    if revision == 0:
        return None  # a new store's: no event made it, so none need be looked for
    # From the end, because that is where it is asked for, and not further than a page may take.
    recent = "SELECT at, revision FROM audit_event ORDER BY id DESC LIMIT :recent"
    statement = f"SELECT at FROM ({recent}) WHERE revision = :revision LIMIT 1"  # noqa: S608 - ours
    try:
        found = connection.execute(statement, {"recent": RECENT_EVENTS, "revision": revision})
        return next((from_text(at) for (at,) in found.fetchall()), None)
    except (sqlite3.Error, ValueError, TypeError):
        return None  # a damaged trail must not hide what is in force


def find_event(connection: sqlite3.Connection, event_id: int) -> AuditEvent | None:
    """Return the event with this id."""
    found = rows(connection, "SELECT * FROM audit_event WHERE id = :id", {"id": event_id})
    return next(map(event_from_row, found), None)


def _parameter(value: object) -> object:
    return to_text(value) if isinstance(value, datetime) else value
