"""Searching the trail a page at a time, in bounded time, however long the trail is.

Pages are found by key. What no index finds is looked for in stretches of ids, until the page is
full or the time is over; then the answer says how far it looked.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flagctl.domain.audit import AuditEvent
from flagctl.domain.times import to_text
from flagctl.store.reading import rows
from flagctl.store.rows import event_from_row
from flagctl.vocabulary import Action, Outcome

PAGE: Final = 50
BUDGET_S: Final = 0.2
FIRST_STRETCH: Final = 1_000
LONGEST_AT_ONCE: Final = 20_000
"""At most 5 ms of looking at text, so that the budget is kept; and of events in memory."""

LONGEST_BY_INDEX: Final = 100_000
"""Where an index finds what fits, a long trail without it is walked in a few steps."""

NAME_KINDS: Final = ("", "person:", "os:", "token:")


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for; `None` or nothing lets everything pass.

    `actor` is a name as proven (`person:alice`) or without its kind. A time range is turned into
    a range of ids; an event written while the clock was set back may stand outside of it.
    """

    actor: str | None = None
    actions: tuple[Action, ...] = ()
    outcome: Outcome | None = None
    flag_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of events, the newest first.

    `has_older` and `has_newer` tell whether anything may lie on either side. `stopped_at` is the
    id at which the time was over; `None` when all was looked at that the page needed.
    """

    events: tuple[AuditEvent, ...]
    has_older: bool
    has_newer: bool
    stopped_at: int | None = None


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The ids from `low` to `high`, both included."""

    low: int
    high: int


def find(
    connection: sqlite3.Connection,
    wanted: Search,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE,
    budget_s: float = BUDGET_S,
    monotonic: Callable[[], float] = time.monotonic,
) -> Found:
    """Return the page next to an event: older than `before`, or newer than `after`."""
    whole = _id_range(connection, wanted)
    upward = after is not None
    low = whole.low if after is None else max(whole.low, after + 1)
    high = whole.high if before is None else min(whole.high, before - 1)
    deadline = monotonic() + budget_s
    longest = LONGEST_AT_ONCE if wanted.text else LONGEST_BY_INDEX
    events: list[AuditEvent] = []
    stopped_at = None
    for stretch in _stretches(_Stretch(low, high), longest, upward=upward):
        room = limit + 1 - len(events)
        events += _in(connection, wanted, stretch, upward=upward, limit=room)
        edge = stretch.high if upward else stretch.low
        if len(events) > limit:
            break
        if monotonic() >= deadline and edge != (high if upward else low):
            stopped_at = edge
            break
    is_more = len(events) > limit or stopped_at is not None
    page = events[:limit]
    return Found(
        events=tuple(reversed(page) if upward else page),
        has_older=upward or is_more,
        has_newer=is_more if upward else before is not None,
        stopped_at=stopped_at,
    )


def walk(connection: sqlite3.Connection, wanted: Search) -> Iterator[AuditEvent]:
    """Return every event that is found, the newest first, one by one and without a bound."""
    for stretch in _stretches(_id_range(connection, wanted), LONGEST_AT_ONCE, upward=False):
        yield from _in(connection, wanted, stretch, upward=False, limit=-1)


def _id_range(connection: sqlite3.Connection, wanted: Search) -> _Stretch:
    low, high = 1, _first(connection, "SELECT max(id) FROM audit_event", {}) or 0
    if wanted.since is not None:
        statement = "SELECT id FROM audit_event WHERE at >= :at ORDER BY at, id LIMIT 1"
        low = _first(connection, statement, {"at": to_text(wanted.since)}) or high + 1
    if wanted.until is not None:
        statement = "SELECT id FROM audit_event WHERE at < :at ORDER BY at DESC, id DESC LIMIT 1"
        high = _first(connection, statement, {"at": to_text(wanted.until)}) or 0
    return _Stretch(low, high)


def _first(
    connection: sqlite3.Connection, statement: str, parameters: dict[str, Any]
) -> int | None:
    row = connection.execute(statement, parameters).fetchone()
    return None if row is None else row[0]


def _stretches(whole: _Stretch, longest: int, *, upward: bool) -> Iterator[_Stretch]:
    """Cut a range of ids into growing stretches, from its end or from its begin."""
    size, low, high = FIRST_STRETCH, whole.low, whole.high
    while low <= high:
        if upward:
            yield _Stretch(low, min(high, low + size - 1))
            low += size
        else:
            yield _Stretch(max(low, high - size + 1), high)
            high -= size
        size = min(2 * size, longest)


def _in(
    connection: sqlite3.Connection, wanted: Search, stretch: _Stretch, *, upward: bool, limit: int
) -> list[AuditEvent]:
    parameters: dict[str, Any] = {"low": stretch.low, "high": stretch.high, "limit": limit}
    conditions = ["id BETWEEN :low AND :high", *_conditions(wanted, parameters)]
    # Only fixed conditions are put together; values are always bound.
    statement = (
        f"SELECT * FROM audit_event WHERE {' AND '.join(conditions)} "  # noqa: S608
        f"ORDER BY id {'ASC' if upward else 'DESC'} LIMIT :limit"
    )
    return [event_from_row(row) for row in rows(connection, statement, parameters)]


def _conditions(wanted: Search, parameters: dict[str, Any]) -> Iterator[str]:
    if wanted.actor is not None:
        yield _any_of("actor", _names(wanted.actor), parameters)
    if wanted.actions:
        yield _any_of("action", wanted.actions, parameters)
    if wanted.outcome is not None:
        parameters["outcome"] = wanted.outcome
        yield "outcome = :outcome"
    if wanted.flag_id is not None:
        parameters["flag_id"] = wanted.flag_id
        yield "flag_id = :flag_id"
    if wanted.text is not None:
        parameters["text"] = f"%{_literally(wanted.text)}%"
        columns = ("reason", "detail", "actor", "claim")
        yield "(" + " OR ".join(f"{column} LIKE :text ESCAPE '\\'" for column in columns) + ")"


def _names(actor: str) -> tuple[str, ...]:
    return (actor,) if ":" in actor else tuple(kind + actor for kind in NAME_KINDS)


def _any_of(column: str, values: tuple[str, ...], parameters: dict[str, Any]) -> str:
    names = [f"{column}_{number}" for number in range(len(values))]
    parameters.update(zip(names, values, strict=True))
    return f"{column} IN ({', '.join(':' + name for name in names)})"


def _literally(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
