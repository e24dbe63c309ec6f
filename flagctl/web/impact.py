"""The impact strip: the last hour with its flips, and what was before and after each of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flagctl.domain.audit import AuditEvent
from flagctl.domain.impact import is_flip
from flagctl.present.impact import (
    FlipRecord,
    ImpactRecord,
    MinuteRecord,
    flip_record,
)
from flagctl.store.impacts import impacts_of
from flagctl.store.resolution_counts import COUNTS_KEPT_FOR
from flagctl.vocabulary import Mode, ResolutionOutcome
from flagctl.web.chart import Chart, chart
from flagctl.web.services import Services
from flagctl.web.times import hour_and_minute

FLIPS_OF_FLAG: Final = 10


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: one mode of one minute, or a stretch in which nobody counted."""

    label: str
    mode: Mode | None = None
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Strip:
    """What the page shows: the picture, and the same as a table, the newest minute first."""

    impact: ImpactRecord
    chart: Chart
    columns: tuple[ResolutionOutcome, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """One mode and outcome, with how many there were on either side of a flip."""

    mode: Mode
    outcome: ResolutionOutcome
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Around:
    """A flip and its table."""

    flip: FlipRecord
    rows: tuple[Compared, ...]


def strip_of(impact: ImpactRecord) -> Strip:
    """Return the last hour as the first page draws it."""
    columns = _columns(impact.minutes)
    return Strip(impact, chart(impact), columns, tuple(_rows(impact.minutes[::-1], columns)))


def around_flips(
    services: Services, control: sqlite3.Connection, events: Iterable[AuditEvent], now: datetime
) -> list[Around] | None:
    """Return the newest flips among a flag's events, those whose counts are still kept.

    `None` when the counts can't be read.
    """
    flips = [each for each in events if is_flip(each) and now - each.at < COUNTS_KEPT_FOR]
    found = impacts_of(services.files, control, flips[:FLIPS_OF_FLAG])
    return None if found is None else [around(flip_record(each, now)) for each in found]


def around(flip: FlipRecord) -> Around:
    """Return a flip with every mode and outcome that there was on either side."""
    before = {(each.mode, each.outcome): each.count for each in flip.before.resolutions}
    after = {(each.mode, each.outcome): each.count for each in flip.after.resolutions}
    kinds = [(mode, outcome) for mode in Mode for outcome in ResolutionOutcome]
    return Around(
        flip,
        tuple(
            Compared(*kind, before.get(kind, 0), after.get(kind, 0))
            for kind in kinds
            if kind in before or kind in after
        ),
    )


def _columns(minutes: Iterable[MinuteRecord]) -> tuple[ResolutionOutcome, ...]:
    """Return the outcomes that there were; how many were resolved is told always."""
    seen = {each.outcome for minute in minutes for each in minute.resolutions}
    seen.add(ResolutionOutcome.RESOLVED)
    return tuple(outcome for outcome in ResolutionOutcome if outcome in seen)


def _rows(minutes: Sequence[MinuteRecord], columns: tuple[ResolutionOutcome, ...]) -> Iterable[Row]:
    absent: list[MinuteRecord] = []
    for minute in minutes:
        if not minute.is_counted:
            absent.append(minute)
            continue
        yield from _absence(absent)
        absent = []
        counts = {(each.mode, each.outcome): each.count for each in minute.resolutions}
        for mode in minute.modes:
            cells = tuple(counts.get((mode, outcome), 0) for outcome in columns)
            yield Row(_label(minute, minute), mode, cells)
    yield from _absence(absent)


def _absence(minutes: Sequence[MinuteRecord]) -> Iterable[Row]:
    if minutes:
        yield Row(_label(minutes[-1], minutes[0]))


def _label(first: MinuteRecord, last: MinuteRecord) -> str:
    until = "" if first is last else f" to {hour_and_minute(last.at)}"
    so_far = " so far" if last.is_running else ""
    flips = "".join(f", rev {revision}" for revision in first.revisions)
    return f"{hour_and_minute(first.at)}{until}{so_far}{flips}"
