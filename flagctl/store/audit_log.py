"""The audit trail in control.db: appending inside a transaction, and reading it back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from flagctl.domain.audit import GENESIS_HASH, AuditEvent, Verification, sealed, verify
from flagctl.domain.change import Actor
from flagctl.domain.times import to_text
from flagctl.store.reading import rows
from flagctl.store.rows import event_columns, event_from_row
from flagctl.vocabulary import Action, Mode, Outcome

if TYPE_CHECKING:  # the reading half of this file must not pay for the ORM
    from sqlmodel import Session


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
    detail: Mapping[str, str | int | None] = field(default_factory=dict)


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


def append(
    session: Session, connection: sqlite3.Connection, entry: Entry, now: datetime
) -> AuditEvent:
    """Write the next event of the chain in the transaction that is open."""
    from flagctl.store.tables import AuditRow

    last = newest(connection)
    event = sealed(
        AuditEvent(
            id=last.id + 1 if last else 1,
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
            detail={key: value for key, value in entry.detail.items() if value is not None},
            prev_hash=last.hash if last else GENESIS_HASH,
            hash="",
        )
    )
    session.add(AuditRow(**event_columns(event)))
    session.flush()
    return event


def newest(connection: sqlite3.Connection) -> AuditEvent | None:
    """Return the last event of the trail."""
    found = rows(connection, "SELECT * FROM audit_event ORDER BY id DESC LIMIT 1")
    return next(map(event_from_row, found), None)


def newest_of(connection: sqlite3.Connection, action: Action) -> AuditEvent | None:
    """Return the last event of one kind."""
    found = rows(
        connection,
        "SELECT * FROM audit_event WHERE action = :action ORDER BY id DESC LIMIT 1",
        {"action": action},
    )
    return next(map(event_from_row, found), None)


def verify_trail(connection: sqlite3.Connection) -> Verification:
    """Walk the whole trail, oldest first; `ValueError` names nothing, a broken link does."""
    return verify(map(event_from_row, rows(connection, "SELECT * FROM audit_event ORDER BY id")))


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


def _parameter(value: object) -> object:
    return to_text(value) if isinstance(value, datetime) else value
