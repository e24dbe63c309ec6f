"""From the control state and what processes say to what a person asks at 3 a.m."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime

from flagctl.domain.access import short_name
from flagctl.domain.effective import EffectiveMode, by_flags, lowers_nobody
from flagctl.domain.flag import ControlState, Flag
from flagctl.domain.process import Heard, had_time
from flagctl.present.processes import (
    effective_record,
    followers,
    process_name,
    process_record,
)
from flagctl.present.records import (
    BreakGlassRecord,
    ConvergenceRecord,
    FlagRecord,
    ProcessRecord,
    StatusRecord,
)
from flagctl.present.wording import ago, clock, quoted, until
from flagctl.vocabulary import Freshness, Mode


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything that was looked at for one status, all of about one moment.

    `committed_at` is when the state's revision came to be; `None` when nobody knows.
    """

    environment: str
    state: ControlState
    effective: EffectiveMode
    pin: Mode | None = None
    heard: Heard = field(default_factory=Heard)
    break_glass: BreakGlassRecord | None = None
    committed_at: datetime | None = None


def status_record(sight: Sight, now: datetime) -> StatusRecord:
    """Return what is in force, who said so, until when, who follows, and what to do next."""
    state, reports = sight.state, sight.heard.reports
    follow = followers(sight.heard, state.revision, now, sight.committed_at)
    return StatusRecord(
        environment=sight.environment,
        at=now,
        headline=headline(state, now),
        by_flags=by_flags(state),
        effective=effective_record(sight.effective),
        pin=sight.pin,
        revision=state.revision,
        flags=tuple(flag_record(flag, now) for flag in state.flags),
        processes=tuple(process_record(report, state.revision, now) for report in reports),
        convergence=follow,
        may_miss_processes=follow.gap is not None,
        break_glass=sight.break_glass,
        next_steps=_next_steps(sight, follow, now),
    )


def flag_record(flag: Flag, now: datetime) -> FlagRecord:
    """Return a flag as it is shown."""
    own = {item.name: getattr(flag, item.name) for item in fields(flag)}
    expiry = f"{until(flag.expires_at, now)} ({clock(flag.expires_at, now)})"
    return FlagRecord(
        **own, expiry=expiry, is_expired=flag.is_expired(now), is_active=flag.is_active
    )


def headline(state: ControlState, now: datetime) -> str:
    """Return the mode by flags and why, in one sentence."""
    mode = by_flags(state)
    if state.rollback:
        return f"{mode} by flags: {_rollback_words(state.rollback, now)}"
    if state.cutover:
        flag = state.cutover
        expired = f"EXPIRED {ago(flag.expires_at, now)}, " if flag.is_expired(now) else ""
        return f"{mode} by flags: {expired}cut over {_by(flag, now)}"
    return f"{mode} by flags: no flag is active, this is the built-in default"


def _rollback_words(flag: Flag, now: datetime) -> str:
    expired = f"EXPIRED {ago(flag.expires_at, now)}, " if flag.is_expired(now) else ""
    origin = flag.rolled_back_from
    if origin is None or origin is flag.mode:
        return f"{expired}a rollback flag holds every process at {flag.mode} {_by(flag, now)}"
    return f"{expired}rolled back from {origin} {_by(flag, now)}"


def _by(flag: Flag, now: datetime) -> str:
    incident = f", {flag.incident}" if flag.incident else ""
    started = flag.started_at
    when = f"{ago(started, now)} ({clock(started, now)})"
    return f"by {short_name(flag.started_by)} {when}: {quoted(flag.reason)}{incident}"


def _next_steps(sight: Sight, follow: ConvergenceRecord, now: datetime) -> tuple[str, ...]:
    steps: list[str] = []
    rollback = sight.state.rollback
    if rollback is not None:
        steps += _rollback_steps(rollback, now)
    elif by_flags(sight.state).rung > 0:
        lower = Mode(tuple(Mode)[by_flags(sight.state).rung - 1])
        steps.append(f"To go to the safer side: flagctl rollback {lower} --reason TEXT")
    steps += [_behind(process, sight, now) for process in follow.behind]
    steps += [
        f"{process_name(process)} was last heard of {process.last_heard}: see whether it is to run."
        for process in follow.silent
    ]
    if follow.gap:
        steps.append(
            f"There may be processes that are not shown, because {follow.gap}: one that lives says "
            "all within 2 s. If this stays, run flagctl doctor; runtime.db may always be deleted."
        )
    steps += _without_store_steps(sight, now)
    return tuple(steps)


def _behind(process: ProcessRecord, sight: Sight, now: datetime) -> str:
    since, name = sight.committed_at, process_name(process)
    if since is not None and not had_time(process.started_at, since, now):
        return (
            f"{name} did not tell yet that it follows revision {sight.state.revision}: an idle "
            "process tells it within 2 s."
        )
    return (
        f"{name} does not follow revision {sight.state.revision}: look at its log, restart it if "
        "it hangs."
    )


def _rollback_steps(flag: Flag, now: datetime) -> list[str]:
    end = "To end it: flagctl end --reason TEXT (--follow-up URL | --no-follow-up WHY)"
    if not flag.is_expired(now):
        return [end]
    return [
        f"The rollback of {short_name(flag.owner)} expired {ago(flag.expires_at, now)}; the mode "
        "stays until somebody acts.",
        end,
        "To give it more time: flagctl extend --expires 2h --reason TEXT",
        "To give it to somebody else: flagctl handover --owner WHO --reason TEXT",
    ]


def _without_store_steps(sight: Sight, now: datetime) -> list[str]:
    return [
        f"pid {report.pid} on {report.host} can't read the store and would miss the next flip: "
        "run flagctl doctor."
        for report in sight.heard.reports
        if report.is_live(now) and report.freshness is not Freshness.FRESH
    ]


def break_glass_record(
    *,
    mode: Mode,
    host: str,
    path: str,
    file_owner: str,
    modified_at: datetime,
    rollback: Flag | None,
    now: datetime,
) -> BreakGlassRecord:
    """Return a BREAK_GLASS file as it is shown, beside the active rollback flag if there is one."""
    where = f"{path}, owned by {file_owner}, written {ago(modified_at, now)}."
    if rollback is not None and lowers_nobody(mode, rollback.mode):
        sentence = (
            f"A BREAK_GLASS file asks for {mode} on {host}: {where} It lowers nobody now: rollback "
            f"flag {rollback.id} keeps {rollback.mode}, so the file may be removed."
        )
    else:
        sentence = (
            f"A BREAK_GLASS file lowers every process on {host} to {mode}: {where} Remove it when "
            "a rollback flag has taken over: that keeps the mode."
        )
    return BreakGlassRecord(mode, host, path, file_owner, modified_at, sentence)
