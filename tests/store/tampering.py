"""Changing control.db past every rule, as somebody with write permission could."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from flagctl.store.connection import open_connection

TRIGGERS = ("audit_event_no_update", "audit_event_no_delete", "audit_event_no_replace")


@contextmanager
def tampering(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection without the triggers of the trail; they are back afterwards."""
    with closing(open_connection(path)) as connection:
        found = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")
        made_by = [sql for (sql,) in found.fetchall()]
        for name in TRIGGERS:
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        yield connection
        for sql in made_by:
            connection.execute(sql)


def damage(path: Path) -> None:
    """Overwrite the second page and what follows; the header stays that of a database."""
    content = bytearray(path.read_bytes())
    content[4096:12288] = b"\xa5" * 8192
    path.write_bytes(content)
