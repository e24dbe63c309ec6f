"""Samples of reminders and banners for the pattern page: each state of each of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from flagctl.domain.audit import AuditEvent
from flagctl.domain.delivery import Attempt, Delivery, FollowUp, Reminder
from flagctl.domain.flag import Flag
from flagctl.domain.overview import Followed, Outlook, Overview
from flagctl.domain.reminder import EXPIRED, Stage
from flagctl.domain.reminder_words import DeliveryState, Recipient, ReminderKind
from flagctl.present.records import BreakGlassRecord
from flagctl.present.reminder_records import RemindersRecord
from flagctl.present.reminders import reminders_record
from flagctl.present.status import flag_record
from flagctl.web.alarms import Banner

ERROR = "Failed to send JSON notification: Internal Server Error, error=500."


def banners(
    expired: tuple[Flag, ...], glass: BreakGlassRecord | None, odd: str, now: datetime
) -> list[Banner]:
    """Return the banner of expired flags and break-glass, of failures, and of a damaged store."""
    one = replace(_delivery(1, DeliveryState.DEAD, now), label=odd, error=odd)
    past = tuple(flag_record(flag, now) for flag in expired)
    return [
        Banner(now, past, 0, None, glass, is_readable=True),
        Banner(now, (), 3, one, None, is_readable=True),
        Banner(now, (), 0, None, None, is_readable=False),
    ]


def reminders(flag: Flag, event: AuditEvent, now: datetime) -> RemindersRecord:
    """Return reminders in every state: an act, a stage, a process that lags."""
    every = tuple(
        _delivery(number, state, now) for number, state in enumerate(DeliveryState, start=1)
    )
    stage = Stage(EXPIRED, flag.expires_at, (Recipient.OWNER, Recipient.OPERATORS))
    later = replace(stage, name="hour-1", at=now + timedelta(minutes=22))
    held = now + timedelta(minutes=10)
    told = (
        Followed(_reminder(3, ReminderKind.LAGGING, now), None, (), ()),
        Followed(_reminder(2, ReminderKind.STAGE, now), None, every, _attempts(now)),
        Followed(_reminder(1, ReminderKind.EVENT, now), event, every[1:2], ()),
    )
    return reminders_record(
        Overview(
            outlooks=(
                Outlook(flag, stage, later, stage),
                Outlook(flag, None, later, stage, held),
            ),
            waiting=every[:1],
            followed=told,
            has_older=True,
            failed=every[2:3],
            follow_ups=(FollowUp(flag.id, "OPS-7", now - timedelta(days=2), "person:bob"),),
        ),
        now,
    )


def no_reminders(now: datetime) -> RemindersRecord:
    """Return what is shown before there was anything to tell."""
    return reminders_record(Overview((), (), (), has_older=False, failed=(), follow_ups=()), now)


def _reminder(number: int, kind: ReminderKind, now: datetime) -> Reminder:
    is_stage = kind is ReminderKind.STAGE
    return Reminder(
        id=number,
        key=f"sample/{number}",
        kind=kind,
        at=now - timedelta(minutes=38),
        flag_id=None if kind is ReminderKind.LAGGING else 2,
        generation=18,
        stage=EXPIRED if is_stage else None,
        event_id=None,
        missed=2 if is_stage else 0,
        told_at=None,
        settled_at=None,
        held_until=None,
        detail={"pid": 4001, "host": "host1", "revision": 18},
    )


def _delivery(number: int, state: DeliveryState, now: datetime) -> Delivery:
    is_bad = state in (DeliveryState.DEAD, DeliveryState.WAITING)
    return Delivery(
        id=number,
        reminder_id=2,
        recipient=Recipient.OPERATORS,
        channel=f"json/{number}",
        label="json://chat.example.org (1a2b)",
        note="bob, the owner, is disabled, so this goes to the operators' channel.",
        state=state,
        attempts=2 if is_bad else 1,
        next_attempt_at=now + timedelta(seconds=30),
        finished_at=None if state is DeliveryState.WAITING else now,
        error=ERROR if is_bad else None,
        seen_at=None,
    )


def _attempts(now: datetime) -> tuple[Attempt, ...]:
    took = timedelta(seconds=0.2)
    return (
        Attempt(1, now - timedelta(minutes=2), took, ERROR),
        Attempt(1, now - timedelta(minutes=1), took, None),
    )
