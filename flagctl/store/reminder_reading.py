"""Reading reminders, their deliveries, and what the schedule needs to know of a flag."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flagctl.domain.access import Person
from flagctl.domain.delivery import BACK_OFF, CLAIM, Delivery, Reminder
from flagctl.domain.flag import Flag
from flagctl.domain.overview import Followed
from flagctl.domain.reminder import SNOOZE_MAX, Term, Told
from flagctl.domain.reminder_words import ReminderKind
from flagctl.domain.times import from_text, to_text
from flagctl.store.audit_log import read_event
from flagctl.store.reading import rows
from flagctl.store.rows import (
    attempt_from_row,
    delivery_from_row,
    person_from_row,
    reminder_from_row,
)
from flagctl.store.uptime import Uptime, ended, ended_bounds
from flagctl.vocabulary import Action

DELIVERIES_SHOWN: Final = 100

# A time further ahead than it can lawfully be was written under a clock that ran ahead.
DUE: Final = f"""
d.state = 'waiting'
AND (d.attempts = 0 OR d.next_attempt_at <= :now OR d.next_attempt_at > :retry_limit)
AND (d.claimed_until IS NULL OR {ended("d.claimed_until")})
AND (r.held_until IS NULL OR r.held_until <= :now OR r.held_until > :hold_limit)
"""


def due_bounds(now: datetime, up: Uptime) -> dict[str, str]:
    """Return the parameters of `DUE`."""
    return {
        "now": to_text(now),
        "retry_limit": to_text(now + max(BACK_OFF)),
        **ended_bounds(up, CLAIM),
        "hold_limit": to_text(now + SNOOZE_MAX),
    }


def read_term(connection: sqlite3.Connection, flag: Flag) -> Term:
    """Return what the trail says of the flag's last change and of the time that it was given."""
    found = rows(
        connection,
        "SELECT at, action, revision FROM audit_event "
        "WHERE flag_id = :flag AND revision IS NOT NULL ORDER BY id DESC",
        {"flag": flag.id},
    )
    changes = [(from_text(row["at"]), row["action"]) for row in found]
    since = changes[0][0] if changes else flag.started_at
    granted = (at for at, action in changes if action != Action.HAND_OVER)
    return Term(flag.revision, since, next(granted, flag.started_at))


def read_told_of_flag(connection: sqlite3.Connection, flag: Flag) -> list[Told]:
    """Return which stages of the flag as it is now were told."""
    return _told(
        connection,
        "flag_id = :flag AND generation = :generation",
        {"flag": flag.id, "generation": flag.revision},
    )


def read_held_until(connection: sqlite3.Connection, flag: Flag) -> datetime | None:
    """Return until when somebody holds the newest stage of the flag as it is now."""
    found = connection.execute(
        "SELECT held_until FROM reminder WHERE flag_id = ? AND generation = ? AND kind = ? "
        "ORDER BY id DESC LIMIT 1",
        (flag.id, flag.revision, ReminderKind.STAGE),
    ).fetchone()
    return from_text(found[0]) if found and found[0] else None


def read_told_of_event(connection: sqlite3.Connection, event_id: int) -> list[Told]:
    """Return which stages were told of a pin, by the event that told of it first."""
    return _told(connection, "event_id = :event", {"event": event_id})


def _told(connection: sqlite3.Connection, where: str, parameters: Mapping[str, Any]) -> list[Told]:
    found = rows(
        connection,
        f"SELECT stage, at, told_at FROM reminder WHERE {where} AND kind = :kind",  # noqa: S608
        {**parameters, "kind": ReminderKind.STAGE},
    )
    return [
        Told(row["stage"], from_text(row["at"]), from_text(row["told_at"] or row["at"]))
        for row in found
    ]


def read_untold(connection: sqlite3.Connection) -> list[Reminder]:
    """Return the reminders that have no deliveries yet, the oldest first."""
    found = rows(connection, "SELECT * FROM reminder WHERE told_at IS NULL ORDER BY id")
    return [reminder_from_row(row) for row in found]


def read_channels_due(connection: sqlite3.Connection, now: datetime, up: Uptime) -> list[str]:
    """Return the channels for which something is due, in the order in which it came."""
    found = rows(
        connection,
        "SELECT d.channel, min(d.id) FROM delivery d JOIN reminder r ON r.id = d.reminder_id "  # noqa: S608
        f"WHERE {DUE} GROUP BY d.channel ORDER BY 2",
        due_bounds(now, up),
    )
    return [row["channel"] for row in found]


