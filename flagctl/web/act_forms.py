"""From what was typed into the form of an act to the change that the store is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flagctl.domain import fields
from flagctl.domain.change import (
    Change,
    CutOver,
    EndRollback,
    Extend,
    HandOver,
    RaiseRollback,
    Retire,
    RollBack,
)
from flagctl.errors import InvalidError
from flagctl.vocabulary import Action
from flagctl.web.typed import Fields, number_in

OTHER = "other"
"""The choice of an expiry that is written beside it."""


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one act."""

    path: str
    action: Action
    title: str
    button: str
    template: str
    build: Callable[[Fields, datetime], Change]
    runbook: str
    """The anchor of what the runbook says about it."""
    expires: str = "4h"
    """What is chosen unless somebody chooses otherwise."""


def _mode(form: Fields) -> str:
    return form.get("mode", "")


def _optional(form: Fields, name: str) -> str | None:
    return form.get(name, "").strip() or None


def _revision(form: Fields) -> int | None:
    return number_in(form, "revision")


def _expiry(form: Fields, now: datetime) -> datetime | None:
    chosen = _optional(form, "expires")
    if chosen == OTHER:
        chosen = form.get("expires_other", "")
    return None if chosen is None else fields.expiry(chosen, now)


def _some_expiry(form: Fields, now: datetime) -> datetime:
    found = _expiry(form, now)
    if found is None:
        raise InvalidError("expires is missing. Choose until when.", "expires")
    return found


def roll_back(form: Fields, now: datetime) -> Change:
    """Return the rollback that was typed; it needs no revision."""
    return RollBack(
        mode=fields.mode(_mode(form)),
        reason=form.get("reason", ""),
        expires_at=_expiry(form, now),
        owner=_optional(form, "owner"),
        incident=_optional(form, "incident"),
    )


def raise_rollback(form: Fields, _now: datetime) -> Change:
    """Return the raise that was typed."""
    return RaiseRollback(fields.mode(_mode(form)), form.get("reason", ""), _revision(form))


def end_rollback(form: Fields, _now: datetime) -> Change:
    """Return the end that was typed."""
    return EndRollback(
        reason=form.get("reason", ""),
        follow_up=_optional(form, "follow_up"),
        no_follow_up=_optional(form, "no_follow_up"),
        revision=_revision(form),
    )


def extend(form: Fields, now: datetime) -> Change:
    """Return the extension that was typed."""
    return Extend(_some_expiry(form, now), form.get("reason", ""), _revision(form))


def hand_over(form: Fields, _now: datetime) -> Change:
    """Return the handover that was typed."""
    return HandOver(form.get("owner", ""), form.get("reason", ""), _revision(form))


def cut_over(form: Fields, now: datetime) -> Change:
    """Return the cutover that was typed."""
    return CutOver(
        mode=fields.mode(_mode(form)),
        owner=form.get("owner", ""),
        reason=form.get("reason", ""),
        expires_at=_some_expiry(form, now),
        revision=_revision(form),
    )


def retire(form: Fields, _now: datetime) -> Change:
    """Return the retirement that was typed."""
    return Retire(form.get("reason", ""), form.get("follow_up", ""), _revision(form))


FORMS = (
    Form(
        "/rollback",
        Action.ROLL_BACK,
        "Roll back",
        "Roll back now",
        "acts/rollback.html",
        roll_back,
        "roll-back",
    ),
    Form(
        "/raise",
        Action.RAISE_ROLLBACK,
        "Raise the rollback part of the way",
        "Raise the rollback",
        "acts/raise.html",
        raise_rollback,
        "not-over-yet",
    ),
    Form(
        "/end",
        Action.END_ROLLBACK,
        "End the rollback",
        "End the rollback",
        "acts/end.html",
        end_rollback,
        "end-the-rollback",
    ),
    Form(
        "/extend",
        Action.EXTEND,
        "Extend the rollback",
        "Extend",
        "acts/extend.html",
        extend,
        "not-over-yet",
    ),
    Form(
        "/handover",
        Action.HAND_OVER,
        "Hand over",
        "Hand over",
        "acts/handover.html",
        hand_over,
        "not-over-yet",
    ),
    Form(
        "/cutover",
        Action.CUT_OVER,
        "Cut over",
        "Cut over",
        "acts/cutover.html",
        cut_over,
        "cut-over",
        expires="30d",
    ),
    Form(
        "/retire",
        Action.RETIRE,
        "Retire the cutover flag",
        "Retire the flag",
        "acts/retire.html",
        retire,
        "cut-over",
    ),
)
