"""What an act came to: the receipt that its author gets, at whichever door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flagctl.domain.access import short_name
from flagctl.domain.audit import AuditEvent
from flagctl.domain.effective import by_flags, in_force
from flagctl.domain.flag import ControlState, Flag
from flagctl.domain.process import ProcessReport
from flagctl.present.processes import count_of
from flagctl.present.records import ConvergenceRecord, ReceiptRecord
from flagctl.present.sentence import sentence
from flagctl.present.status import flag_record
from flagctl.present.wording import clock
from flagctl.vocabulary import Action, Mode, Outcome


@dataclass(frozen=True, slots=True)
class Done:
    """An act after its commit: its event, the state that it left, and the flag that it is about."""

    event: AuditEvent
    state: ControlState
    flag: Flag | None
    environment: str


def receipt_record(
    done: Done,
    now: datetime,
    convergence: ConvergenceRecord | None = None,
    warnings: tuple[str, ...] = (),
) -> ReceiptRecord:
    """Return the receipt as it is shown."""
    event, state = done.event, done.state
    mode = by_flags(state)
    return ReceiptRecord(
        action=event.action,
        outcome=event.outcome,
        sentence=sentence(event),
        before=event.mode_before or mode,
        by_flags=mode,
        revision=state.revision,
        at=event.at,
        flag=flag_record(done.flag, now) if done.flag else None,
        event_id=event.id,
        event_hash=event.hash,
        incident_line=incident_line(done, convergence),
        convergence=convergence,
        warnings=warnings,
        next_steps=_next_steps(state),
    )


def incident_line(done: Done, convergence: ConvergenceRecord | None = None) -> str | None:
    """Return the line for the incident channel (ui, rule 10), or `None` if nothing was changed.

    `12:03 UTC production A → B by alice, INC-42, rev 18, 4/4 processes in 0.4 s, until 16:03`.
    """
    event, flag = done.event, done.flag
    if event.outcome is not Outcome.ACCEPTED:
        return None
    parts = [
        f"{_what(done)} by {_name(event)}",
        (flag.incident if flag else None) or "",
        f"rev {event.revision}",
        count_of(convergence) if convergence else "",
        _end(flag, event),
    ]
    told = ", ".join(part for part in parts if part)
    return f"{clock(event.at, event.at)} {done.environment} {told}"


def _what(done: Done) -> str:
    event = done.event
    before, after = event.mode_before, event.mode_after
    if before is not after:
        return f"{before} → {after}"
    return f"{_NOUNS[event.action]}, still {after}"


_NOUNS: Final[Mapping[Action, str]] = {
    Action.ROLL_BACK: "rollback set",
    Action.RAISE_ROLLBACK: "rollback raised",
    Action.END_ROLLBACK: "rollback ended",
    Action.EXTEND: "rollback extended",
    Action.HAND_OVER: "flag handed over",
    Action.CUT_OVER: "cutover flag set",
    Action.RETIRE: "cutover flag retired",
    Action.BREAK_GLASS: "break-glass taken over",
}

RECEIPT_ACTIONS: Final = frozenset(_NOUNS)
"""The acts that have a receipt."""


def _name(event: AuditEvent) -> str:
    name = short_name(event.actor)
    return f"{name} (says {event.claim})" if event.claim else name


def _end(flag: Flag | None, event: AuditEvent) -> str:
    if flag is None or not flag.is_active:
        return ""
    return f"until {clock(flag.expires_at, event.at).removesuffix(' UTC')}"


def _next_steps(state: ControlState) -> tuple[str, ...]:
    if state.rollback is not None:
        return (
            "When it is over: flagctl end --reason TEXT (--follow-up URL | --no-follow-up WHY)",
        )
    return (f"If it goes wrong: flagctl rollback {_below(by_flags(state))} --reason TEXT",)


def _below(mode: Mode) -> Mode:
    return tuple(Mode)[max(0, mode.rung - 1)]


def warnings_for(
    state: ControlState,
    reports: Sequence[ProcessReport],
    break_glass: Mode | None,
    now: datetime,
) -> tuple[str, ...]:
    """Return what keeps a live process from the mode by flags, and how to remove that."""
    mode = by_flags(state)
    warnings = []
    if break_glass is not None and break_glass.rung < mode.rung:
        warnings.append(
            f"a BREAK_GLASS file holds this host at {break_glass}; what is by flags has no effect "
            "here until the file is removed."
        )
    for report in reports:
        own = in_force(state, report.pin)
        if report.is_live(now) and report.pin is not None and own is not mode:
            warnings.append(
                f"pid {report.pid} on {report.host} is pinned by ZPE_SLURM_ADAPTER={report.pin} "
                f"and gets {own}; to have it follow, unset that and restart it."
            )
    return tuple(warnings)
