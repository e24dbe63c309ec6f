"""Write transactions on control.db, on one connection that the process keeps.

This is the only place that begins and commits on control.db. Opening a connection for each act
costs more than the act itself: whoever closes the last one checkpoints the whole WAL.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flagctl.domain.audit import AuditEvent
from flagctl.domain.flag import ControlState
from flagctl.domain.telling import told_at_once
from flagctl.store import outbox
from flagctl.store.audit_log import Entry, next_event
from flagctl.store.connection import BUSY_TIMEOUT_S, open_connection, require_schema
from flagctl.store.files import and_beside
from flagctl.store.forking import suspend_over_fork
from flagctl.store.reading import read_state
from flagctl.store.rows import event_columns
from flagctl.store.trouble import StoreTroubleError, Trouble, explained

if TYPE_CHECKING:
    from sqlmodel import Session

Clock = Callable[[], datetime]
Inode = tuple[int, int]


class Transaction:
    """An open write transaction; its `now` is frozen once the lock is held."""

    def __init__(self, connection: sqlite3.Connection, now: datetime) -> None:
        self.connection = connection
        self.now = now

    @cached_property
    def session(self) -> Session:
        """Return an ORM session inside this transaction, made when it is first asked for."""
        from flagctl.store.orm import session_on

        return session_on(self.connection)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Write what the ORM session holds back at the end, and let go of the session."""
        try:
            yield
            if "session" in self.__dict__:
                self.session.flush()
        finally:
            if "session" in self.__dict__:
                self.session.close()

    def state(self) -> ControlState:
        """Return the control state as of this transaction."""
        return read_state(self.connection)

    def record(self, entry: Entry) -> AuditEvent:
        """Append an event to the audit trail, and to the outbox if somebody is told of it."""
        event = next_event(self.connection, entry, self.now)
        self.insert("audit_event", event_columns(event))
        if told_at_once(event):
            outbox.add(self, outbox.about_event(event))
        return event

    def insert(self, table: str, columns: Mapping[str, Any]) -> int:
        """Add a row and return its id."""
        names, marks = ", ".join(columns), ", ".join(f":{name}" for name in columns)
        # Here and below: the names are the code's own, the values are bound.
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
        row_id = self.connection.execute(statement, columns).lastrowid
        assert row_id is not None  # noqa: S101 - an INSERT that succeeded has one
        return row_id

    def update(self, table: str, row_id: int, columns: Mapping[str, Any]) -> None:
        """Change the row with this id; `LookupError` when there is none."""
        changes = ", ".join(f"{name} = :{name}" for name in columns)
        statement = f"UPDATE {table} SET {changes} WHERE id = :row_id"  # noqa: S608
        if self.connection.execute(statement, {**columns, "row_id": row_id}).rowcount != 1:
            raise LookupError(f"{table} has no row {row_id}")


@dataclass(frozen=True, slots=True)
class _Opened:
    """A connection, and the files that the names led to when it was opened."""

    connection: sqlite3.Connection
    database: Inode | None
    beside: tuple[Inode | None, ...] = (None, None)


class Writer:
    """The connection that a process keeps for its writes to control.db.

    Threads take turns. It is closed while the process forks, because a child that inherited it
    would believe that it holds its parent's locks. A database file that was replaced is opened
    anew, so that no act is written to a file which nobody else reads.
    """

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._path = path
        self._beside = and_beside(path)[1:3]
        self._busy_timeout_s = busy_timeout_s
        self._turn = threading.Lock()
        self._opened: _Opened | None = None
        suspend_over_fork(self)

    @contextmanager
    def transaction(self, clock: Clock) -> Iterator[Transaction]:
        """Hold the write lock; commit at the end, or leave everything as it was.

        Raises:
            StoreTroubleError: the store can't be written; nothing was.

        """
        with self._my_turn(), explained(self._path):
            try:
                connection = self._begin()
                require_schema(connection, self._path)
                transaction = Transaction(connection, clock())
                with transaction.whole():
                    yield transaction
                connection.execute("COMMIT")
            except sqlite3.Error:
                self._drop()
                raise
            except BaseException:
                self._roll_back()
                raise

    def close(self) -> None:
        """Give the connection up; the next transaction opens another one."""
        with self._turn:
            self._drop()

    def suspend(self) -> None:
        """Close the connection and let nobody write until `resume`."""
        self._turn.acquire()
        self._drop()

    def resume(self) -> None:
        """Let writes go on."""
        self._turn.release()

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=self._busy_timeout_s):
            raise StoreTroubleError(Trouble.LOCKED, self._path, "by a thread of this process")
        try:
            yield
        finally:
            self._turn.release()

    def _begin(self) -> sqlite3.Connection:
        """Return the connection with the write lock held on the file that is in place."""
        while True:
            opened = self._opened or self._open()
            opened.connection.execute("BEGIN IMMEDIATE")
            # Looked at under the lock: before it, a restore could still put another file there.
            if _inode(self._path) == opened.database:
                self._require_same_wal(opened)
                return opened.connection
            self._drop()

    def _open(self) -> _Opened:
        before = _inode(self._path)
        connection = open_connection(
            self._path, busy_timeout_s=self._busy_timeout_s, check_same_thread=False
        )
        self._opened = _Opened(connection, before)
        return self._opened

    def _require_same_wal(self, opened: _Opened) -> None:
        """Refuse to write into a WAL that no other process would find."""
        beside = tuple(map(_inode, self._beside))
        if self._was_removed(opened, beside):
            raise StoreTroubleError(Trouble.WAL_REMOVED, self._path)
        self._opened = replace(opened, beside=beside)

    def _was_removed(self, opened: _Opened, beside: tuple[Inode | None, ...]) -> bool:
        return any(was and was != now for was, now in zip(opened.beside, beside, strict=True))

    def _roll_back(self) -> None:
        if self._opened is not None:
            self._opened.connection.rollback()

    def _drop(self) -> None:
        """Close the connection, which also rolls back what is open."""
        opened, self._opened = self._opened, None
        if opened is None:
            return
        with (
            suppress(sqlite3.Error, StoreTroubleError),
            closing(opened.connection),  # also where no other can be opened
            self._beside_another(opened),
        ):
            opened.connection.close()

    @contextmanager
    def _beside_another(self, opened: _Opened) -> Iterator[None]:
        """Hold another connection open if the WAL of this one was removed.

        Whoever closes the last connection to a database writes its WAL back and removes the file
        of that name, which is another process's by now, with what was committed since.
        """
        if not self._was_removed(opened, tuple(map(_inode, self._beside))):
            yield
            return
        with closing(open_connection(self._path, mode="ro", check_same_thread=False)) as other:
            other.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            yield


def _inode(path: Path) -> Inode | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise StoreTroubleError(Trouble.NO_PERMISSION, path) from error
    return found.st_dev, found.st_ino
