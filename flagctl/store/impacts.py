"""Flips from the trail beside the counts from runtime.db, in bounded time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from flagctl.domain.audit import AuditEvent
from flagctl.domain.impact import (
    FLIPS,
    SIDE_MINUTES,
    STRIP_MINUTES,
    Impact,
    LastHour,
    begin_of,
    impact,
    minute_of,
    strip,
)
from flagctl.store.audit_search import Search, find
from flagctl.store.files import DataFiles
from flagctl.store.resolution_counts import counts_between
from flagctl.vocabulary import Outcome

FLIPS_MARKED: Final = 30
BUDGET_S: Final = 0.005


def last_hour(files: DataFiles, control: sqlite3.Connection, now: datetime) -> LastHour:
    """Return what was resolved in the last hour, and the flips of that time."""
    last = minute_of(now)
    first = last - STRIP_MINUTES + 1
    flips, has_more = _flips(control, first - SIDE_MINUTES, last)
    counts = counts_between(files, first - SIDE_MINUTES, last)
    known = counts or {}
    return LastHour(
        minutes=strip(known, flips, now),
        impacts=tuple(
            impact(each, flips, known) for each in flips[::-1] if minute_of(each.at) >= first
        ),
        is_readable=counts is not None,
        has_more=has_more,
    )


def impacts_of(
    files: DataFiles, control: sqlite3.Connection, flips: Iterable[AuditEvent]
) -> list[Impact] | None:
    """Return what was resolved around each flip; `None` when the counts can't be read."""
    found = []
    for flip in flips:
        first, last = minute_of(flip.at) - SIDE_MINUTES, minute_of(flip.at) + SIDE_MINUTES
        counts = counts_between(files, first, last)
        if counts is None:
            return None
        near, _ = _flips(control, first, last)
        found.append(impact(flip, near, counts))
    return found


def _flips(control: sqlite3.Connection, first: int, last: int) -> tuple[list[AuditEvent], bool]:
    """Return the newest flips of these minutes, the oldest first, and whether there are more."""
    wanted = Search(
        actions=FLIPS,
        outcome=Outcome.ACCEPTED,
        since=begin_of(first),
        until=begin_of(last) + timedelta(minutes=1),
    )
    found = find(control, wanted, limit=FLIPS_MARKED, budget_s=BUDGET_S)
    return list(found.events[::-1]), found.has_older
