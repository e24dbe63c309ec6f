"""Replacing everything in control.db by what a backup holds, inside one write transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ALEMBIC: Final = "alembic_version"

_ENDINGS: Final = (
    ("token", "secret_hash", "revoked_at"),
    ("person", "name", "disabled_at"),
    ("sign_in_link", "secret_hash", "used_at"),
)
"""Table, what its rows are known by, and what ends them."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A token revoked, a person disabled or a link used; a restore must not undo that."""

    table: str
    key_column: str
    end_column: str
    key: str
    ended_at: str


def read_ended(connection: sqlite3.Connection) -> list[Ended]:
    """Return what was taken away from people and tokens; as much of it as can be read."""
    return list(_read_ended(connection))


def _read_ended(connection: sqlite3.Connection) -> Iterator[Ended]:
    for table, key, end in _ENDINGS:
        # Here and below: the names come from this code or from the schema, the values are bound.
        statement = f"SELECT {key}, {end} FROM {table} WHERE {end} IS NOT NULL"  # noqa: S608
        with suppress(sqlite3.Error):
            for row in connection.execute(statement).fetchall():
                yield Ended(table, key, end, *row)


def end_again(connection: sqlite3.Connection, ended: list[Ended]) -> None:
    """End what a backup would let in again."""
    for each in ended:
        connection.execute(
            f"UPDATE {each.table} SET {each.end_column} = ? "  # noqa: S608
            f"WHERE {each.key_column} = ? AND {each.end_column} IS NULL",
            (each.ended_at, each.key),
        )


def count_lost_events(connection: sqlite3.Connection) -> int:
    """Return how many events of the trail the attached `incoming` does not have."""
    found = connection.execute(
        "SELECT count(*) FROM main.audit_event AS own WHERE NOT EXISTS (SELECT 1 "
        "FROM incoming.audit_event AS their WHERE their.id = own.id AND their.hash = own.hash)"
    )
    count: int = found.fetchone()[0]
    return count


def attach_incoming(connection: sqlite3.Connection, path: Path) -> None:
    """Make a file with the same schema readable as `incoming`."""
    connection.execute("ATTACH ? AS incoming", (str(path.absolute()),))


def replace_contents(connection: sqlite3.Connection) -> None:
    """Put the rows of `incoming` in place of all rows, in the transaction that is open.

    The triggers of the audit trail are dropped and made again in the same transaction: nobody
    ever sees the trail without them.
    """
    connection.execute("PRAGMA defer_foreign_keys=ON")
    for name in _names(connection, "main", "trigger"):
        connection.execute(f'DROP TRIGGER main."{name}"')
    for table in _names(connection, "main", "table"):
        _replace_rows(connection, table)
    triggers = "SELECT sql FROM incoming.sqlite_master WHERE type = 'trigger'"
    for (sql,) in connection.execute(triggers).fetchall():
        connection.execute(sql)


def _replace_rows(connection: sqlite3.Connection, table: str) -> None:
    found = connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
    columns = ", ".join(f'"{name}"' for (name,) in found)
    connection.execute(f'DELETE FROM main."{table}"')  # noqa: S608
    connection.execute(
        f'INSERT INTO main."{table}" ({columns}) SELECT {columns} FROM incoming."{table}"'  # noqa: S608
    )


def _names(connection: sqlite3.Connection, schema: str, kind: str) -> list[str]:
    found = connection.execute(
        f"SELECT name FROM {schema}.sqlite_master WHERE type = ? "  # noqa: S608
        "AND name NOT LIKE 'sqlite~_%' ESCAPE '~' AND name <> ?",
        (kind, ALEMBIC),
    )
    return [name for (name,) in found.fetchall()]
