"""What each process thinks of the top mode, and queue names lately asked for: in runtime.db.

A queue's name is kept without whose it was: nothing here tells one tenant of another.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final

from flagctl.domain.boundary import SlurmQueueMapping
from flagctl.domain.parity import Parity
from flagctl.domain.precondition import Precondition
from flagctl.domain.preflight import Finding, Verdict
from flagctl.domain.readiness import Judgement
from flagctl.domain.times import from_text, to_text
from flagctl.store.files import DataFiles
from flagctl.store.reading import rows
from flagctl.store.runtime_file import UNREADABLE, reading_notes
from flagctl.vocabulary import ProbeError, ProbeStatus

Judging = Callable[[Sequence[str]], Judgement]
"""Tells what a process thinks, given queue names to compare."""

QUEUES_KEPT_FOR: Final = timedelta(days=7)
QUEUES_KEPT: Final = 100

SCHEMA: Final = (
    """
    CREATE TABLE IF NOT EXISTS judgement (
        process_id TEXT PRIMARY KEY,
        verdict TEXT NOT NULL,
        parity TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS queue_asked_for (
        name TEXT PRIMARY KEY,
        last_at TEXT NOT NULL
    ) WITHOUT ROWID
    """,
)

_KEEP: Final = "INSERT OR REPLACE INTO judgement VALUES (?, ?, ?)"

_FORGET_THE_GONE: Final = "DELETE FROM judgement WHERE process_id NOT IN (SELECT id FROM process)"

_ALL: Final = "SELECT process_id, verdict, parity FROM judgement"
_VERDICTS: Final = "SELECT process_id, verdict, '[]' AS parity FROM judgement"

_KEEP_QUEUE: Final = "INSERT OR REPLACE INTO queue_asked_for VALUES (?, ?)"

_PURGE_QUEUES: Final = """
DELETE FROM queue_asked_for
WHERE last_at < :since
OR name IN (SELECT name FROM queue_asked_for ORDER BY last_at DESC LIMIT -1 OFFSET :kept)
"""

_QUEUES: Final = "SELECT name FROM queue_asked_for ORDER BY last_at DESC, name LIMIT :kept"


def keep(connection: sqlite3.Connection, process_id: str, judgement: Judgement) -> None:
    """Keep what a process thinks now, and forget what those thought that are gone."""
    parity = json.dumps(judgement.parity, default=_fields_of)
    told = (process_id, json.dumps(_plain(judgement.verdict), default=_fields_of), parity)
    connection.execute(_FORGET_THE_GONE)
    connection.execute(_KEEP, told)


def forget(connection: sqlite3.Connection, process_id: str) -> None:
    """Forget what a process thought."""
    connection.execute("DELETE FROM judgement WHERE process_id = ?", (process_id,))


def queues(connection: sqlite3.Connection, asked: Iterable[str], now: datetime) -> Sequence[str]:
    """Add names that were asked for, and return all that are kept, the newest first."""
    added = [(name, to_text(now)) for name in asked]
    if added:
        connection.executemany(_KEEP_QUEUE, added)
        bounds = {"since": to_text(now - QUEUES_KEPT_FOR), "kept": QUEUES_KEPT}
        connection.execute(_PURGE_QUEUES, bounds)
    return [name for (name,) in connection.execute(_QUEUES, {"kept": QUEUES_KEPT})]


def read_judgements(files: DataFiles, *, compared: bool = True) -> dict[str, Judgement]:
    """Return what each process told last, by its id; none if the file can't be read.

    Unless `compared`, the queues are left out: an act does not wait for hundreds of them.
    """
    try:
        return _read(files, _ALL if compared else _VERDICTS)
    except UNREADABLE:
        return {}  # who is heard of is read beside it, and tells of the trouble


def _read(files: DataFiles, query: str) -> dict[str, Judgement]:
    with reading_notes(files.runtime) as connection:
        if connection is None:
            return {}
        found = rows(connection, query)
        told = {row["process_id"]: _judgement(row["verdict"], row["parity"]) for row in found}
    return {process_id: each for process_id, each in told.items() if each is not None}


def _plain(verdict: Verdict) -> dict[str, Any]:
    return {
        "taken_at": None if verdict.taken_at is None else to_text(verdict.taken_at),
        "findings": verdict.findings,
    }


def _fields_of(record: Any) -> dict[str, Any]:
    # `asdict` copies all there is first, which took most of the time of telling.
    return {each.name: getattr(record, each.name) for each in fields(record)}


def _judgement(verdict: str, compared: str) -> Judgement | None:
    """Return what a row says; `None` for nonsense, or for words of another version."""
    try:
        told = json.loads(verdict)
        taken_at = None if told["taken_at"] is None else from_text(told["taken_at"])
        findings = tuple(_finding(each) for each in told["findings"])
        if [each.name for each in findings] != list(Precondition):
            return None
        parity = tuple(_parity(each) for each in json.loads(compared))
        return Judgement(Verdict(findings, taken_at), parity)
    except (ValueError, TypeError, KeyError):
        return None


def _finding(told: dict[str, Any]) -> Finding:
    return Finding(
        name=Precondition(told["name"]),
        status=ProbeStatus(told["status"]),
        error=None if told["error"] is None else ProbeError(told["error"]),
        latency_ms=float(told["latency_ms"]),
        detail=str(told["detail"]),
    )


def _parity(told: dict[str, Any]) -> Parity:
    mapping = told["mapping"]
    return Parity(**{**told, "mapping": None if mapping is None else SlurmQueueMapping(**mapping)})
