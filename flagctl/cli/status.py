"""`flagctl status`: what is in force, who said so, until when, and who follows.

No Typer here: it would take longer than everything else that the command does.
"""

from __future__ import annotations

from datetime import datetime

from flagctl.cli.desk import Desk, now, sit_down
from flagctl.cli.exits import DONE, EXITS, NOT_FOLLOWING, ROLLBACK_EXPIRED
from flagctl.cli.say import say, say_json
from flagctl.cli.watching import break_glass_at, heard_at
from flagctl.domain.effective import effective
from flagctl.errors import Code
from flagctl.present.processes import details, process_name
from flagctl.present.records import FlagRecord, ProcessRecord, StatusRecord
from flagctl.present.status import Sight, break_glass_record, status_record
from flagctl.present.wording import clock, plural, quoted
from flagctl.vocabulary import FRESHNESS, SOURCES, FlagKind


def report(*, as_json: bool, check: bool) -> int:
    """Say which mode is in force; return the exit code, which tells more with `check`."""
    record = look(sit_down(strict=True))
    if as_json:
        say_json(record)
    else:
        _tell(record)
    return _verdict(record) if check else DONE


def look(desk: Desk) -> StatusRecord:
    """Return the status as of now.

    Raises:
        StoreTroubleError: control.db can't be read.

    """
    from flagctl.store.audit_log import committed_at
    from flagctl.store.reading import read_state

    glass = break_glass_at(desk)
    with desk.reading() as connection:
        state = read_state(connection)
        since = committed_at(connection, state.revision)
    at = now()
    pin = desk.settings.adapter_pin
    sight = Sight(
        environment=desk.settings.environment,
        state=state,
        effective=effective(state, pin=pin, break_glass=glass.mode if glass else None),
        pin=pin,
        heard=heard_at(desk, at),
        committed_at=since,
        break_glass=break_glass_record(
            mode=glass.mode,
            host=glass.host,
            path=str(glass.path),
            file_owner=glass.file_owner,
            modified_at=glass.modified_at,
            rollback=state.rollback,
            now=at,
        )
        if glass
        else None,
    )
    return status_record(sight, at)


def _verdict(record: StatusRecord) -> int:
    if any(flag.is_expired and flag.kind is FlagKind.ROLLBACK for flag in record.flags):
        return ROLLBACK_EXPIRED
    if record.convergence.behind:
        return NOT_FOLLOWING
    return EXITS[Code.UNAVAILABLE] if record.may_miss_processes else DONE


def _tell(record: StatusRecord) -> None:
    say(record.headline)
    if record.break_glass:
        say(record.break_glass.sentence)
    say(f"environment {record.environment}, revision {record.revision}")
    own = record.effective
    pinned = f", pinned by ZPE_SLURM_ADAPTER={record.pin}" if record.pin else ""
    say(f"with this environment a process gets {own.mode} ({SOURCES[own.source].label}{pinned})")
    for flag in record.flags:
        _tell_flag(flag, record.at)
    say()
    say(record.convergence.sentence)
    for line in details(record.convergence):
        say(f"  {line}")
    for process in record.processes:
        _tell_process(process)
    if record.next_steps:
        say()
        say("What to do:")
        for step in record.next_steps:
            say(f"  {step}")


def _tell_flag(flag: FlagRecord, now: datetime) -> None:
    incident = f", {flag.incident}" if flag.incident else ""
    extended = f", extended {plural(flag.extensions, 'time')}" if flag.extensions else ""
    verb = "expired" if flag.is_expired else "expires"
    say()
    say(f"{flag.kind} flag {flag.id}: {flag.mode}, owner {flag.owner}")
    say(f"  {verb} {flag.expiry}{extended}")
    say(f"  {quoted(flag.reason)}{incident}")
    say(f"  set by {flag.started_by}, {clock(flag.started_at, now)}")


def _tell_process(process: ProcessRecord) -> None:
    mode = process.in_force
    pin = f", pinned to {process.pin}" if process.pin else ""
    lag = "" if process.follows else " (does not follow)"
    silent = "" if process.is_live else "SILENT, "
    say(
        f"  {process_name(process)}, {process.role} {process.version}: {mode.mode} by "
        f"{SOURCES[mode.source].label}{pin}, {FRESHNESS[mode.freshness].label}, "
        f"revision {mode.revision}{lag}, {silent}last heard {process.last_heard}"
    )