def read_reminder(connection: sqlite3.Connection, reminder_id: int) -> Reminder | None:
    """Return the reminder with this id."""
    found = rows(connection, "SELECT * FROM reminder WHERE id = :id", {"id": reminder_id})
    return next(map(reminder_from_row, found), None)


def is_known(connection: sqlite3.Connection, key: str) -> bool:
    """Tell whether there is a reminder with this key."""
    found = connection.execute("SELECT 1 FROM reminder WHERE key = ?", (key,))
    return found.fetchone() is not None


def read_followed(
    connection: sqlite3.Connection,
    *,
    flag_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Followed]:
    """Return the newest reminders with how they went, the newest first."""
    wanted = [] if flag_id is None else ["flag_id = :flag"]
    wanted += [] if before is None else ["id < :before"]
    where = f"WHERE {' AND '.join(wanted)} " if wanted else ""
    found = rows(
        connection,
        f"SELECT * FROM reminder {where}ORDER BY id DESC LIMIT :limit",  # noqa: S608
        {"flag": flag_id, "before": before, "limit": limit},
    )
    return [_followed(connection, reminder_from_row(row)) for row in found]


def read_failed(connection: sqlite3.Connection, flag_id: int | None = None) -> list[Delivery]:
    """Return what was given up and nobody has seen yet, of one flag if asked; the oldest 100."""
    return _read_deliveries(connection, "d.state = 'dead' AND d.seen_at IS NULL", flag_id)


def read_waiting(connection: sqlite3.Connection, flag_id: int | None = None) -> list[Delivery]:
    """Return what has come and is not delivered yet, of one flag if asked; the oldest 100."""
    return _read_deliveries(connection, "d.state = 'waiting'", flag_id)


def _read_deliveries(
    connection: sqlite3.Connection, where: str, flag_id: int | None
) -> list[Delivery]:
    of_flag = "" if flag_id is None else " AND r.flag_id = :flag"
    # The plus keeps SQLite from walking through all of history in the order that is asked for.
    found = rows(
        connection,
        "SELECT d.* FROM delivery d JOIN reminder r ON r.id = d.reminder_id "  # noqa: S608
        f"WHERE {where}{of_flag} ORDER BY +d.id LIMIT :limit",
        {"flag": flag_id, "limit": DELIVERIES_SHOWN},
    )
    return [delivery_from_row(row) for row in found]


def read_newest_failed(connection: sqlite3.Connection) -> tuple[int, Delivery | None]:
    """Return how many deliveries were given up that nobody has seen yet, and the newest."""
    unseen = "FROM delivery WHERE state = 'dead' AND seen_at IS NULL"
    (count,) = connection.execute(f"SELECT count(*) {unseen}").fetchone()
    found = rows(connection, f"SELECT * {unseen} ORDER BY id DESC LIMIT 1") if count else iter(())
    return count, next(map(delivery_from_row, found), None)


@dataclass(frozen=True, slots=True)
class Undelivered:
    """What is not delivered: how many wait and since when, and how many failed unseen."""

    waiting: int
    oldest_at: datetime | None
    failed: int


def read_undelivered(connection: sqlite3.Connection) -> Undelivered:
    """Return what was to be told and is not, also when no process gives it out."""
    waiting, oldest = connection.execute(
        "SELECT count(*), min(r.at) FROM delivery d JOIN reminder r ON r.id = d.reminder_id "
        "WHERE d.state = 'waiting'"
    ).fetchone()
    untold, oldest_untold = connection.execute(
        "SELECT count(*), min(at) FROM reminder WHERE told_at IS NULL"
    ).fetchone()
    times = [from_text(at) for at in (oldest, oldest_untold) if at is not None]
    failed, _ = read_newest_failed(connection)
    return Undelivered(waiting + untold, min(times, default=None), failed)


def read_person_named(connection: sqlite3.Connection, name: str) -> Person | None:
    """Return the person with this name, also a disabled one."""
    found = rows(connection, "SELECT * FROM person WHERE name = :name", {"name": name})
    return next(map(person_from_row, found), None)


def _followed(connection: sqlite3.Connection, reminder: Reminder) -> Followed:
    own = {"id": reminder.id}
    deliveries = rows(connection, "SELECT * FROM delivery WHERE reminder_id = :id ORDER BY id", own)
    attempts = rows(
        connection,
        "SELECT a.* FROM delivery_attempt a JOIN delivery d ON d.id = a.delivery_id "
        "WHERE d.reminder_id = :id ORDER BY a.id",
        own,
    )
    return Followed(
        reminder,
        None if reminder.event_id is None else read_event(connection, reminder.event_id),
        tuple(delivery_from_row(row) for row in deliveries),
        tuple(attempt_from_row(row) for row in attempts),
    )
