"""Whether a control.db is whole: its pages, references, schema, flags and audit trail."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from flagctl.domain.audit import Verification
from flagctl.domain.flag import ControlState
from flagctl.store.audit_log import verify_trail
from flagctl.store.connection import BUSY_TIMEOUT_S, open_connection, require_schema
from flagctl.store.files import DataFiles
from flagctl.store.migrate import make_file
from flagctl.store.reading import read_state, reading
from flagctl.store.trouble import NonsenseRowError, StoreTroubleError, Trouble, explained

SHOWN_PROBLEMS = 3
OF_THE_TRAIL = ("audit trail", "revision")
"""Findings that leave the flags usable: somebody edited the record, or cut it short."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `problem` is `None` when it is as it should be."""

    name: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found. `state` is `None` when the flags can't be read."""

    findings: tuple[Finding, ...]
    state: ControlState | None
    trail: Verification | None

    @property
    def problems(self) -> tuple[Finding, ...]:
        """Return what is not as it should be."""
        return tuple(finding for finding in self.findings if finding.problem)

    def in_the_way(self, *, accept_broken_trail: bool) -> str | None:
        """Return what keeps a copy from being used, in words."""
        found = [
            f"{finding.name}: {finding.problem}"
            for finding in self.problems
            if not (accept_broken_trail and finding.name in OF_THE_TRAIL)
        ]
        return "; ".join(found) or None

    @property
    def is_whole(self) -> bool:
        """Tell whether everything is as it should be."""
        return not self.problems


def check(files: DataFiles, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Examination:
    """Examine the live control.db; nobody is kept waiting by it.

    Raises:
        StoreTroubleError: it can't be opened, or has another schema.

    """
    with reading(files, busy_timeout_s) as connection:
        return examine(connection)


def require_sound_pages(files: DataFiles, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
    """Raise `StoreTroubleError` when a page of the live control.db is damaged."""
    with reading(files, busy_timeout_s) as connection:
        damage = _damage(connection)
    if damage:
        raise StoreTroubleError(Trouble.CORRUPT, files.control, damage)


def examine_file(path: Path) -> Examination:
    """Examine a file that nobody else works on.

    Raises:
        StoreTroubleError: it can't be opened, or has another schema.

    """
    with explained(path), closing(open_connection(path)) as connection:
        require_schema(connection, path)
        return examine(connection)


def examine(connection: sqlite3.Connection) -> Examination:
    """Examine a control.db with the schema of this version. Damage is found, not raised."""
    damage = _damage(connection)
    if damage:
        return Examination((Finding("pages", damage),), None, None)
    state, flags_problem = _flags(connection)
    trail = verify_trail(connection)
    findings = (
        Finding("pages", None),
        Finding("references", _broken_references(connection)),
        Finding("schema", _schema_problem(connection)),
        Finding("flags", flags_problem),
        Finding("audit trail", _trail_problem(trail)),
        Finding("revision", _revision_problem(connection, state)),
    )
    return Examination(findings, state, trail)


def _damage(connection: sqlite3.Connection) -> str | None:
    try:
        found = connection.execute(f"PRAGMA integrity_check({SHOWN_PROBLEMS})").fetchall()
    except sqlite3.DatabaseError as error:
        return str(error)
    problems = [text for (text,) in found if text != "ok"]
    return "; ".join(problems) or None


def _broken_references(connection: sqlite3.Connection) -> str | None:
    found = connection.execute("PRAGMA foreign_key_check").fetchmany(SHOWN_PROBLEMS)
    return "; ".join(f"{table} {row} names a {parent}" for table, row, parent, _ in found) or None


def _flags(connection: sqlite3.Connection) -> tuple[ControlState | None, str | None]:
    try:
        return read_state(connection), None
    except NonsenseRowError as error:
        return None, str(error)


def _trail_problem(trail: Verification) -> str | None:
    return None if trail.holds else f"event {trail.broken_id}: {trail.problem}"


def _revision_problem(connection: sqlite3.Connection, state: ControlState | None) -> str | None:
    """Tell of newest events that are gone, which a chain alone can't prove."""
    told = connection.execute("SELECT max(revision) FROM audit_event").fetchone()[0] or 0
    if state is None or state.revision == told:
        return None
    return f"the flags are at revision {state.revision}, and the trail ends at {told}"


Schema = dict[tuple[str, str], str]


def _schema_problem(connection: sqlite3.Connection) -> str | None:
    """Compare with what the migrations make; a lost trigger or index shows here only."""
    expected, found = _new_schema(), _read_schema(connection)
    return "; ".join(_differences(expected, found)) or None


@cache
def _new_schema() -> Schema:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "new.db"
        make_file(path)
        with closing(open_connection(path)) as connection:
            return _read_schema(connection)


def _read_schema(connection: sqlite3.Connection) -> Schema:
    found = connection.execute("SELECT type, name, sql FROM main.sqlite_master").fetchall()
    return {(kind, name): " ".join((sql or "").split()) for kind, name, sql in found}


def _differences(expected: Schema, found: Schema) -> Iterator[str]:
    for kind, name in sorted(expected.keys() | found.keys()):
        sql = found.get((kind, name))
        if sql is None:
            yield f"the {kind} {name} is missing"
        elif (kind, name) not in expected:
            yield f"the {kind} {name} is not ours"
        elif sql != expected[kind, name]:
            yield f"the {kind} {name} was changed"
