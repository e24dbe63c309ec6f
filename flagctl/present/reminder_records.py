"""Reminders as pages, the JSON API and `--json` show them; each field with its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flagctl.domain.reminder_words import DeliveryState, Recipient, ReminderKind
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
    current: str | None
    """The stage that has come, told or not."""
    held_until: datetime | None
    """Until when somebody snoozed it."""
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
    waiting: tuple[DeliveryRecord, ...]
    """What has come and is not delivered yet, the oldest first; at most 100."""
    reminders: tuple[ReminderRecord, ...]
    """What was told, the newest first."""
    has_older: bool
    """Whether more was told before these."""
    failed: tuple[DeliveryRecord, ...]
    """What was given up, until somebody has seen it; the oldest 100."""
    follow_ups: tuple[FollowUpRecord, ...]
    """What is still to be done after flags that ended."""
