"""Everything about reminders at one moment, for pages, the API and the command line."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from flagctl.domain.delivery import Delivery, FollowUp
from flagctl.domain.flag import Flag
from flagctl.domain.reminder import Stage, due, flag_plan, upcoming
from flagctl.store.follow_ups import read_follow_ups
from flagctl.store.reading import read_state
from flagctl.store.reminder_reading import (
    Followed,
    read_failed,
    read_followed,
    read_term,
    read_told_of_flag,
)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What comes next of an active flag; `due` has come and is not told yet."""

    flag: Flag
    due: Stage | None
    upcoming: Stage


@dataclass(frozen=True, slots=True)
class Overview:
    """What comes, what was told and how that went, what failed, and what is left to do."""

    outlooks: tuple[Outlook, ...]
    followed: tuple[Followed, ...]
    failed: tuple[Delivery, ...]
    follow_ups: tuple[FollowUp, ...]


def read_overview(
    connection: sqlite3.Connection, now: datetime, *, flag_id: int | None = None, limit: int = 50
) -> Overview:
    """Return the overview, of one flag if asked; `limit` bounds what was told."""
    flags = [flag for flag in read_state(connection).flags if flag_id in (None, flag.id)]
    return Overview(
        tuple(each for flag in flags if (each := _outlook(connection, flag, now))),
        tuple(read_followed(connection, flag_id=flag_id, limit=limit)),
        tuple(read_failed(connection)),
        tuple(read_follow_ups(connection)),
    )


def _outlook(connection: sqlite3.Connection, flag: Flag, now: datetime) -> Outlook | None:
    plan = flag_plan(flag, read_term(connection, flag))
    if plan is None:
        return None
    told = read_told_of_flag(connection, flag)
    found = due(plan, now, told)
    return Outlook(flag, found.stage if found else None, upcoming(plan, now, told))
