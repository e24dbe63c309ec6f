"""What a restore brings into force: never more than what held before it (decision 7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from flagctl.domain.audit import Detail
from flagctl.domain.change import Actor
from flagctl.domain.decision import Decision, Situation
from flagctl.domain.effective import NOTHING_KNOWN, LastKnown, by_flags
from flagctl.domain.flag import ControlState
from flagctl.domain.gate import Facts
from flagctl.domain.process import ProcessReport
from flagctl.domain.rollback import keep_lowered
from flagctl.vocabulary import DEFAULT_MODE, Action, Mode, Outcome, safest


@dataclass(frozen=True, slots=True)
class Held:
    """What held before: the mode by flags, what a rollback lowered pinned processes to."""

    mode: Mode
    rollback: Mode | None
    revision: int


def held_by(state: ControlState) -> Held:
    """Return what holds by a state that can be read."""
    return Held(by_flags(state), state.rollback_mode, state.revision)


def held_unread(
    heard: Iterable[ProcessReport], now: datetime, last_known: LastKnown = NOTHING_KNOWN
) -> Held:
    """Return what must be taken to hold when nobody can read the flags.

    At most `stub-policy`, at most what any live process has in force, and at most what was known
    last: there may have been a rollback. The revision is the highest that anybody told of.
    """
    reports = tuple(heard)
    told = (each.mode for each in reports if each.is_live(now))
    mode = safest(DEFAULT_MODE, last_known.cutover_mode, last_known.rollback_mode, *told)
    revision = max(last_known.revision, *(each.revision or 0 for each in reports), 0)
    return Held(mode, mode, revision)


def lower_of(one: Held, other: Held) -> Held:
    """Return what satisfies both."""
    rollbacks = [each.rollback for each in (one, other) if each.rollback is not None]
    return Held(
        mode=safest(one.mode, other.mode),
        rollback=safest(*rollbacks) if rollbacks else None,
        revision=max(one.revision, other.revision),
    )


def restored(
    backup: ControlState, held: Held, actor: Actor, now: datetime, reason: str, detail: Detail
) -> Decision:
    """Return what is to be written over a backup's state when it is brought into force.

    Its revision is above both, so that none is ever used twice.
    """
    state = replace(backup, revision=max(backup.revision, held.revision))
    at = Situation(state, actor, Facts(), now)
    mode = _lowering(backup, held)
    if mode is not None:
        return keep_lowered(mode, reason, at, detail)
    after = replace(state, revision=at.next_revision)
    return Decision(Action.RESTORE, Outcome.ACCEPTED, state, after, detail=detail)


def _lowering(backup: ControlState, held: Held) -> Mode | None:
    """Return the rollback that the backup lacks; `None` when it raises nobody.

    The mode by flags is not enough: a process that its environment pins higher is held down by a
    rollback flag only.
    """
    limits = []
    if held.mode.rung < by_flags(backup).rung:
        limits.append(held.mode)
    if held.rollback is not None and held.rollback.rung < _rollback_rung(backup):
        limits.append(held.rollback)
    return safest(*limits) if limits else None


def _rollback_rung(state: ControlState) -> float:
    return float("inf") if state.rollback_mode is None else state.rollback_mode.rung
