"""Reminders as they are shown: what comes, what was told, and how each way of it went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flagctl.domain.access import short_name
from flagctl.domain.audit import AuditEvent
from flagctl.domain.delivery import Attempt, Delivery, FollowUp, Reminder
from flagctl.domain.overview import Followed, Outlook, Overview
from flagctl.domain.reminder import EXPIRED, EXPIRING
from flagctl.domain.reminder_words import DELIVERIES, RECIPIENTS, DeliveryState, ReminderKind
from flagctl.present.reminder_records import (
    AttemptRecord,
    DeliveryRecord,
    FollowUpRecord,
    OutlookRecord,
    ReminderRecord,
    RemindersRecord,
)
from flagctl.present.sentence import sentence
from flagctl.present.wording import clock, plural, until


def stage_words(stage: str) -> str:
    """Return when a stage comes, in words."""
    if stage in (EXPIRING, EXPIRED):
        return {EXPIRING: "before it expires", EXPIRED: "when it expires"}[stage]
    unit, _, number = stage.rpartition("-")
    return f"{plural(int(number), unit)} after" if unit and number.isdigit() else stage


def reminders_record(found: Overview, now: datetime) -> RemindersRecord:
    """Return everything about reminders, as it is shown."""
    return RemindersRecord(
        upcoming=tuple(outlook_record(each, now) for each in found.outlooks),
        waiting=tuple(delivery_record(each, now) for each in found.waiting),
        reminders=tuple(reminder_record(each, now) for each in found.followed),
        has_older=found.has_older,
        failed=tuple(delivery_record(each, now) for each in found.failed),
        follow_ups=tuple(follow_up_record(each, now) for each in found.follow_ups),
    )


def outlook_record(found: Outlook, now: datetime) -> OutlookRecord:
    """Return what comes next of a flag, as it is shown."""
    flag, due, upcoming = found.flag, found.due, found.upcoming
    tells = " and ".join(RECIPIENTS[each].label for each in upcoming.tells)
    waits = f"{stage_words(due.name)} has come and is not told yet; " if due else ""
    return OutlookRecord(
        flag_id=flag.id,
        kind=flag.kind,
        owner=flag.owner,
        current=found.current.name if found.current else None,
        held_until=found.held_until,
        due=due.name if due else None,
        stage=upcoming.name,
        at=upcoming.at,
        tells=upcoming.tells,
        sentence=(
            f"{flag.kind} flag {flag.id} of {short_name(flag.owner)}: {waits}next "
            f"{stage_words(upcoming.name)}, {until(upcoming.at, now)} "
            f"({clock(upcoming.at, now)}), to {tells}"
        ),
    )


def reminder_record(found: Followed, now: datetime) -> ReminderRecord:
    """Return a reminder with its ways, as it is shown."""
    reminder = found.reminder
    return ReminderRecord(
        id=reminder.id,
        kind=reminder.kind,
        flag_id=reminder.flag_id,
        stage=reminder.stage,
        at=reminder.at,
        told_at=reminder.told_at,
        settled_at=reminder.settled_at,
        held_until=reminder.held_until,
        missed=reminder.missed,
        sentence=_sentence(reminder, found.event, now),
        deliveries=tuple(
            delivery_record(
                delivery, now, [each for each in found.attempts if each.delivery_id == delivery.id]
            )
            for delivery in found.deliveries
        ),
    )


def delivery_record(
    delivery: Delivery, now: datetime, attempts: Sequence[Attempt] = ()
) -> DeliveryRecord:
    """Return a delivery as it is shown."""
    is_waiting = delivery.state is DeliveryState.WAITING
    return DeliveryRecord(
        id=delivery.id,
        reminder_id=delivery.reminder_id,
        recipient=delivery.recipient,
        to=delivery.label,
        note=delivery.note,
        state=delivery.state,
        attempts=delivery.attempts,
        next_attempt_at=delivery.next_attempt_at if is_waiting else None,
        finished_at=delivery.finished_at,
        error=delivery.error,
        sentence=_delivery_sentence(delivery, now),
        history=tuple(
            AttemptRecord(each.at, each.took.total_seconds(), each.error) for each in attempts
        ),
    )


def follow_up_record(found: FollowUp, now: datetime) -> FollowUpRecord:
    """Return what a flag left to do, as it is shown."""
    text = f"flag {found.flag_id}, ended by {short_name(found.opened_by)} "
    text += f"{until(found.opened_at, now)}: {found.link}"
    if found.closed_at and found.closed_by:
        text += f"; closed by {short_name(found.closed_by)} {until(found.closed_at, now)}"
    return FollowUpRecord(
        found.flag_id,
        found.link,
        found.opened_at,
        found.opened_by,
        found.closed_at,
        found.closed_by,
        found.closing_words,
        text,
    )


def _sentence(reminder: Reminder, event: AuditEvent | None, now: datetime) -> str:
    if reminder.kind is ReminderKind.LAGGING:
        told = reminder.detail
        who = f"pid {told.get('pid')} on {told.get('host')}"
        return f"{who} does not follow revision {told.get('revision')}"
    if reminder.stage is None:
        return sentence(event) if event else "an event that can't be found"
    about = f"flag {reminder.flag_id}" if reminder.flag_id else "a pin that nobody owns"
    return f"{about}, {stage_words(reminder.stage)} ({clock(reminder.at, now)})"


def _delivery_sentence(delivery: Delivery, now: datetime) -> str:
    word = DELIVERIES[delivery.state].label
    text = f"{RECIPIENTS[delivery.recipient].label}, {delivery.label}: {word}"
    if delivery.state is DeliveryState.WAITING and delivery.attempts:
        text += f", next try {until(delivery.next_attempt_at, now)}"
    elif delivery.finished_at:
        text += f" {until(delivery.finished_at, now)}"
    if delivery.attempts > 1:
        text += f" after {plural(delivery.attempts, 'attempt')}"
    return f"{text}; {delivery.error}" if delivery.error else text
