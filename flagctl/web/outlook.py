"""One look at everything that a page is about: flags, processes, break-glass, all of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flagctl.domain.change import Actor, Change
from flagctl.domain.decide import decide
from flagctl.domain.effective import effective
from flagctl.domain.flag import ControlState, Flag
from flagctl.domain.gate import UNKNOWN_VERDICT, Facts, SlurmVerdict
from flagctl.domain.lock import lock_on
from flagctl.domain.process import Heard
from flagctl.domain.readiness import judges
from flagctl.errors import FlagctlError, PreconditionError
from flagctl.present.preflight import PreflightRecord, preflight_record
from flagctl.present.processes import followers
from flagctl.present.records import BreakGlassRecord, ConvergenceRecord, StatusRecord
from flagctl.present.status import Sight, break_glass_record, status_record
from flagctl.store.audit_log import committed_at
from flagctl.store.break_glass import BreakGlass
from flagctl.store.break_glass import look as look_for_break_glass
from flagctl.store.judgements import read_judgements
from flagctl.store.reading import read_state, reading
from flagctl.vocabulary import Source
from flagctl.web.services import Services


@dataclass(frozen=True, slots=True)
class Outlook:
    """What was seen at `now`."""

    state: ControlState
    facts: Facts
    heard: Heard
    status: StatusRecord
    preflight: PreflightRecord
    now: datetime


@dataclass(frozen=True, slots=True)
class Trial:
    """What an act would come to if it were done now; nothing is written.

    `refusal` says why it would be refused; `lock` what would keep it from having any effect.
    `after` of an act that only its preconditions hold back is what it would lead to; `is_gated`
    says that it has preconditions, whether they hold or not.
    """

    before: ControlState
    after: ControlState
    refusal: FlagctlError | None = None
    lock: Source | None = None
    is_gated: bool = False


def look(services: Services) -> Outlook:
    """Look at everything; raises `StoreTroubleError` when the flags can't be read."""
    now = services.clock()
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        state = read_state(connection)
        since = committed_at(connection, state.revision)
    heard, glass = services.heard(), look_for_break_glass(services.files.break_glass)
    sight = Sight(
        services.settings.environment,
        state,
        effective(state, pin=None, break_glass=glass.mode if glass else None),
        heard=heard,
        committed_at=since,
        break_glass=shown_break_glass(glass, state.rollback, now) if glass else None,
    )
    live = judges(heard.reports, read_judgements(services.files), now)
    return Outlook(
        state=state,
        facts=services.facts(),
        heard=heard,
        status=status_record(sight, now),
        preflight=preflight_record(live, now),
        now=now,
    )


def who_follows(services: Services, outlook: Outlook, revision: int) -> ConvergenceRecord:
    """Return the receipt of any revision; raises `StoreTroubleError`."""
    return followers(outlook.heard, revision, outlook.now, commit_time(services, revision))


def commit_time(services: Services, revision: int) -> datetime | None:
    """Return when a revision came to be, if anybody knows; raises `StoreTroubleError`."""
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        return committed_at(connection, revision)


def shown_break_glass(glass: BreakGlass, rollback: Flag | None, now: datetime) -> BreakGlassRecord:
    """Return the file as it is shown, beside the active rollback flag if there is one."""
    return break_glass_record(
        mode=glass.mode,
        host=glass.host,
        path=str(glass.path.absolute()),
        file_owner=glass.file_owner,
        modified_at=glass.modified_at,
        rollback=rollback,
        now=now,
    )


def try_out(outlook: Outlook, actor: Actor, change: Change) -> Trial:
    """Return what the act would come to, by the same rule as the act itself."""
    state, facts, now = outlook.state, outlook.facts, outlook.now
    willing = facts.with_verdict(SlurmVerdict(holds=True, detail="", taken_at=now))
    try:
        after = decide(state, change, actor, willing, now).after
    except FlagctlError as error:
        return Trial(state, state, refusal=error)
    gated = _refusal(outlook, actor, change, facts.with_verdict(UNKNOWN_VERDICT)) is not None
    refusal = _refusal(outlook, actor, change, facts)
    lock = None if refusal else lock_on(state, after, facts)
    return Trial(state, after, refusal, lock, is_gated=gated)


def _refusal(
    outlook: Outlook, actor: Actor, change: Change, facts: Facts
) -> PreconditionError | None:
    """Return why the gate would not let an act pass that is fine otherwise."""
    try:
        decide(outlook.state, change, actor, facts, outlook.now)
    except PreconditionError as error:
        return error
    return None
