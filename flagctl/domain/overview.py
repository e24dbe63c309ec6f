"""Everything about reminders at one moment: what comes, what was told, what is left to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flagctl.domain.audit import AuditEvent
from flagctl.domain.delivery import Attempt, Delivery, FollowUp, Reminder
from flagctl.domain.flag import Flag
from flagctl.domain.reminder import Stage


@dataclass(frozen=True, slots=True)
class Outlook:
    """What comes next of an active flag.

    `current` has come, told or not, and is held until `held_until`; `due` is it while untold.
    """

    flag: Flag
    due: Stage | None
    upcoming: Stage
    current: Stage | None = None
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Followed:
    """A reminder with its ways and how each of them went; `event` is what it tells of, if any."""

    reminder: Reminder
    event: AuditEvent | None
    deliveries: tuple[Delivery, ...]
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """What comes, what waits, what was told and how that went, what failed, what is left to do."""

    outlooks: tuple[Outlook, ...]
    waiting: tuple[Delivery, ...]
    followed: tuple[Followed, ...]
    has_older: bool
    failed: tuple[Delivery, ...]
    follow_ups: tuple[FollowUp, ...]
