"""What the form of an act shows besides its fields: what it would come to, and what to choose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flagctl.domain.change import CUTOVER_MAX, EXTENSION_MAX, ROLLBACK_MAX
from flagctl.domain.effective import by_flags
from flagctl.domain.times import to_text
from flagctl.errors import ConflictError, FlagctlError, InvalidError, PreconditionError
from flagctl.vocabulary import Action, Mode, Source
from flagctl.web.act_forms import OTHER, Form
from flagctl.web.identity import Caller
from flagctl.web.offers import TRIED, lower_modes, modes_between, other_modes
from flagctl.web.outlook import Outlook, Trial, try_out
from flagctl.web.times import clock, shown_in
from flagctl.web.typed import Fields

MORNING_HOUR = 9

NOTHING_LEFT: Final = {
    Action.ROLL_BACK: "There is no safer mode to roll back to.",
    Action.RAISE_ROLLBACK: "There is no mode between that of a rollback and what is configured. "
    "To go all the way up, end the rollback.",
}
"""Why the button is off when no mode is left to ask for."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values to choose from."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What the form shows. `after` is `None` when the act would be refused."""

    before: Mode
    after: Mode | None
    mode: str
    """The mode that is asked for; blank when the act has none, or none is left."""
    others: list[Mode]
    """The modes that may be asked for instead."""
    expiries: list[Choice]
    expires: str
    owner: str
    revision: int
    refusal: FlagctlError | None
    lock: Source | None
    is_gated: bool
    """Whether it leads somebody to the top mode, so that the preconditions must hold."""


def view(form: Form, outlook: Outlook, caller: Caller, typed: Fields) -> View:
    """Return what the form shows now, filled with what was typed already."""
    modes = _modes(form, outlook)
    chosen = typed.get("mode") or (modes[0] if modes else "")
    nothing_left = NOTHING_LEFT.get(form.action) if not chosen else None
    trial = _refused(outlook, nothing_left) or _trial(form, outlook, caller, chosen)
    return View(
        before=by_flags(outlook.state),
        after=_result(trial),
        mode=chosen,
        others=[mode for mode in modes if mode != chosen],
        expiries=_expiries_there(form, outlook.now, caller),
        expires=typed.get("expires") or form.expires,
        owner=typed.get("owner", caller.name),
        revision=outlook.state.revision,
        refusal=trial.refusal if trial else None,
        lock=trial.lock if trial else None,
        is_gated=trial is not None and trial.is_gated,
    )


def _refused(outlook: Outlook, why: str | None) -> Trial | None:
    return Trial(outlook.state, outlook.state, refusal=ConflictError(why)) if why else None


def _result(trial: Trial | None) -> Mode | None:
    is_known = trial is not None and (
        trial.refusal is None or isinstance(trial.refusal, PreconditionError)
    )
    return by_flags(trial.after) if trial is not None and is_known else None


def _modes(form: Form, outlook: Outlook) -> list[Mode]:
    match form.action:
        case Action.ROLL_BACK:
            return lower_modes(outlook.state)
        case Action.RAISE_ROLLBACK:
            return modes_between(outlook.state)
        case Action.CUT_OVER:
            return list(reversed(other_modes(outlook.state)))
        case _:
            return []


def _trial(form: Form, outlook: Outlook, caller: Caller, mode: str) -> Trial | None:
    """Try the act out with words in the place of those that nobody typed yet."""
    typed = {
        "mode": mode,
        "reason": TRIED,
        "owner": TRIED,
        "expires": "1h",
        "revision": str(outlook.state.revision),
        "follow_up": TRIED,
    }
    try:
        change = form.build(typed, outlook.now)
    except InvalidError:
        return None
    return try_out(outlook, caller.actor, change)


def _expiries_there(form: Form, now: datetime, caller: Caller) -> list[Choice]:
    with shown_in(caller.zone):
        return _expiries(form, now, caller)


def _expiries(form: Form, now: datetime, caller: Caller) -> list[Choice]:
    match form.action:
        case Action.ROLL_BACK | Action.EXTEND:
            longest = ROLLBACK_MAX if form.action is Action.ROLL_BACK else EXTENSION_MAX
            spans = [("1h", "1 h"), ("4h", "4 h"), ("24h", "24 h")]
            choices = [_span(value, label, now) for value, label in spans]
            return [*choices[:2], _next_morning(now, caller), choices[2], _other(longest)]
        case Action.CUT_OVER:
            spans = [("7d", "7 days"), ("30d", "30 days"), ("90d", "90 days")]
            return [*(_span(value, label, now) for value, label in spans), _other(CUTOVER_MAX)]
        case _:
            return []


def _span(value: str, label: str, now: datetime) -> Choice:
    hours = int(value[:-1]) * (24 if value.endswith("d") else 1)
    return Choice(value, label, f"until {clock(now + timedelta(hours=hours), now)}")


def _next_morning(now: datetime, caller: Caller) -> Choice:
    """Return the next 09:00 where the person is."""
    zone = caller.zone
    here = now.astimezone(zone)
    morning = here.replace(hour=MORNING_HOUR, minute=0, second=0, microsecond=0)
    if morning <= here:
        morning += timedelta(days=1)
    return Choice(to_text(morning), "next 09:00", f"until {clock(morning, now)}")


def _other(longest: timedelta) -> Choice:
    most = f"{longest.days} days" if longest.days > 1 else "24 h"
    return Choice(OTHER, "other", f"at most {most}")
