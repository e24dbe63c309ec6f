"""What an act does to the control state: pure, and the same for every door (section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import singledispatch
from typing import Final

from flagctl.domain import cutover, rollback
from flagctl.domain.change import (
    Actor,
    Change,
    CutOver,
    EndRollback,
    Extend,
    HandOver,
    RaiseRollback,
    Retire,
    RollBack,
    TakeOverBreakGlass,
)
from flagctl.domain.decision import Decision, Situation, require_role
from flagctl.domain.flag import ControlState
from flagctl.domain.gate import Facts
from flagctl.vocabulary import Action, Role

ACTIONS: Final[Mapping[type[Change], Action]] = {
    RollBack: Action.ROLL_BACK,
    RaiseRollback: Action.RAISE_ROLLBACK,
    EndRollback: Action.END_ROLLBACK,
    Extend: Action.EXTEND,
    HandOver: Action.HAND_OVER,
    CutOver: Action.CUT_OVER,
    Retire: Action.RETIRE,
    TakeOverBreakGlass: Action.BREAK_GLASS,
}


def decide(
    state: ControlState, change: Change, actor: Actor, facts: Facts, now: datetime
) -> Decision:
    """Return what `change` does to `state`.

    Raises:
        ForbiddenError: the actor's role may not do this.
        RevisionRequiredError: an upward act without a revision.
        StaleError: the act was meant for an older revision.
        ConflictError: there is nothing to act on.
        PreconditionError: the upward gate refuses.
        InvalidError: an expiry or a mode that this act can't have.

    """
    require_role(actor, _role_for(change, state))
    return _decide(change, Situation(state, actor, facts, now))


@singledispatch
def _decide(change: Change, at: Situation) -> Decision:
    raise TypeError(change)


_decide.register(RollBack, rollback.roll_back)
_decide.register(RaiseRollback, rollback.raise_rollback)
_decide.register(EndRollback, rollback.end_rollback)
_decide.register(Extend, rollback.extend)
_decide.register(HandOver, rollback.hand_over)
_decide.register(TakeOverBreakGlass, rollback.take_over_break_glass)
_decide.register(CutOver, cutover.cut_over)
_decide.register(Retire, cutover.retire)


def _role_for(change: Change, state: ControlState) -> Role:
    if isinstance(change, Retire):
        return Role.ADMIN
    if isinstance(change, CutOver) and cutover.is_upward(change, state):
        return Role.ADMIN
    return Role.OPERATOR
