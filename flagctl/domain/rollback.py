"""Rolling back, and what is done with a rollback until it ends (section 3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from flagctl.domain import fields
from flagctl.domain.audit import Detail
from flagctl.domain.change import (
    EXTENSION_MAX,
    ROLLBACK_DEFAULT,
    ROLLBACK_MAX,
    EndRollback,
    Extend,
    HandOver,
    RaiseRollback,
    RollBack,
    TakeOverBreakGlass,
)
from flagctl.domain.decision import (
    NEW_FLAG_ID,
    Decision,
    Situation,
    accepted,
    ended,
    gated,
    require_current_revision,
    with_flag,
)
from flagctl.domain.effective import by_flags, configured, in_force
from flagctl.domain.flag import ControlState, Flag
from flagctl.errors import ConflictError, InvalidError
from flagctl.vocabulary import LADDER, Action, FlagKind, Mode, Outcome


def roll_back(change: RollBack, at: Situation) -> Decision:
    """Lower the mode; answered "already" when that would lower nobody."""
    require_current_revision(change.revision, at.state, upward=False)
    if _is_already_as_safe_as(change.mode, at):
        return Decision(
            Action.ROLL_BACK,
            Outcome.ALREADY,
            at.state,
            at.state,
            at.state.rollback,
            detail={"asked": change.mode},
        )
    expires_at = change.expires_at or at.now + ROLLBACK_DEFAULT
    fields.between(expires_at, at.now, ROLLBACK_MAX)
    flag = _new_rollback(
        at,
        mode=change.mode,
        owner=change.owner or at.actor.name,
        reason=change.reason,
        incident=change.incident,
        expires_at=expires_at,
    )
    return _start_rollback(Action.ROLL_BACK, flag, at)


def take_over_break_glass(change: TakeOverBreakGlass, at: Situation) -> Decision:
    """Keep the mode of a break-glass file, so that removing it does not re-arm (decision 7)."""
    if _is_already_as_safe_as(change.mode, at):
        return Decision(Action.BREAK_GLASS, Outcome.SEEN, at.state, at.state, detail=change.detail)
    flag = _new_rollback(
        at,
        mode=change.mode,
        owner=fields.name(change.file_owner or at.actor.name, "owner"),
        reason=f"break-glass file on {change.host}",
        incident=None,
        expires_at=at.now + ROLLBACK_DEFAULT,
    )
    return _start_rollback(Action.BREAK_GLASS, flag, at, change.detail)


def keep_lowered(mode: Mode, reason: str, at: Situation, detail: Detail) -> Decision:
    """Start the rollback without which a restore would raise somebody (decision 7)."""
    flag = _new_rollback(
        at,
        mode=mode,
        owner=at.actor.name,
        reason=reason,
        incident=None,
        expires_at=at.now + ROLLBACK_DEFAULT,
    )
    return _start_rollback(Action.RESTORE, flag, at, detail)


def raise_rollback(change: RaiseRollback, at: Situation) -> Decision:
    """Supersede the rollback by a higher one that is still below what is configured."""
    require_current_revision(change.revision, at.state, upward=True)
    old = _active_rollback(at.state, "raise")
    ceiling = _highest_configured(at)
    if not old.mode.rung < change.mode.rung < ceiling.rung:
        raise InvalidError(
            f"The rollback is at {old.mode} and {ceiling} is configured; a rollback is raised to a "
            "mode between the two. To go all the way up, end the rollback.",
            "mode",
        )
    flag = _new_rollback(
        at,
        mode=change.mode,
        owner=old.owner,
        reason=change.reason,
        incident=old.incident,
        expires_at=old.expires_at,
    )
    decision = _start_rollback(Action.RAISE_ROLLBACK, flag, at)
    _require_no_break_glass(decision.after, at, "raise")
    return gated(decision, at)


def end_rollback(change: EndRollback, at: Situation) -> Decision:
    """End the rollback; what is configured comes into force again."""
    require_current_revision(change.revision, at.state, upward=True)
    old = _active_rollback(at.state, "end")
    _require_no_break_glass(replace(at.state, rollback=None), at, "end")
    flag = ended(
        old, at, change.reason, follow_up=change.follow_up, no_follow_up=change.no_follow_up
    )
    after = ControlState(at.next_revision, cutover=at.state.cutover)
    detail = {"follow_up": change.follow_up, "no_follow_up": change.no_follow_up}
    return gated(accepted(Action.END_ROLLBACK, at, after, flag, detail=detail), at)


def extend(change: Extend, at: Situation) -> Decision:
    """Give the rollback more time from now, also when it is expired."""
    require_current_revision(change.revision, at.state, upward=False)
    old = _active_rollback(at.state, "extend")
    fields.between(change.expires_at, at.now, EXTENSION_MAX)
    flag = replace(
        old,
        expires_at=change.expires_at,
        extensions=old.extensions + 1,
        revision=at.next_revision,
    )
    detail: dict[str, str | int | None] = {
        "expires_at": change.expires_at.isoformat(),
        "expired_at": old.expires_at.isoformat(),
        "extensions": flag.extensions,
    }
    return accepted(Action.EXTEND, at, with_flag(at, flag), flag, detail=detail)


def hand_over(change: HandOver, at: Situation) -> Decision:
    """Give the rollback, or else the cutover flag, to another owner; the expiry stays."""
    require_current_revision(change.revision, at.state, upward=False)
    old = at.state.rollback or at.state.cutover
    if old is None:
        raise ConflictError("There is no active flag to hand over. See `flagctl status`.")
    flag = replace(old, owner=change.owner, revision=at.next_revision)
    detail = {"owner": change.owner, "owner_before": old.owner}
    return accepted(Action.HAND_OVER, at, with_flag(at, flag), flag, detail=detail)


def _highest_configured(at: Situation) -> Mode:
    """Return what is configured by flags, or by a live process that is pinned higher."""
    modes = (configured(at.state, pin) for pin in (None, *at.facts.pins))
    return max(modes, key=LADDER.index)


def _is_already_as_safe_as(mode: Mode, at: Situation) -> bool:
    """Tell whether rolling back to `mode` would lower nobody.

    The mode by flags is not enough: a process that its environment pins higher is lowered by a
    rollback flag only. Where nobody knows the pins, there may be such a process.
    """
    if mode.rung < by_flags(at.state).rung:
        return False
    return all(in_force(at.state, pin).rung <= mode.rung for pin in at.facts.possible_pins)


def _new_rollback(
    at: Situation,
    *,
    mode: Mode,
    owner: str,
    reason: str,
    incident: str | None,
    expires_at: datetime,
) -> Flag:
    """Return a rollback flag; it keeps the first start and the count of one that it supersedes."""
    old = at.state.rollback
    return Flag(
        id=NEW_FLAG_ID,
        kind=FlagKind.ROLLBACK,
        mode=mode,
        owner=owner,
        reason=reason,
        incident=incident or (old.incident if old else None),
        started_by=at.actor.name,
        started_at=at.now,
        first_started_at=old.first_started_at if old else at.now,
        expires_at=expires_at,
        extensions=old.extensions if old else 0,
        rolled_back_from=old.rolled_back_from if old else by_flags(at.state),
        revision=at.next_revision,
    )


def _start_rollback(
    action: Action, flag: Flag, at: Situation, detail: Detail | None = None
) -> Decision:
    old = at.state.rollback
    shown: dict[str, str | int | None] = {
        "owner": flag.owner,
        "expires_at": flag.expires_at.isoformat(),
        "incident": flag.incident,
        "mode_of_flag": flag.mode,
        "mode_of_flag_before": old.mode if old else None,
    }
    shown.update(detail or {})
    replaced = ended(old, at, flag.reason) if old else None
    return accepted(action, at, with_flag(at, flag), flag, replaced=replaced, detail=shown)


def _active_rollback(state: ControlState, act: str) -> Flag:
    if state.rollback is None:
        raise ConflictError(f"There is no active rollback to {act}. See `flagctl status`.")
    return state.rollback


def _require_no_break_glass(after: ControlState, at: Situation, act: str) -> None:
    glass = at.facts.break_glass
    if glass is not None and any(
        in_force(after, pin).rung > glass.rung for pin in at.facts.assumed_pins
    ):
        raise ConflictError(
            f"A BREAK_GLASS file holds this host at {glass} and would roll back to it again at "
            f"once. Remove the file first, then {act} the rollback."
        )
