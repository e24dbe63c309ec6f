"""Reading control.db without an ORM: fast enough for `flagctl status` and for every request."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from flagctl.domain.access import Person, RuntimeScope, Token
from flagctl.domain.flag import ControlState, Flag
from flagctl.store.connection import BUSY_TIMEOUT_S, open_control_for_reading, require_schema
from flagctl.store.files import DataFiles
from flagctl.store.kept import keep, kept_at
from flagctl.store.rows import flag_from_row, person_from_row, token_from_row
from flagctl.store.runtime_file import open_to_read
from flagctl.store.trouble import NonsenseRowError, explained
from flagctl.vocabulary import FlagKind


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a process needs of control.db to answer requests, all of one moment.

    `scopes` maps the hash of each runtime token that is not revoked to what it may submit for.
    """

    state: ControlState
    scopes: Mapping[str, RuntimeScope]


@contextmanager
def reading(
    files: DataFiles, busy_timeout_s: float = BUSY_TIMEOUT_S
) -> Iterator[sqlite3.Connection]:
    """Give a connection on which every statement sees one moment of control.db.

    Raises:
        StoreTroubleError: the file can't be read; the message says why and what to do.

    """
    kept = kept_at(files.control)
    if kept is None:
        opened = open_control_for_reading(files.control, busy_timeout_s=busy_timeout_s)
        with closing(opened) as connection, explained(files.control):
            connection.execute("BEGIN")
            yield connection
        return
    with explained(files.control), kept.borrowed() as again:
        assert again is not None  # noqa: S101 - a control.db that is missing is trouble
        require_schema(again, files.control)
        yield again


def keep_reading(files: DataFiles, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
    """Let this process keep its connections for reading control.db and runtime.db."""
    keep(
        files.control,
        lambda: open_control_for_reading(
            files.control, busy_timeout_s=busy_timeout_s, check_same_thread=False
        ),
    )
    keep(files.runtime, lambda: open_to_read(files.runtime, check_same_thread=False))


def rows(
    connection: sqlite3.Connection, statement: str, parameters: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """Run a SELECT to its end, row by row, each a mapping of column to value."""
    cursor = connection.execute(statement, parameters or {})
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield dict(zip(names, row, strict=True))


def read_state(connection: sqlite3.Connection) -> ControlState:
    """Return the revision and the active flags; `NonsenseRowError` when they can't be read."""
    found = rows(connection, "SELECT * FROM flag WHERE ended_at IS NULL")
    flags = [flag_from_row(row) for row in found]
    active = {flag.kind: flag for flag in flags}
    if len(active) != len(flags):
        raise NonsenseRowError(f"{len(flags)} active flags instead of one of each kind")
    return ControlState(
        revision=_read_revision(connection),
        cutover=active.get(FlagKind.CUTOVER),
        rollback=active.get(FlagKind.ROLLBACK),
    )


def _read_revision(connection: sqlite3.Connection) -> int:
    found = connection.execute("SELECT revision FROM control").fetchall()
    if len(found) != 1 or not isinstance(found[0][0], int):
        raise NonsenseRowError(f"the revision counter holds {found}")
    revision: int = found[0][0]
    return revision


def read_snapshot(connection: sqlite3.Connection) -> Snapshot:
    """Return flags and runtime tokens of one moment; the connection must be in autocommit.

    The transaction is always ended: one left open would pin the reader to this moment.
    """
    connection.execute("BEGIN")
    try:
        return Snapshot(read_state(connection), MappingProxyType(_read_scopes(connection)))
    finally:
        if connection.in_transaction:  # some errors end it, and are then what must be told
            connection.execute("COMMIT")


def _read_scopes(connection: sqlite3.Connection) -> dict[str, RuntimeScope]:
    found = rows(
        connection, "SELECT * FROM token WHERE revoked_at IS NULL AND tenant_id IS NOT NULL"
    )
    scopes = {row["secret_hash"]: token_from_row(row).scope for row in found}
    return {secret_hash: scope for secret_hash, scope in scopes.items() if scope}


def read_flag(connection: sqlite3.Connection, flag_id: int) -> Flag | None:
    """Return the flag with this id, active or ended."""
    found = rows(connection, "SELECT * FROM flag WHERE id = :id", {"id": flag_id})
    return next(map(flag_from_row, found), None)


def read_flags(connection: sqlite3.Connection, *, limit: int) -> list[Flag]:
    """Return the newest flags, active and ended."""
    found = rows(connection, "SELECT * FROM flag ORDER BY id DESC LIMIT :limit", {"limit": limit})
    return list(map(flag_from_row, found))


def read_tokens(connection: sqlite3.Connection) -> list[Token]:
    """Return every token ever issued, the newest first."""
    return [token_from_row(row) for row in rows(connection, "SELECT * FROM token ORDER BY id DESC")]


def read_people(connection: sqlite3.Connection) -> list[Person]:
    """Return every person, by name."""
    return [person_from_row(row) for row in rows(connection, "SELECT * FROM person ORDER BY name")]
