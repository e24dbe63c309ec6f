"""Changing people and tokens: each change with its audit event, in one transaction.

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
) -> Done:
    """Do one piece of work and record it, or record that it was refused and why.

    `work` must refuse before it writes: what it wrote is committed with the refusal.
    """
    refusal: FlagctlError | None = None
    with store.transaction() as at:
        try:
            require_role(actor, Role.ADMIN)
            done, learnt = work(at)
        except REFUSALS as error:
            refusal = error
            told = {**asked, "code": error.code, "message": str(error)}
            at.record(Entry(actor, action, Outcome.REFUSED, detail=told))
        else:
            at.record(Entry(actor, action, Outcome.ACCEPTED, detail={**asked, **learnt}))
    if refusal is not None:
        raise refusal
    return done
