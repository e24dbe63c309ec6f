"""Changing people, tokens and what surrounds a flag: with its audit event, in one transaction.

None of them raises the revision: it counts changes to the flags, and a person who looked at
revision 18 must not be told that it is stale because somebody issued a token meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flagctl.domain.audit import Detail
from flagctl.domain.change import Actor
from flagctl.domain.decision import require_role
from flagctl.errors import FlagctlError
from flagctl.store.audit_log import Entry
from flagctl.store.writing import REFUSALS, ControlStore, Transaction
from flagctl.vocabulary import Action, Outcome, Role

Done = TypeVar("Done")


def administer(
    store: ControlStore,
    actor: Actor,
    action: Action,
    asked: Detail,
    work: Callable[[Transaction], tuple[Done, Detail]],
    role: Role = Role.ADMIN,
) -> Done:
    """Do one piece of work and record it, or record that it was refused and why.

    `work` must refuse before it writes: what it wrote is committed with the refusal. A `flag` in
    the detail is also the flag of the event.
    """
    refusal: FlagctlError | None = None
    with store.transaction() as at:
        try:
            require_role(actor, role)
            done, learnt = work(at)
        except REFUSALS as error:
            refusal = error
            told = {**asked, "code": error.code, "message": str(error)}
            at.record(_entry(actor, action, Outcome.REFUSED, told))
        else:
            at.record(_entry(actor, action, Outcome.ACCEPTED, {**asked, **learnt}))
    if refusal is not None:
        raise refusal
    return done


def _entry(actor: Actor, action: Action, outcome: Outcome, detail: Detail) -> Entry:
    flag = detail.get("flag")
    return Entry(
        actor, action, outcome, flag_id=flag if isinstance(flag, int) else None, detail=detail
    )
