"""The one write path to control.db (architecture, decision 2).

`BEGIN IMMEDIATE`, read, decide, write flags and audit event, commit with `synchronous=FULL`, and
only then answer or announce.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlmodel import Session

from flagctl.domain.audit import AuditEvent
from flagctl.domain.change import Actor, Change
from flagctl.domain.decide import ACTIONS, decide
from flagctl.domain.decision import NEW_FLAG_ID, Decision
from flagctl.domain.effective import by_flags
from flagctl.domain.flag import ControlState, Flag
from flagctl.domain.gate import Facts
from flagctl.errors import (
    ConflictError,
    FlagctlError,
    ForbiddenError,
    PreconditionError,
    StaleError,
)
from flagctl.store.audit_log import Entry, append, newest_of
from flagctl.store.connection import BUSY_TIMEOUT_S, open_connection, require_schema
from flagctl.store.files import DataFiles
from flagctl.store.reading import read_state
from flagctl.store.rows import flag_columns
from flagctl.store.tables import ControlRow, FlagRow
from flagctl.store.trouble import StoreTroubleError, Trouble, from_sqlite
from flagctl.vocabulary import Action, Mode, Outcome

REFUSALS = (ForbiddenError, StaleError, ConflictError, PreconditionError)
"""What leaves a refusal in the trail. Input that can't be taken is not an act yet."""

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an act came to, after its commit. `event` is its line in the audit trail."""

    action: Action
    outcome: Outcome
    before: Mode
    after: Mode
    state: ControlState
    flag: Flag | None
    event: AuditEvent

    @property
    def revision(self) -> int:
        """Return the revision that is in the store now."""
        return self.state.revision


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open write transaction; its `now` is frozen once the lock is held."""

    session: Session
    now: datetime

    @property
    def connection(self) -> sqlite3.Connection:
        """Return SQLite's own connection, for the reading code that the readers use too."""
        driver = self.session.connection().connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - the engine is SQLite's
        return driver

    def state(self) -> ControlState:
        """Return the control state as of this transaction."""
        return read_state(self.connection)

    def record(self, entry: Entry) -> AuditEvent:
        """Append an event to the audit trail."""
        return append(self.session, self.connection, entry, self.now)


class ControlStore:
    """The writer of control.db: one per process, safe in threads and after a fork.

    Args:
        files: the data directory.
        clock: tells the time, aware and in UTC.
        busy_timeout_s: how long to wait for another writer.
        announce: is told each receipt after its commit; must not raise.

    """

    def __init__(
        self,
        files: DataFiles,
        clock: Clock,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        announce: Callable[[Receipt], None] = lambda _receipt: None,
    ) -> None:
        self._files = files
        self._clock = clock
        self._busy_timeout_s = busy_timeout_s
        self._announce = announce
        self._engine = self._create_engine()

    def _create_engine(self) -> Engine:
        # A connection per write: nothing to share between threads or to carry over a fork.
        engine = create_engine("sqlite://", creator=self._connect, poolclass=NullPool)
        event.listen(
            engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE")
        )
        return engine

    def _connect(self) -> sqlite3.Connection:
        connection = open_connection(self._files.control, busy_timeout_s=self._busy_timeout_s)
        try:
            require_schema(connection, self._files.control)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Hold the write lock; commit at the end, or leave everything as it was.

        Raises:
            StoreTroubleError: the store can't be written; nothing was.

        """
        try:
            with Session(self._engine, expire_on_commit=False) as session:
                session.connection()
                yield Transaction(session, self._clock())
                session.commit()
        except DBAPIError as error:
            cause = error.orig
            if not isinstance(cause, sqlite3.Error):
                raise
            raise from_sqlite(cause, self._files.control) from error
        except sqlite3.Error as error:
            raise from_sqlite(error, self._files.control) from error
        except ValueError as error:
            raise StoreTroubleError(Trouble.NONSENSE, self._files.control, str(error)) from error

    def apply(self, change: Change, actor: Actor, facts: Facts) -> Receipt:
        """Do what `change` asks, or refuse it; either leaves an event in the trail.

        Raises:
            FlagctlError: as `domain.decide.decide` says, or `StoreTroubleError`.

        """
        receipt: Receipt | None = None
        refusal: FlagctlError | None = None
        with self.transaction() as transaction:
            state = transaction.state()
            try:
                decision = decide(state, change, actor, facts, transaction.now)
            except REFUSALS as error:
                refusal = error
                _record_refusal(transaction, state, change, actor, error)
            else:
                receipt = _carry_out(transaction, decision, change, actor)
        if receipt is None:
            assert refusal is not None  # noqa: S101 - one of the two branches was taken
            raise refusal
        self._announce(receipt)
        return receipt


def _carry_out(
    transaction: Transaction, decision: Decision, change: Change, actor: Actor
) -> Receipt:
    flag = _write(transaction.session, decision)
    before, after = by_flags(decision.before), by_flags(decision.after)
    entry = Entry(
        actor=actor,
        action=decision.action,
        outcome=decision.outcome,
        before=before,
        after=after,
        revision=decision.after.revision if decision.outcome is Outcome.ACCEPTED else None,
        flag_id=flag.id if flag else None,
        reason=getattr(change, "reason", None),
        detail=decision.detail,
    )
    audit_event = _record_once(transaction, entry)
    state = read_state(transaction.connection)
    return Receipt(decision.action, decision.outcome, before, after, state, flag, audit_event)


def _record_once(transaction: Transaction, entry: Entry) -> AuditEvent:
    """Record an event; the same sight seen again, by any process, is not recorded twice.

    The first sight may have made a flag, and its event then tells of that too.
    """
    if entry.outcome is Outcome.SEEN:
        newest = newest_of(transaction.connection, entry.action)
        if newest and entry.detail.items() <= newest.detail.items():
            return newest
    return transaction.record(entry)


def _write(session: Session, decision: Decision) -> Flag | None:
    """Write the decision's flags and the counter; return its flag with the id that it has."""
    if decision.outcome is not Outcome.ACCEPTED or decision.flag is None:
        return decision.flag
    # The old flag ends before the new one starts: one active flag of each kind, at every moment.
    replaced = _updated(session, decision.replaced) if decision.replaced else None
    row = _written(session, decision.flag)
    if replaced is not None:
        replaced.superseded_by = row.id
    session.get_one(ControlRow, 1).revision = decision.after.revision
    session.flush()
    assert row.id is not None  # noqa: S101 - the flush gave it one
    return replace(decision.flag, id=row.id)


def _written(session: Session, flag: Flag) -> FlagRow:
    if flag.id != NEW_FLAG_ID:
        return _updated(session, flag)
    row = FlagRow(**flag_columns(flag))
    session.add(row)
    session.flush()
    return row


def _updated(session: Session, flag: Flag) -> FlagRow:
    row = session.get_one(FlagRow, flag.id)
    row.sqlmodel_update(flag_columns(flag))
    session.flush()
    return row


def _record_refusal(
    transaction: Transaction,
    state: ControlState,
    change: Change,
    actor: Actor,
    refusal: FlagctlError,
) -> None:
    mode = by_flags(state)
    active = state.rollback or state.cutover
    entry = Entry(
        actor=actor,
        action=ACTIONS[type(change)],
        outcome=Outcome.REFUSED,
        before=mode,
        after=mode,
        flag_id=active.id if active else None,
        reason=getattr(change, "reason", None),
        detail={"code": refusal.code, "message": str(refusal), "asked": _asked_mode(change)},
    )
    transaction.record(entry)


def _asked_mode(change: Change) -> Mode | None:
    return getattr(change, "mode", None)
