"""What nobody may overlook, on every page: expired flags, failed deliveries, break-glass.

It is read on the connection that finds out who is asking, so no page pays for a second one.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flagctl.domain.delivery import Delivery
from flagctl.domain.flag import Flag
from flagctl.present.records import BreakGlassRecord, FlagRecord
from flagctl.present.status import flag_record
from flagctl.store.break_glass import look as look_for_break_glass
from flagctl.store.reading import read_state
from flagctl.store.reminder_reading import read_newest_failed
from flagctl.store.trouble import NonsenseRowError
from flagctl.vocabulary import FlagKind
from flagctl.web.outlook import shown_break_glass
from flagctl.web.services import Services


@dataclass(frozen=True, slots=True)
class Alarms:
    """What the store says; `is_readable` is false when it could not be told."""

    flags: tuple[Flag, ...] = ()
    failures: int = 0
    failed: Delivery | None = None
    is_readable: bool = True


@dataclass(frozen=True, slots=True)
class Banner:
    """What the banner shows as of `at`.

    `failed` is the newest of `failures` deliveries that nobody has seen.
    """

    at: datetime
    expired: tuple[FlagRecord, ...]
    failures: int
    failed: Delivery | None
    break_glass: BreakGlassRecord | None
    is_readable: bool


NOTHING: Final = Alarms()


def read_alarms(connection: sqlite3.Connection) -> Alarms:
    """Return what is alarming now; a damaged row must not take a page away that needs it not."""
    try:
        failures, failed = read_newest_failed(connection)
        return Alarms(read_state(connection).flags, failures, failed)
    except (sqlite3.Error, NonsenseRowError):
        return Alarms(is_readable=False)


def banner(services: Services, alarms: Alarms, now: datetime) -> Banner:
    """Return what the banner shows at `now`."""
    glass = look_for_break_glass(services.files.break_glass)
    rollback = next((each for each in alarms.flags if each.kind is FlagKind.ROLLBACK), None)
    return Banner(
        at=now,
        expired=tuple(flag_record(flag, now) for flag in alarms.flags if flag.is_expired(now)),
        failures=alarms.failures,
        failed=alarms.failed,
        break_glass=shown_break_glass(glass, rollback, now) if glass else None,
        is_readable=alarms.is_readable,
    )
