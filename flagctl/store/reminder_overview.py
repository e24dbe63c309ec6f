"""Everything about reminders at one moment, for pages, the API and the command line."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from flagctl.domain.flag import Flag
from flagctl.domain.overview import Outlook, Overview
from flagctl.domain.reminder import current, due, flag_plan, upcoming
from flagctl.store.follow_ups import read_follow_ups
from flagctl.store.reading import read_state
from flagctl.store.reminder_reading import (
    read_failed,
    read_followed,
    read_held_until,
    read_term,
    read_told_of_flag,
    read_waiting,
)


def read_overview(
    connection: sqlite3.Connection,
    now: datetime,
    *,
    flag_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Overview:
    """Return the overview, of one flag if asked.

    Args:
        connection: control.db, at one moment.
        now: the time, aware and in UTC.
        flag_id: leave out what is about other flags.
        before: of what was told, only what has a smaller number.
        limit: how much of what was told.

    """
    flags = [flag for flag in read_state(connection).flags if flag_id in (None, flag.id)]
    told = read_followed(connection, flag_id=flag_id, before=before, limit=limit + 1)
    return Overview(
        outlooks=tuple(each for flag in flags if (each := _outlook(connection, flag, now))),
        waiting=tuple(read_waiting(connection, flag_id)),
        followed=tuple(told[:limit]),
        has_older=len(told) > limit,
        failed=tuple(read_failed(connection, flag_id)),
        follow_ups=tuple(
            each for each in read_follow_ups(connection) if flag_id in (None, each.flag_id)
        ),
    )


def _outlook(connection: sqlite3.Connection, flag: Flag, now: datetime) -> Outlook | None:
    plan = flag_plan(flag, read_term(connection, flag))
    if plan is None:
        return None
    told = read_told_of_flag(connection, flag)
    found = due(plan, now, told)
    held_until = read_held_until(connection, flag)
    return Outlook(
        flag,
        due=found.stage if found else None,
        upcoming=upcoming(plan, now, told),
        current=current(plan, now),
        held_until=held_until if held_until and held_until > now else None,
    )
