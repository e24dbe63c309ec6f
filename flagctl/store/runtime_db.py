"""runtime.db: who was heard of, and what they counted. It may be lost at any time.

Whatever happens to the file, no caller is failed or held up: trouble is counted, logged once, and
the file is made anew where that helps (architecture, decision 4).
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final, ParamSpec

from flagctl.domain.impact import CountKey
from flagctl.domain.process import ProcessReport
from flagctl.domain.times import to_text
from flagctl.store import forking, judgements, resolution_counts
from flagctl.store.files import DataFiles
from flagctl.store.heard import description, heard_of
from flagctl.store.heard_files import HeardFiles
from flagctl.store.runtime_file import (
    Identity,
    identity,
    is_beyond_use,
    open_or_make,
    set_aside,
)

log = logging.getLogger(__name__)

Counts = Mapping[CountKey, int]
P = ParamSpec("P")
NO_COUNTS: Final[Counts] = {}

SILENT_KEPT_FOR: Final = timedelta(days=1)
PURGED_EVERY: Final = timedelta(hours=1)
ROWS_KEPT: Final = 1000
"""Bounds what a crash loop leaves behind within the day."""

_BEAT: Final = """
INSERT OR REPLACE INTO process VALUES (
    :id, :host, :pid, :role, :version, :started_at, :heard_at, :pin, :mode, :configured, :source,
    :freshness, :revision, :in_flight, :first_used
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
        self._looked_at = str(files.runtime)
        self._heard = HeardFiles(files.heard)
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

    def beat(self, report: ProcessReport, counts: Counts = NO_COUNTS) -> bool:
        """Keep what the process says and add its counts, both or none; return whether it was."""
        return self._attempt(self._tell, _BEAT, _columns(report), counts, report.heard_at)

    def still_here(self, process_id: str, heard_at: datetime, counts: Counts = NO_COUNTS) -> bool:
        """Keep that a process is there and has nothing new to say but counts.

        `False` when it must say all; then nothing was added either.
        """
        row = {"id": process_id, "heard_at": heard_at.timestamp()}
        return self._attempt(self._tell, _STILL_HERE, row, counts, heard_at)

    def touch(self, process_id: str, heard_s: float) -> bool:
        """Keep that a process is there (s since 1970), without runtime.db, which has all else.

        `False` when runtime.db must be told.
        """
        try:
            self._heard.touch(process_id, heard_s)
        except OSError:
            self._heard.begin(process_id, heard_s)
            return False
        return self.trouble is None

    def judge(
        self, process_id: str, judge: judgements.Judging, queues: Sequence[str], now: datetime
    ) -> bool:
        """Keep queue names that were asked for, and what the process thinks of all of them."""
        return self._attempt(self._judge, process_id, judge, queues, now)

    def goodbye(self, process_id: str, counts: Counts = NO_COUNTS) -> bool:
        """Forget a process that stops and let go of the file; return whether it was told."""
        return self._attempt(self._goodbye, process_id, counts)

    def processes(self) -> list[ProcessReport]:
        """Return every process on record, by host and start; none if the file can't be read."""
        return heard_of(self._files)

    def _tell(self, statement: str, row: dict[str, Any], counts: Counts, now: datetime) -> bool:
        """Write the row and what goes with it, unless there is no such row; tell whether it is."""
        is_there = self._write(statement, row, counts, now)
        if is_there:
            # Its file too: after the clock was set back, that would speak of the future for long.
            self.touch(row["id"], now.timestamp())
        return is_there

    def _write(self, statement: str, row: dict[str, Any], counts: Counts, now: datetime) -> bool:
        connection = self._ready()
        is_purge_due = self._purged_at is None or abs(now - self._purged_at) > PURGED_EVERY
        if not counts and not is_purge_due:
            return connection.execute(statement, row).rowcount == 1
        with _transaction(connection):
            is_there = connection.execute(statement, row).rowcount == 1
            if is_there:
                resolution_counts.add(connection, counts)
                if is_purge_due:
                    self._purge(connection, now)
        return is_there

    def _judge(
        self, process_id: str, judge: judgements.Judging, queues: Sequence[str], now: datetime
    ) -> bool:
        connection = self._ready()
        # No transaction around the judging: whatever it does, nobody's heartbeat waits for it.
        names = judgements.queues(connection, queues, now)
        judgement = judge(names)
        with _transaction(connection):
            judgements.keep(connection, process_id, judgement)
        return True

    def _purge(self, connection: sqlite3.Connection, now: datetime) -> None:
        bounds = {"silent_since": (now - SILENT_KEPT_FOR).timestamp(), "rows_kept": ROWS_KEPT}
        connection.execute(_PURGE, bounds)
        self._heard.purge(bounds["silent_since"])
        resolution_counts.purge(connection, now)
        self._purged_at = now

    def _goodbye(self, process_id: str, counts: Counts) -> bool:
        self._heard.end(process_id)  # first: a file without a row is somebody who lives
        try:
            if counts or self._path.exists():
                connection = self._ready()
                with _transaction(connection):
                    connection.execute("DELETE FROM process WHERE id = ?", (process_id,))
                    judgements.forget(connection, process_id)
                    resolution_counts.add(connection, counts)
        finally:
            self._close()
        return True

    def _ready(self) -> sqlite3.Connection:
        """Return the kept connection, opened again when another file lies there by now.

        It is kept because closing the last connection to a file in WAL mode costs an fsync.
        """
        now = identity(self._looked_at)
        if self._connection is None or self._file != now:
            self._close()
            self._file = now
            self._connection = open_or_make(self._path)
            for statement in (resolution_counts.SCHEMA, *judgements.SCHEMA):
                self._connection.execute(statement)
            self._file = identity(self._path)
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        self._purged_at = None
        if connection is not None:
            connection.close()

    def _attempt(self, work: Callable[P, bool], *args: P.args, **kwargs: P.kwargs) -> bool:
        with self._lock:
            try:
                done = work(*args, **kwargs)
            except (sqlite3.Error, OSError) as error:
                self._note(description(error, self._path))
                self._recover(error)
                return False
            if self.trouble is not None:
                self._note(None)
            return done

    def _recover(self, error: Exception) -> None:
        """Let go of the file; one beyond use is set aside, for the next attempt to make anew."""
        try:
            self._close()
            if self._file and is_beyond_use(error):
                set_aside(self._path, self._file)
        except (sqlite3.Error, OSError) as another:
            self._note(description(another, self._path))

    def _note(self, trouble: str | None) -> None:
        if trouble is not None:
            self.troubles += 1
        if trouble != self.trouble:
            self.trouble = trouble
            log.warning("runtime.db: %s", trouble or "it can be used again")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Keep all or nothing; whatever goes wrong, the lock is let go of."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.execute("COMMIT")


def _columns(report: ProcessReport) -> dict[str, Any]:
    columns = {each.name: getattr(report, each.name) for each in fields(report)}
    return columns | {
        "started_at": to_text(report.started_at),
        "heard_at": report.heard_at.timestamp(),
        "first_used": json.dumps({each: to_text(at) for each, at in report.first_used.items()}),
        "in_flight": json.dumps(dict(report.in_flight)),
    }
