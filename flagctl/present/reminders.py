"""Reminders as they are shown: what comes, what was told, and how each way of it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flagctl.domain.access import short_name
from flagctl.domain.audit import AuditEvent
from flagctl.domain.delivery import Attempt, Delivery, FollowUp, Reminder
from flagctl.domain.flag import Flag
from flagctl.domain.reminder import EXPIRED, EXPIRING, Stage
from flagctl.domain.reminder_words import (
    DELIVERIES,
    RECIPIENTS,
    DeliveryState,
    Recipient,
    ReminderKind,
)
from flagctl.present.sentence import sentence
from flagctl.present.wording import clock, plural, until
from flagctl.vocabulary import FlagKind


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One try to deliver."""

    at: datetime
    """When it ended."""
    took_s: float
    """How long it took."""
    error: str | None
    """What went wrong, without the secrets of the address; `None` when it was taken."""


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """The way of one reminder to one address."""

    id: int
    """Its number."""
    reminder_id: int
    """The reminder that it is of."""
    recipient: Recipient
    """For whom it is."""
    to: str
    """The address without its secrets."""
    note: str | None
    """For whom this one stands in, and why."""
    state: DeliveryState
    """How far it is."""
    attempts: int
    """How often it was tried."""
    next_attempt_at: datetime | None
    """When it is tried next; `None` when it is not."""
    finished_at: datetime | None
    """When that was decided."""
    error: str | None
    """What went wrong last."""
    sentence: str
    """The same for a person."""
    history: tuple[AttemptRecord, ...]
    """Every try, the oldest first."""


@dataclass(frozen=True, slots=True)
class ReminderRecord:
    """One thing that was or is to be told."""

    id: int
    """Its number, which stands in the message too."""
    kind: ReminderKind
    """What made it."""
    flag_id: int | None
    """The flag that it is about."""
    stage: str | None
    """The stage of the flag's schedule."""
    at: datetime
    """When it was to come."""
    told_at: datetime | None
    """When it was given out for delivery."""
    settled_at: datetime | None
    """When somebody acted on the flag, so that nothing of it need be told any more."""
    held_until: datetime | None
    """Until when somebody snoozed it."""
    missed: int
    """How many earlier stages it stands for."""
    sentence: str
    """What it tells."""
    deliveries: tuple[DeliveryRecord, ...]
    """Its ways."""


@dataclass(frozen=True, slots=True)
class OutlookRecord:
    """What comes next of an active flag."""

    flag_id: int
    """The flag's number."""
    kind: FlagKind
    """Its kind."""
    owner: str
    """Who answers for it."""
    due: str | None
    """The stage that has come and was not told yet."""
    stage: str
    """The stage that comes next."""
    at: datetime
    """When that is."""
    tells: tuple[Recipient, ...]
    """Who is told then."""
    sentence: str
    """The same for a person."""


@dataclass(frozen=True, slots=True)
class FollowUpRecord:
    """What a flag left to do when it ended."""

    flag_id: int
    """The flag's number."""
    link: str
    """A link or a ticket's name."""
    opened_at: datetime
    """When the flag ended."""
    opened_by: str
    """Who ended it."""
    closed_at: datetime | None
    """When a person closed it; `None` while it is open."""
    closed_by: str | None
    """Who closed it."""
    closing_words: str | None
    """What was done about it."""
    sentence: str
    """The same for a person."""


@dataclass(frozen=True, slots=True)
class RemindersRecord:
    """Everything about reminders."""

    upcoming: tuple[OutlookRecord, ...]
    """What comes next of each active flag."""
    reminders: tuple[ReminderRecord, ...]
    """What was told, the newest first."""
    failed: tuple[DeliveryRecord, ...]
    """What was given up, until somebody has seen it."""
    follow_ups: tuple[FollowUpRecord, ...]
    """What is still to be done after flags that ended."""


def stage_words(stage: str) -> str:
    """Return when a stage comes, in words."""
    if stage in (EXPIRING, EXPIRED):
        return {EXPIRING: "before it expires", EXPIRED: "when it expires"}[stage]
    unit, _, number = stage.rpartition("-")
    return f"{plural(int(number), unit)} after" if unit and number.isdigit() else stage


def outlook_record(flag: Flag, due: Stage | None, upcoming: Stage, now: datetime) -> OutlookRecord:
    """Return what comes next of a flag, as it is shown."""
    tells = " and ".join(RECIPIENTS[each].label for each in upcoming.tells)
    waits = f"{stage_words(due.name)} has come and is not told yet; " if due else ""
    return OutlookRecord(
        flag_id=flag.id,
        kind=flag.kind,
        owner=flag.owner,
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


def reminder_record(
    reminder: Reminder,
    event: AuditEvent | None,
    deliveries: Sequence[Delivery],
    attempts: Sequence[Attempt],
    now: datetime,
) -> ReminderRecord:
    """Return a reminder with its ways, as it is shown."""
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
        sentence=_sentence(reminder, event, now),
        deliveries=tuple(
            delivery_record(
                delivery, now, [each for each in attempts if each.delivery_id == delivery.id]
            )
            for delivery in deliveries
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
