"""A reminder on its way: to whom, how often it is tried, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flagctl.domain.audit import Detail
from flagctl.domain.reminder_words import DeliveryState, Recipient, ReminderKind

BACK_OFF: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 3600)
)
"""How long to wait after each failure; after one more it is given up, 3 h after the first."""

CLAIM: Final = timedelta(seconds=30)
"""How long one attempt may take: a claim older than that was left by somebody who died."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """One thing to be told, once.

    `key` says what it is about, so that no two processes make it twice. `at` is when it was to
    come, `told_at` when the runner gave it out; `held_until` is the end of a snooze. A settled one
    is of a flag that somebody acted on.
    """

    id: int
    key: str
    kind: ReminderKind
    at: datetime
    flag_id: int | None
    generation: int | None
    stage: str | None
    event_id: int | None
    missed: int
    told_at: datetime | None
    settled_at: datetime | None
    held_until: datetime | None
    detail: Detail


@dataclass(frozen=True, slots=True)
class Delivery:
    """The way of one reminder to one address.

    `channel` names the address without its secrets, `label` is what a person reads of it. `note`
    says for whom this one stands in.
    """

    id: int
    reminder_id: int
    recipient: Recipient
    channel: str
    label: str
    note: str | None
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime
    finished_at: datetime | None
    error: str | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver; `error` is `None` when the service took it."""

    delivery_id: int
    at: datetime
    took: timedelta
    error: str | None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What is left to do after a flag ended; open until a person closes it."""

    flag_id: int
    link: str
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None = None
    closed_by: str | None = None
    closing_words: str | None = None


def wait_after(attempts: int) -> timedelta | None:
    """Return how long to wait after so many failures; `None` to give up."""
    return BACK_OFF[attempts - 1] if attempts <= len(BACK_OFF) else None
