"""From what is to be told to who is told, in one write transaction."""

from __future__ import annotations

import sqlite3

from flagctl.domain.change import Actor
from flagctl.domain.delivery import Delivery, Reminder
from flagctl.domain.reminder_words import Recipient, ReminderKind
from flagctl.domain.telling import told_at_once
from flagctl.reminders.addresses import AddressBook
from flagctl.reminders.looking import Found, Surroundings
from flagctl.reminders.message import Subject
from flagctl.store import outbox
from flagctl.store.audit_log import newest, read_event
from flagctl.store.outbox import NewDelivery
from flagctl.store.reading import read_flag, read_state
from flagctl.store.reminder_reading import read_reminder, read_untold
from flagctl.store.sightings import record_gone
from flagctl.store.transaction import Transaction
from flagctl.vocabulary import Door, Role


def give_out(at: Transaction, around: Surroundings, book: AddressBook, found: Found) -> None:
    """Add what was found to be told now, and a way to each who is to be told."""
    # Any process of the host would tell the same, so the host is who tells it.
    host = Actor(f"host:{around.host}", Role.VIEWER, Door.RUNTIME)
    for seen in found.gone:
        record_gone(at, host, seen)
    for new in found.new:
        outbox.add(at, new)
    for reminder in read_untold(at.connection):
        for way in _ways(at.connection, reminder, book):
            outbox.add_delivery(at, reminder.id, way)
        outbox.mark_told(at, reminder.id)


def _ways(
    connection: sqlite3.Connection, reminder: Reminder, book: AddressBook
) -> list[NewDelivery]:
    subject = subject_of(connection, reminder)
    ways = book.ways(connection, _tells(subject), _owner(subject))
    if reminder.kind is ReminderKind.STAGE:
        return ways
    # Without any channel nobody asked to be told of every act; a forgotten rollback is shown.
    return [way for way in ways if way.error is None]


def stand_in(at: Transaction, delivery: Delivery, why: str, book: AddressBook) -> None:
    """Let the next in the ladder tell what this delivery could not."""
    for way in book.stand_ins(delivery.recipient, why):
        outbox.add_delivery(at, delivery.reminder_id, way)


def read_subject(connection: sqlite3.Connection, reminder_id: int) -> Subject:
    """Return what the reminder is about, as of now; `LookupError` when there is no such."""
    reminder = read_reminder(connection, reminder_id)
    if reminder is None:
        raise LookupError(f"there is no reminder {reminder_id}")
    return subject_of(connection, reminder)


def subject_of(connection: sqlite3.Connection, reminder: Reminder) -> Subject:
    """Return what the reminder is about, as of now."""
    head = newest(connection)
    flag = None if reminder.flag_id is None else read_flag(connection, reminder.flag_id)
    event = None if reminder.event_id is None else read_event(connection, reminder.event_id)
    return Subject(reminder, read_state(connection), flag, event, head.hash if head else "none")


def _tells(subject: Subject) -> tuple[Recipient, ...]:
    reminder = subject.reminder
    match reminder.kind:
        case ReminderKind.EVENT:
            return told_at_once(subject.event) if subject.event else ()
        case ReminderKind.STAGE:
            return tuple(map(Recipient, str(reminder.detail.get("tells", "")).split()))
        case ReminderKind.LAGGING:
            return (Recipient.OPERATORS,)


def _owner(subject: Subject) -> str | None:
    told = subject.event.detail.get("owner") if subject.event else None
    if told is not None:
        return str(told)
    return subject.flag.owner if subject.flag else None
