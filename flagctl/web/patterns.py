"""The pattern page: every component in every state, on samples. Development only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from flagctl.domain.audit import AuditEvent, Verification
from flagctl.domain.effective import effective
from flagctl.domain.flag import ControlState, Flag
from flagctl.domain.process import Heard, ProcessReport
from flagctl.errors import InvalidError, NotFoundError, StaleError
from flagctl.present.preflight import PreflightRecord
from flagctl.present.processes import followers
from flagctl.present.receipt import Done, receipt_record
from flagctl.present.records import ReceiptRecord, StatusRecord
from flagctl.present.reminder_records import RemindersRecord
from flagctl.present.status import Sight, break_glass_record, flag_record, status_record
from flagctl.present.trail import audit_record
from flagctl.settings import Settings
from flagctl.store.chain_walk import ChainWalk
from flagctl.store.verified import Standing, Verified
from flagctl.vocabulary import (
    LADDER,
    Action,
    Door,
    FlagKind,
    Freshness,
    Mode,
    Outcome,
    Part,
    Source,
    Tone,
)
from flagctl.web.act_views import Choice
from flagctl.web.alarms import Banner
from flagctl.web.identity import SignedIn
from flagctl.web.impact import Around, Strip
from flagctl.web.impact_samples import around_sample, strips
from flagctl.web.offers import Direction, Offer
from flagctl.web.pages import render
from flagctl.web.preflight_samples import preflight_sample
from flagctl.web.reminder_samples import banners, no_reminders, reminders
from flagctl.web.reminders import HOLDS, WORDS
from flagctl.web.services import services_of

DEVELOPMENT: Final = Settings().environment
NOW: Final = datetime(2026, 5, 1, 3, 12, tzinfo=UTC)
LONG: Final = "<b>“long”</b> \u202eright to left\u202c 🚨 " + "unbroken" * 12

router = APIRouter()


@router.get("/patterns")
def patterns(request: Request, _caller: SignedIn) -> Response:
    """Show every component."""
    if services_of(request).settings.environment != DEVELOPMENT:
        raise NotFoundError("The pattern page is there in development only.")
    return render(
        request,
        "patterns.html",
        now=NOW,
        samples=Samples(),
        ladder=LADDER,
        tones=tuple(Tone),
        holds=HOLDS,
        **WORDS,
    )


_VERIFIED: Final = Verification(30, "0f" * 32)


def _standing(found: Verification = _VERIFIED, *, is_there: bool = True) -> Standing:
    return Standing(Verified(NOW - timedelta(hours=5), "os:root", found), 10, is_there)


def _walk(trouble: str | None = None) -> ChainWalk:
    begun, heard = NOW - timedelta(seconds=3), NOW - timedelta(seconds=0.4)
    return ChainWalk("person:bob", begun, heard, 340_000, 1_000_000, trouble)


class Samples:
    """The records that the components are shown on."""

    complaint = InvalidError("reason is blank. Say it in a few words.", "reason")
    stale = StaleError("You looked at revision 17, but now it is 18.", given=17, current=18)
    choices = (Choice("4h", "4 h", "until 07:12 UTC"), Choice("other", "other", "at most 7 days"))
    offers = (
        Offer("Roll back…", "#", Direction.SAFER),
        Offer("End the rollback…", "#", Direction.RISKIER),
        Offer("Roll back by a locked way…", "#", Direction.SAFER, Source.BREAK_GLASS),
        Offer("Roll back by a pinned way…", "#", Direction.SAFER, Source.ENV),
    )

    @property
    def status(self) -> StatusRecord:
        """Return a status with an expired rollback, a pin, a silent process and break-glass."""
        state = ControlState(18, cutover=_flag(FlagKind.CUTOVER), rollback=_flag())
        glass = break_glass_record(
            mode=LADDER[0],
            host="host1",
            path="/var/lib/flagctl/BREAK_GLASS",
            file_owner="carol",
            modified_at=NOW - timedelta(minutes=3),
            rollback=None,
            now=NOW,
        )
        pinned = replace(_report(4), pin=LADDER[0], mode=LADDER[0], source=Source.ENV)
        reports = (*_reports(behind=1), pinned)
        in_force = effective(state, pin=None, break_glass=None)
        return status_record(
            Sight("development", state, in_force, heard=Heard(reports), break_glass=glass), NOW
        )

    @property
    def banners(self) -> list[Banner]:
        """Return the banner in each state."""
        flags = (_flag(), replace(_flag(FlagKind.CUTOVER), extensions=0))
        return banners(flags, self.status.break_glass, LONG, NOW)

    @property
    def reminders(self) -> list[RemindersRecord]:
        """Return reminders in every state, and before there was any."""
        return [reminders(_flag(), _EVENT, NOW), no_reminders(NOW)]

    @property
    def receipts(self) -> list[tuple[ReceiptRecord, bool]]:
        """Return the receipt as evidence comes in, each with whether it waits for more."""
        silent = replace(_report(3), heard_at=NOW - timedelta(minutes=2))
        finishing = replace(_report(2), in_flight={LADDER[-1]: 2})
        return [
            (_receipt(()), True),
            (_receipt(_reports(behind=1)), True),
            (_receipt((_report(1), finishing, silent)), True),
            (_receipt(_reports(behind=0), trouble="runtime.db is damaged."), True),
            (_receipt(_reports(behind=0), ("pid 7 on host1 is pinned.",)), False),
        ]

    chains = (
        (None, None),
        (_standing(), None),
        (_standing(is_there=False), _walk("control.db is locked by another process.")),
        (_standing(replace(_VERIFIED, broken_id=31, problem="it names another hash")), _walk()),
    )
    """What is known of the chain, with another walk."""

    @property
    def events(self) -> list[object]:
        """Return an event of each outcome."""
        return [audit_record(replace(_EVENT, outcome=outcome)) for outcome in Outcome]

    @property
    def strips(self) -> dict[str, Strip]:
        """Return the impact strip in each of its states."""
        return strips(_EVENT)

    @property
    def preflight(self) -> PreflightRecord:
        """Return preconditions in every state."""
        return preflight_sample(_report(1), LONG, NOW)

    @property
    def around(self) -> Around:
        """Return a flip with what was before and after it."""
        return around_sample(_EVENT)

    @property
    def flags(self) -> list[object]:
        """Return a flag that counts, and one that is full of trouble."""
        odd = replace(_flag(), owner=LONG, reason=LONG, incident=LONG, extensions=3)
        fresh = replace(_flag(), expires_at=NOW + timedelta(hours=4), extensions=0)
        return [flag_record(fresh, NOW), flag_record(odd, NOW)]


def _flag(kind: FlagKind = FlagKind.ROLLBACK) -> Flag:
    return Flag(
        id=2 if kind is FlagKind.ROLLBACK else 1,
        kind=kind,
        mode=Mode(LADDER[1] if kind is FlagKind.ROLLBACK else LADDER[2]),
        owner="bob",
        reason="submit p99 over 30 s",
        incident="INC-42",
        started_by="person:bob",
        started_at=NOW - timedelta(hours=5),
        first_started_at=NOW - timedelta(hours=5),
        expires_at=NOW - timedelta(minutes=38),
        extensions=2,
        rolled_back_from=LADDER[2],
        revision=18,
    )


def _report(number: int) -> ProcessReport:
    return ProcessReport(
        id=f"p{number}",
        host="host1",
        pid=4000 + number,
        role=Part.RUNTIME,
        version="0",
        started_at=NOW - timedelta(days=1),
        heard_at=NOW - timedelta(seconds=0.6),
        pin=None,
        mode=LADDER[1],
        configured=LADDER[2],
        source=Source.ROLLBACK_FLAG,
        freshness=Freshness.FRESH,
        revision=18,
        first_used={18: NOW - timedelta(seconds=0.6)},
        in_flight={},
    )


def _reports(behind: int) -> tuple[ProcessReport, ...]:
    late = tuple(replace(_report(number), revision=17, first_used={}) for number in range(behind))
    return (*late, *(_report(number) for number in range(behind, 3)))


_EVENT: Final = AuditEvent(
    id=40,
    at=NOW,
    actor="person:bob",
    claim=None,
    source=Door.WEB,
    action=Action.ROLL_BACK,
    outcome=Outcome.ACCEPTED,
    revision=18,
    flag_id=2,
    mode_before=LADDER[2],
    mode_after=LADDER[1],
    reason=LONG,
    detail={"incident": "INC-42", "message": "Refused, because it is a sample."},
    prev_hash="",
    hash="",
)


def _receipt(
    reports: tuple[ProcessReport, ...],
    warnings: tuple[str, ...] = (),
    trouble: str | None = None,
) -> ReceiptRecord:
    flag = _flag()
    done = Done(_EVENT, ControlState(18, rollback=flag), flag, "development")
    found = followers(Heard(reports, trouble), 18, NOW, NOW - timedelta(seconds=1))
    return receipt_record(done, NOW, found, warnings)
