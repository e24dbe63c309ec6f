"""Who was heard of: every adapter process on record, as runtime.db and the heard files say."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flagctl.domain.process import Heard, ProcessReport, was_heard_lately
from flagctl.domain.times import from_text
from flagctl.store.files import DataFiles
from flagctl.store.heard_files import HeardFiles
from flagctl.store.reading import rows
from flagctl.store.runtime_file import UNREADABLE, reading_notes
from flagctl.store.trouble import from_sqlite
from flagctl.vocabulary import Freshness, Mode, Part, Source

log = logging.getLogger(__name__)


def heard_of(files: DataFiles) -> list[ProcessReport]:
    """Return every process on record, by host and start; none if the file can't be read.

    There may be more of them: whoever shows or proves something listens instead.
    """
    return list(_heard(files, HeardFiles(files.heard).times_s()).reports)


def listen(files: DataFiles, now: datetime) -> Heard:
    """Return who is on record, and whether that is all there is to know; never raises.

    A file that is not there is no trouble, unless somebody was just heard of without it: a process
    that lives makes it anew within 2 s.
    """
    heard_s = HeardFiles(files.heard).times_s()
    heard = _heard(files, heard_s)
    unrecorded = heard_s.keys() - {report.id for report in heard.reports}
    number = sum(was_heard_lately(heard_s[each], now) for each in unrecorded)
    if number and heard.trouble is None:
        lost = f"{files.runtime} has no record of {number} that live. Each says all within 2 s."
        return replace(heard, trouble=lost, unrecorded=number)
    return heard


def _heard(files: DataFiles, heard_s: Mapping[str, float]) -> Heard:
    try:
        return _read(files.runtime, heard_s)
    except UNREADABLE as error:
        trouble = description(error, files.runtime)
        log.info("runtime.db: %s", trouble)
        return Heard((), trouble)


def _read(path: Path, heard_s: Mapping[str, float]) -> Heard:
    """Read without making the file."""
    with reading_notes(path) as connection:
        if connection is None:
            is_other = path.exists()
            return Heard((), f"{path} is of another version of flagctl." if is_other else None)
        found = [
            _report(row, heard_s.get(row["id"], 0.0))
            for row in rows(connection, "SELECT * FROM process ORDER BY host, started_at, id")
        ]
    reports = tuple(report for report in found if report is not None)
    lost = len(found) - len(reports)
    return Heard(reports, f"{path} holds {lost} processes that can't be read." if lost else None)


def _report(row: Mapping[str, Any], heard_s: float) -> ProcessReport | None:
    """Return what a row says; `None` for nonsense, or for words of a newer version."""
    try:
        return ProcessReport(
            id=row["id"],
            host=row["host"],
            pid=int(row["pid"]),
            role=Part(row["role"]),
            version=row["version"],
            started_at=from_text(row["started_at"]),
            heard_at=datetime.fromtimestamp(max(row["heard_at"], heard_s), UTC),
            pin=None if row["pin"] is None else Mode(row["pin"]),
            mode=Mode(row["mode"]),
            configured=Mode(row["configured"]),
            source=Source(row["source"]),
            freshness=Freshness(row["freshness"]),
            revision=None if row["revision"] is None else int(row["revision"]),
            first_used={
                int(each): from_text(at) for each, at in json.loads(row["first_used"]).items()
            },
            in_flight={Mode(mode): int(n) for mode, n in json.loads(row["in_flight"]).items()},
        )
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError, OSError):
        return None


def description(error: Exception, path: Path) -> str:
    """Return what went wrong with runtime.db, in words."""
    return str(from_sqlite(error, path) if isinstance(error, sqlite3.Error) else error)
