"""The one write path to control.db (architecture, decision 2).

`BEGIN IMMEDIATE`, read, decide, write flags and audit event, commit with `synchronous=FULL`, and
only then answer or announce.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

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
from flagctl.store import outbox
from flagctl.store.audit_log import Entry, newest_of
from flagctl.store.connection import BUSY_TIMEOUT_S
from flagctl.store.files import DataFiles
from flagctl.store.follow_ups import open_follow_up
from flagctl.store.rows import flag_columns
from flagctl.store.transaction import Clock, Transaction, Writer
from flagctl.vocabulary import Action, Mode, Outcome

__all__ = ["REFUSALS", "Clock", "ControlStore", "Receipt", "Transaction"]

REFUSALS = (ForbiddenError, StaleError, ConflictError, PreconditionError)
"""What leaves a refusal in the trail. Input that can't be taken is not an act yet."""


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
        self._clock = clock
        self._announce = announce
        self._writer = Writer(files.control, busy_timeout_s)

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Hold the write lock; commit at the end, or leave everything as it was.

        Raises:
            StoreTroubleError: the store can't be written; nothing was.

        """
        return self._writer.transaction(self._clock)

    def close(self) -> None:
        """Give the connection up; the next write opens another one."""
        self._writer.close()

    def apply(self, change: Change, actor: Actor, facts: Facts) -> Receipt:
        """Do what `change` asks, or refuse it; either leaves an event in the trail.

        Raises:
            FlagctlError: as `domain.decide.decide` says, or `StoreTroubleError`.

        """
        with self.transaction() as at:
            outcome = _decided(at, change, actor, facts)
        if isinstance(outcome, FlagctlError):
            raise outcome
        self._announce(outcome)
        return outcome


def _decided(at: Transaction, change: Change, actor: Actor, facts: Facts) -> Receipt | FlagctlError:
    """Return the receipt, or the refusal that is now in the trail and is to be committed."""
    state = at.state()
    try:
        decision = decide(state, change, actor, facts, at.now)
    except REFUSALS as refusal:
        _record_refusal(at, state, change, actor, refusal)
        return refusal
    return _carry_out(at, decision, change, actor)


def _carry_out(at: Transaction, decision: Decision, change: Change, actor: Actor) -> Receipt:
    flag = write_decision(at, decision)
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
    event = _record_once(at, entry)
    return Receipt(decision.action, decision.outcome, before, after, at.state(), flag, event)


def _record_once(at: Transaction, entry: Entry) -> AuditEvent:
    """Record an event; the same sight seen again, by any process, is not recorded twice.

    The first sight may have made a flag, and its event then tells of that too.
    """
    if entry.outcome is Outcome.SEEN:
        newest = newest_of(at.connection, entry.action)
        if newest and entry.detail.items() <= newest.detail.items():
            return newest
    return at.record(entry)


def write_decision(at: Transaction, decision: Decision) -> Flag | None:
    """Write the decision's flags and the counter; return its flag with the id that it has."""
    flag, replaced = decision.flag, decision.replaced
    if decision.outcome is not Outcome.ACCEPTED:
        return flag
    # The old flag ends before the new one starts: one active flag of each kind, at every moment.
    if replaced is not None:
        at.update("flag", replaced.id, flag_columns(replaced))
    if flag is not None:
        flag = _write_flag(at, flag)
    if flag is not None and replaced is not None:
        at.update("flag", replaced.id, {"superseded_by": flag.id})
    at.update("control", 1, {"revision": decision.after.revision})
    for changed in (flag, replaced):
        if changed is not None:
            outbox.settle(at, changed)
            open_follow_up(at, changed)
    return flag


def _write_flag(at: Transaction, flag: Flag) -> Flag:
    if flag.id == NEW_FLAG_ID:
        return replace(flag, id=at.insert("flag", flag_columns(flag)))
    at.update("flag", flag.id, flag_columns(flag))
    return flag


def _record_refusal(
    at: Transaction, state: ControlState, change: Change, actor: Actor, refusal: FlagctlError
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
    at.record(entry)


def _asked_mode(change: Change) -> Mode | None:
    return getattr(change, "mode", None)
