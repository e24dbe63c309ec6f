"""Setting the configured mode, and ending the cutover (section 3)."""

from __future__ import annotations

from dataclasses import replace

from flagctl.domain import fields
from flagctl.domain.change import CUTOVER_MAX, CutOver, Retire
from flagctl.domain.decision import (
    NEW_FLAG_ID,
    Decision,
    Situation,
    accepted,
    ended,
    require_current_revision,
    with_flag,
)
from flagctl.domain.flag import ControlState, Flag
from flagctl.domain.gate import require_preconditions
from flagctl.errors import ConflictError
from flagctl.vocabulary import DEFAULT_MODE, Action, FlagKind


def cut_over(change: CutOver, at: Situation) -> Decision:
    """Set the configured mode; under a rollback the gate looks at the flag's own mode."""
    require_current_revision(change.revision, at.state, upward=is_upward(change, at.state))
    fields.between(change.expires_at, at.now, CUTOVER_MAX)
    old = at.state.cutover
    flag = Flag(
        id=NEW_FLAG_ID,
        kind=FlagKind.CUTOVER,
        mode=change.mode,
        owner=change.owner,
        reason=change.reason,
        incident=None,
        started_by=at.actor.name,
        started_at=at.now,
        first_started_at=at.now,
        expires_at=change.expires_at,
        extensions=0,
        rolled_back_from=None,
        revision=at.next_revision,
    )
    decision = accepted(
        Action.CUT_OVER,
        at,
        with_flag(at, flag),
        flag,
        replaced=ended(old, at, change.reason) if old else None,
        detail={
            "owner": flag.owner,
            "expires_at": flag.expires_at.isoformat(),
            "mode_of_flag": flag.mode,
            "mode_of_flag_before": at.state.cutover_mode or DEFAULT_MODE,
        },
    )
    require_preconditions(
        replace(at.state, rollback=None), replace(decision.after, rollback=None), at.facts, at.now
    )
    return decision


def retire(change: Retire, at: Situation) -> Decision:
    """End the cutover flag: its mode is in the configuration of every process now."""
    require_current_revision(change.revision, at.state, upward=True)
    old = at.state.cutover
    if old is None:
        raise ConflictError("There is no active cutover flag to retire. See `flagctl status`.")
    if any(pin is not old.mode for pin in at.facts.assumed_pins):
        raise ConflictError(
            f"Refused: not every live process is pinned by ZPE_SLURM_ADAPTER={old.mode}. "
            "Pin them all in their configuration and restart them, then retire the flag."
        )
    flag = ended(old, at, change.reason, follow_up=change.follow_up)
    after = ControlState(at.next_revision, rollback=at.state.rollback)
    return accepted(Action.RETIRE, at, after, flag, detail={"follow_up": change.follow_up})


def is_upward(change: CutOver, state: ControlState) -> bool:
    """Tell whether the act raises what is configured by flags."""
    return change.mode.rung > (state.cutover_mode or DEFAULT_MODE).rung
