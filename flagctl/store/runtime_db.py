"""runtime.db: who was heard of. It may be lost at any time, and trouble with it is nobody's.

Whatever happens to the file, no caller is failed or held up: trouble is counted, logged once, and
the file is made anew where that helps (architecture, decision 4).
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from flagctl.domain.process import ProcessReport
from flagctl.domain.times import from_text, to_text
from flagctl.store import forking
from flagctl.store.files import DataFiles
from flagctl.store.reading import rows
from flagctl.store.runtime_file import (
    Identity,
    identity,
    is_beyond_use,
    open_or_make,
    open_to_read,
    set_aside,
)
from flagctl.store.trouble import from_sqlite
from flagctl.vocabulary import Freshness, Mode, Part, Source

log = logging.getLogger(__name__)

SILENT_KEPT_FOR: Final = timedelta(days=1)
PURGED_EVERY: Final = timedelta(hours=1)
ROWS_KEPT: Final = 1000
"""Bounds what a crash loop leaves behind within the day."""

_BEAT: Final = """
INSERT OR REPLACE INTO process VALUES (
    :id, :host, :pid, :role, :version, :started_at, :heard_at, :pin, :mode, :configured, :source,
    :freshness, :revision, :in_flight
)
"""

_STILL_HERE: Final = "UPDATE process SET heard_at = :heard_at WHERE id = :id"

_PURGE: Final = """
DELETE FROM process
WHERE heard_at < :silent_since
OR id IN (SELECT id FROM process ORDER BY heard_at DESC LIMIT -1 OFFSET :rows_kept)
"""


class ProcessRegistry:
    """What the adapter processes of this data directory say of themselves.

    Safe in threads and after a fork. `troubles` counts what was swallowed; `trouble` says what is
    wrong, `None` when the last attempt went well.
    """

    def __init__(self, files: DataFiles) -> None:
        self.troubles = 0
        self.trouble: str | None = None
        self._files = files
        self._path = files.runtime
        self._connection: sqlite3.Connection | None = None
        self._file: Identity | None = None
        self._purged_at: datetime | None = None
        self._lock = threading.Lock()
        forking.suspend_over_fork(self)

    def suspend(self) -> None:
        """Hold still before a fork, with the file let go of."""
        self._lock.acquire()
        self._close()

    def resume(self) -> None:
        """Go on after the fork, in the parent as in the child."""
        self._lock.release()

    def beat(self, report: ProcessReport) -> bool:
        """Keep what the process says; return whether it was kept."""
        return self._attempt(lambda: self._beat(report))

    def still_here(self, process_id: str, heard_at: datetime) -> bool:
        """Keep that a process is there and has nothing new to say; `False` when it must say all."""
        return self._attempt(lambda: self._still_here(process_id, heard_at))

    def goodbye(self, process_id: str) -> bool:
        """Forget a process that stops and let go of the file; return whether it was told."""
        return self._attempt(lambda: self._goodbye(process_id))

    def processes(self) -> list[ProcessReport]:
        """Return every process on record, by host and start; none if the file can't be read."""
        return heard_of(self._files)

    def _beat(self, report: ProcessReport) -> bool:
        connection = self._ready()
        connection.execute(_BEAT, _columns(report))
        self._purge_if_due(connection, report.heard_at)
        return True

    def _still_here(self, process_id: str, heard_at: datetime) -> bool:
        connection = self._ready()
        row = {"id": process_id, "heard_at": to_text(heard_at)}
        is_known = connection.execute(_STILL_HERE, row).rowcount == 1
        self._purge_if_due(connection, heard_at)
        return is_known

    def _purge_if_due(self, connection: sqlite3.Connection, now: datetime) -> None:
        if self._purged_at is None or abs(now - self._purged_at) > PURGED_EVERY:
            bounds = {"silent_since": to_text(now - SILENT_KEPT_FOR), "rows_kept": ROWS_KEPT}
            connection.execute(_PURGE, bounds)
            self._purged_at = now

    def _goodbye(self, process_id: str) -> bool:
        try:
            if self._path.exists():
                self._ready().execute("DELETE FROM process WHERE id = ?", (process_id,))
        finally:
            self._close()
        return True

    def _ready(self) -> sqlite3.Connection:
        """Return the kept connection, opened again when another file lies there by now.

        It is kept because closing the last connection to a file in WAL mode costs an fsync.
        """
        now = identity(self._path)
        if self._connection is None or self._file != now:
            self._close()
            self._file = now
            self._connection = open_or_make(self._path)
            self._file = identity(self._path)
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        self._purged_at = None
        if connection is not None:
            connection.close()

    def _attempt(self, work: Callable[[], bool]) -> bool:
        with self._lock:
            try:
                done = work()
            except (sqlite3.Error, OSError) as error:
                self._note(_description(error, self._path))
                self._recover(error)
                return False
            self._note(None)
            return done

    def _recover(self, error: Exception) -> None:
        """Let go of the file; one beyond use is set aside, for the next attempt to make anew."""
        try:
            self._close()
            if self._file and is_beyond_use(error):
                set_aside(self._path, self._file)
        except (sqlite3.Error, OSError) as another:
            self._note(_description(another, self._path))

    def _note(self, trouble: str | None) -> None:
        if trouble is not None:
            self.troubles += 1
        if trouble != self.trouble:
            self.trouble = trouble
            log.warning("runtime.db: %s", trouble or "it can be used again")


def heard_of(files: DataFiles) -> list[ProcessReport]:
    """Return every process on record, by host and start; none if the file can't be read."""
    try:
        return _read(files.runtime)
    except (sqlite3.Error, OSError) as error:
        log.info("runtime.db: %s", _description(error, files.runtime))
        return []


def _description(error: Exception, path: Path) -> str:
    return str(from_sqlite(error, path) if isinstance(error, sqlite3.Error) else error)


def _read(path: Path) -> list[ProcessReport]:
    """Read on a connection of its own, which neither makes the file nor keeps it open."""
    if not path.exists():
        return []
    connection = open_to_read(path)
    if connection is None:
        return []
    with closing(connection):
        ordered = rows(connection, "SELECT * FROM process ORDER BY host, started_at, id")
        return [report for row in ordered if (report := _report(row))]


def _columns(report: ProcessReport) -> dict[str, Any]:
    columns = {each.name: getattr(report, each.name) for each in fields(report)}
    return columns | {
        "started_at": to_text(report.started_at),
        "heard_at": to_text(report.heard_at),
        "in_flight": json.dumps(dict(report.in_flight)),
    }


def _report(row: Mapping[str, Any]) -> ProcessReport | None:
    """Return what a row says; `None` for nonsense, or for words of a newer version."""
    try:
        return ProcessReport(
            id=row["id"],
            host=row["host"],
            pid=int(row["pid"]),
            role=Part(row["role"]),
            version=row["version"],
            started_at=from_text(row["started_at"]),
            heard_at=from_text(row["heard_at"]),
            pin=None if row["pin"] is None else Mode(row["pin"]),
            mode=Mode(row["mode"]),
            configured=Mode(row["configured"]),
            source=Source(row["source"]),
            freshness=Freshness(row["freshness"]),
            revision=None if row["revision"] is None else int(row["revision"]),
            in_flight={Mode(mode): int(n) for mode, n in json.loads(row["in_flight"]).items()},
        )
    except (ValueError, TypeError, AttributeError, KeyError):
        return None
