"""The acts on flags: the same change objects and the same write path as every other door."""

from __future__ import annotations

from typing import Annotated

import typer

from flagctl.cli.asking import looked_at
from flagctl.cli.carrying_out import carry_out
from flagctl.cli.desk import now, sit_down
from flagctl.cli.options import Claim, Expires, Json, ModeName, Reason, Revision, Wait
from flagctl.domain import fields
from flagctl.domain.change import (
    CutOver,
    EndRollback,
    Extend,
    HandOver,
    RaiseRollback,
    Retire,
    RollBack,
)

Owner = Annotated[str, typer.Option(help="Who answers for the flag until it ends.")]
OptionalOwner = Annotated[
    str | None, typer.Option(help="Who answers for it until it ends; default: you.")
]
Incident = Annotated[str | None, typer.Option(help="A link or a ticket's name, such as INC-42.")]
FollowUp = Annotated[
    str | None, typer.Option(metavar="URL", help="What is to be done after it: a link or ticket.")
]
RetireFollowUp = Annotated[
    str, typer.Option("--follow-up", metavar="URL", help="Where the clean-up is tracked.")
]
NoFollowUp = Annotated[
    str | None, typer.Option(metavar="WHY", help="Why nothing is to be done after it.")
]


def rollback(
    mode: ModeName,
    reason: Reason,
    expires: Expires = "4h",
    owner: OptionalOwner = None,
    incident: Incident = None,
    wait: Wait = None,
    actor: Claim = None,
    json: Json = False,
) -> int:
    """Go to a safer mode, now.

    Always available. It lasts until somebody ends it; the expiry, at most 7 days away, reminds.
    """
    change = RollBack(
        mode=fields.mode(mode),
        reason=reason,
        expires_at=fields.expiry(expires, now()),
        owner=owner,
        incident=incident,
    )
    return carry_out(sit_down(), change, actor, wait=wait, as_json=json)


def raise_(
    mode: ModeName,
    reason: Reason,
    revision: Revision = None,
    wait: Wait = None,
    actor: Claim = None,
    json: Json = False,
) -> int:
    """Raise the rollback part of the way.

    The mode lies above the rollback's and still below what is configured.
    """
    desk, wanted = sit_down(), fields.mode(mode)
    change = looked_at(desk, revision, lambda seen: RaiseRollback(wanted, reason, seen))
    return carry_out(desk, change, actor, wait=wait, as_json=json)


def end(
    reason: Reason,
    follow_up: FollowUp = None,
    no_follow_up: NoFollowUp = None,
    revision: Revision = None,
    wait: Wait = None,
    actor: Claim = None,
    json: Json = False,
) -> int:
    """End the rollback.

    What is configured comes into force again.
    """
    desk = sit_down()
    change = looked_at(
        desk, revision, lambda seen: EndRollback(reason, follow_up, no_follow_up, seen)
    )
    return carry_out(desk, change, actor, wait=wait, as_json=json)


def extend(expires: Expires, reason: Reason, actor: Claim = None, json: Json = False) -> int:
    """Give the rollback more time.

    At most 24 h from now, also when it has expired; extensions are counted.
    """
    change = Extend(expires_at=fields.expiry(expires, now()), reason=reason)
    return carry_out(sit_down(), change, actor, as_json=json)


def handover(owner: Owner, reason: Reason, actor: Claim = None, json: Json = False) -> int:
    """Give the flag to another owner.

    The rollback, or without one the cutover flag; its expiry stays.
    """
    change = HandOver(owner=owner, reason=reason)
    return carry_out(sit_down(), change, actor, as_json=json)


def cutover(
    mode: ModeName,
    reason: Reason,
    expires: Expires,
    owner: Owner,
    revision: Revision = None,
    wait: Wait = None,
    actor: Claim = None,
    json: Json = False,
) -> int:
    """Set the configured mode.

    Of every process that ZPE_SLURM_ADAPTER does not pin, for at most 90 days.
    """
    desk, wanted, expires_at = sit_down(), fields.mode(mode), fields.expiry(expires, now())
    change = looked_at(
        desk, revision, lambda seen: CutOver(wanted, owner, reason, expires_at, seen)
    )
    return carry_out(desk, change, actor, wait=wait, as_json=json)


def retire(
    reason: Reason,
    follow_up: RetireFollowUp,
    revision: Revision = None,
    actor: Claim = None,
    json: Json = False,
) -> int:
    """End the cutover flag, once every live process is pinned to its mode in its configuration."""
    desk = sit_down()
    change = looked_at(desk, revision, lambda seen: Retire(reason, follow_up, seen))
    return carry_out(desk, change, actor, as_json=json)
