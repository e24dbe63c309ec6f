"""What is to be told, written in the transaction of what it tells of.

An act writes here and reads nothing back, so that no damage to a reminder can keep anybody from
rolling back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from flagctl.domain.audit import AuditEvent, Detail
from flagctl.domain.canonical import canonical_json
from flagctl.domain.flag import Flag
from flagctl.domain.reminder_words import DeliveryState, Recipient, ReminderKind
from flagctl.domain.times import to_text

if TYPE_CHECKING:  # every transaction imports this module
    from flagctl.store.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReminder:
    """A reminder to be added; `key` keeps two processes from adding it twice."""

    key: str
    kind: ReminderKind
    at: datetime
    flag_id: int | None = None
    generation: int | None = None
    stage: str | None = None
    event_id: int | None = None
    missed: int = 0
    detail: Detail = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A way to be tried; with an `error` it is dead already."""

    recipient: Recipient
    channel: str
    label: str
    note: str | None = None
    error: str | None = None


def about_event(event: AuditEvent) -> NewReminder:
    """Return the reminder that tells of an event at once."""
    return NewReminder(
        key=f"event/{event.id}",
        kind=ReminderKind.EVENT,
        at=event.at,
        flag_id=event.flag_id,
        event_id=event.id,
    )


def add(at: Transaction, new: NewReminder) -> int | None:
    """Add a reminder and return its id; `None` when one with this key was there."""
    columns = {
        "key": new.key,
        "kind": new.kind,
        "at": to_text(new.at),
        "flag_id": new.flag_id,
        "generation": new.generation,
        "stage": new.stage,
        "event_id": new.event_id,
        "missed": new.missed,
        "detail": canonical_json(dict(new.detail)),
    }
    statement = (
        "INSERT OR IGNORE INTO reminder "
        "(key, kind, at, flag_id, generation, stage, event_id, missed, detail) VALUES "
        "(:key, :kind, :at, :flag_id, :generation, :stage, :event_id, :missed, :detail)"
    )
    added = at.connection.execute(statement, columns)
    return added.lastrowid if added.rowcount == 1 else None


def add_delivery(at: Transaction, reminder_id: int, new: NewDelivery) -> None:
    """Add a way to tell a reminder, unless it goes to that channel already."""
    is_dead = new.error is not None
    columns = {
        "reminder_id": reminder_id,
        "recipient": new.recipient,
        "channel": new.channel,
        "label": new.label,
        "note": new.note,
        "state": DeliveryState.DEAD if is_dead else DeliveryState.WAITING,
        "now": to_text(at.now),
        "finished_at": to_text(at.now) if is_dead else None,
        "error": new.error,
    }
    at.connection.execute(
        "INSERT OR IGNORE INTO delivery (reminder_id, recipient, channel, label, note, state, "
        "attempts, next_attempt_at, finished_at, error) VALUES (:reminder_id, :recipient, "
        ":channel, :label, :note, :state, 0, :now, :finished_at, :error)",
        columns,
    )


def mark_told(at: Transaction, reminder_id: int) -> None:
    """Note that the reminder has its deliveries."""
    at.update("reminder", reminder_id, {"told_at": to_text(at.now)})


def settle(at: Transaction, flag: Flag) -> None:
    """Drop what was still to be told of the flag's stages: somebody acted on it.

    What tells of an act itself stays: everybody is to hear of every flip.
    """
    told = {"flag": flag.id, "now": to_text(at.now), "stage": ReminderKind.STAGE}
    at.connection.execute(
        "UPDATE delivery SET state = :settled, finished_at = :now WHERE state = 'waiting' AND "
        "reminder_id IN (SELECT id FROM reminder WHERE flag_id = :flag AND kind = :stage)",
        told | {"settled": DeliveryState.SETTLED},
    )
    at.connection.execute(
        "UPDATE reminder SET settled_at = :now, told_at = coalesce(told_at, :now) "
        "WHERE flag_id = :flag AND kind = :stage AND settled_at IS NULL",
        told,
    )


def settle_everything(at: Transaction) -> None:
    """Drop everything still to be told: it is of a backup, and was told or is history by now."""
    told = {"now": to_text(at.now), "settled": DeliveryState.SETTLED}
    at.connection.execute(
        "UPDATE delivery SET state = :settled, finished_at = :now WHERE state = 'waiting'", told
    )
    at.connection.execute("UPDATE reminder SET told_at = :now WHERE told_at IS NULL", told)
