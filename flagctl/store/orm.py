"""SQLModel inside a write transaction that somebody else begins and commits.

The acts do without it, because importing it takes longer than a whole `flagctl rollback`; people
and tokens, which are rarely written, are shorter with it.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
from sqlmodel import Session


class _Borrowed:
    """A connection that can be used, but neither ended nor closed: its owner does that."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        """Leave it to the owner."""

    rollback = close = commit


def session_on(connection: sqlite3.Connection) -> Session:
    """Return a session that works inside the transaction which is open on `connection`."""
    engine = create_engine("sqlite://", creator=lambda: _Borrowed(connection), poolclass=StaticPool)
    return Session(engine, expire_on_commit=False)
