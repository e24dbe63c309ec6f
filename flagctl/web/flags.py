"""A flag's own page: its whole life, and who was reminded of it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from flagctl.errors import NotFoundError
from flagctl.present.reminders import reminders_record
from flagctl.present.status import flag_record
from flagctl.present.trail import audit_record
from flagctl.store.audit_log import AuditFilter, list_events
from flagctl.store.reading import read_flag, reading
from flagctl.store.reminder_overview import read_overview
from flagctl.web.identity import SignedIn
from flagctl.web.impact import around_flips
from flagctl.web.pages import render
from flagctl.web.reminders import WORDS
from flagctl.web.services import services_of

EVENTS_SHOWN = 200
REMINDERS_SHOWN = 20

router = APIRouter()


@router.get("/flags/{flag_id}")
def flag(request: Request, _caller: SignedIn, flag_id: int) -> Response:
    """Show the flag and every event about it, the newest first."""
    services = services_of(request)
    now = services.clock()
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        found = read_flag(connection, flag_id)
        if found is None:
            raise NotFoundError(f"There is no flag {flag_id}.")
        wanted = AuditFilter(flag_id=flag_id)
        events = list(list_events(connection, wanted, limit=EVENTS_SHOWN))
        flips = around_flips(services, connection, events, now)
        overview = read_overview(connection, now, flag_id=flag_id, limit=REMINDERS_SHOWN)
    return render(
        request,
        "flag.html",
        flag=flag_record(found, now),
        events=list(map(audit_record, events)),
        flips=flips,
        record=reminders_record(overview, now),
        **WORDS,
    )
