"""Saying that somebody is on it: a snooze of the current stage, and failures that were seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flagctl.domain.audit import Detail
from flagctl.domain.change import Actor
from flagctl.domain.decision import require_current_revision
from flagctl.domain.flag import Flag
from flagctl.domain.reminder import SNOOZE_MAX, current, flag_plan, snooze_end, upcoming
from flagctl.domain.reminder_words import ReminderKind
from flagctl.domain.times import to_text
from flagctl.errors import ConflictError, InvalidError
from flagctl.store import outbox
from flagctl.store.access import administer
from flagctl.store.planning import due_stage_of_flag
from flagctl.store.reminder_reading import read_term, read_told_of_flag
from flagctl.store.transaction import Transaction
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Action, Role


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What was acknowledged. `stage` of `flag` is held until `until`; `failed` were seen."""

    flag: int | None
    stage: str | None
    until: datetime | None
    failed: int


def acknowledge(
    store: ControlStore,
    actor: Actor,
    span: timedelta = SNOOZE_MAX,
    revision: int | None = None,
    up_to: int | None = None,
) -> Acknowledged:
    """Hold what of the current stage is not delivered yet, and mark failed deliveries as seen.

    The stage that follows comes at its time whatever is acknowledged before it.

    Args:
        store: the writer of control.db.
        actor: who is on it.
        span: for how long, at most an hour.
        revision: the one that was looked at; `None` when that does not matter.
        up_to: the last failed delivery that was looked at; `None` for every one.

    Raises:
        ConflictError: no stage has come, and no delivery has failed unseen.
        ForbiddenError: the actor's role may not do this.
        InvalidError: the span is longer than an hour, or not above zero.
        StaleError: the flags were changed since, so another stage would be held.

    """
    if not timedelta(0) < span <= SNOOZE_MAX:
        raise InvalidError("A reminder is snoozed for at most 1h. Give a span up to that.", "for")

    def work(at: Transaction) -> tuple[Acknowledged, Detail]:
        require_current_revision(revision, at.state(), upward=False)
        done = _hold(at, span)
        failed = _see_failed(at, up_to)
        if done is None and not failed:
            raise ConflictError(
                "There is nothing to acknowledge: no reminder has come for an active flag, and no "
                "delivery has failed. See `flagctl reminders list`."
            )
        flag, stage, until = done or (None, None, None)
        told = until.isoformat() if until else None
        learnt = {"flag": flag, "stage": stage, "until": told, "failed": failed or None}
        return Acknowledged(flag, stage, until, failed), learnt

    return administer(store, actor, Action.ACKNOWLEDGE, {}, work, Role.OPERATOR)


def see_failed(store: ControlStore, actor: Actor, up_to: int | None = None) -> Acknowledged:
    """Note that somebody has seen what failed, up to the delivery of that number.

    Raises:
        ConflictError: no delivery has failed unseen.
        ForbiddenError: the actor's role may not do this.

    """

    def work(at: Transaction) -> tuple[Acknowledged, Detail]:
        failed = _see_failed(at, up_to)
        if not failed:
            raise ConflictError("Nothing has failed that nobody has seen yet.")
        return Acknowledged(None, None, None, failed), {"failed": failed}

    return administer(store, actor, Action.ACKNOWLEDGE, {}, work, Role.OPERATOR)


def _hold(at: Transaction, span: timedelta) -> tuple[int, str, datetime] | None:
    """Hold the current stage of the rollback, or else of the cutover flag."""
    for flag in at.state().flags:
        plan = flag_plan(flag, read_term(at.connection, flag))
        stage = current(plan, at.now) if plan else None
        if plan is None or stage is None:
            continue
        told = read_told_of_flag(at.connection, flag)
        until = snooze_end(at.now, span, upcoming(plan, at.now, told).at)
        _hold_stage(at, flag, until)
        return flag.id, stage.name, until
    return None


def _hold_stage(at: Transaction, flag: Flag, until: datetime) -> None:
    new = due_stage_of_flag(at.connection, flag, at.now)
    if new is not None:
        outbox.add(at, new)
    at.connection.execute(
        "UPDATE reminder SET held_until = :until WHERE id = (SELECT max(id) FROM reminder "
        "WHERE flag_id = :flag AND generation = :generation AND kind = :stage)",
        {
            "until": to_text(until),
            "flag": flag.id,
            "generation": flag.revision,
            "stage": ReminderKind.STAGE,
        },
    )


def _see_failed(at: Transaction, up_to: int | None) -> int:
    seen = at.connection.execute(
        "UPDATE delivery SET seen_at = :now WHERE state = 'dead' AND seen_at IS NULL "
        "AND id <= coalesce(:up_to, id)",
        {"now": to_text(at.now), "up_to": up_to},
    )
    return seen.rowcount
