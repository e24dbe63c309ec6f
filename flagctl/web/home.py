"""The first page: what is in force, who said so and until when, and what may be done now."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from flagctl.domain.effective import EffectiveMode, without_store
from flagctl.present.impact import impact_record
from flagctl.present.trail import audit_record
from flagctl.store.audit_search import Search, find
from flagctl.store.impacts import last_hour
from flagctl.store.last_known_good import LastKnownGoodFile
from flagctl.store.reading import reading
from flagctl.web.audit import CHANGES_OF_FLAGS
from flagctl.web.identity import SignedIn
from flagctl.web.impact import strip_of
from flagctl.web.offers import offers
from flagctl.web.outlook import Outlook, look
from flagctl.web.pages import render
from flagctl.web.services import Services, services_of
from flagctl.web.submissions import count_in_doubt

RECENT = 5
RECENT_BUDGET_S = 0.005

router = APIRouter()


@router.get("/")
def home(request: Request, caller: SignedIn) -> Response:
    """Show what is in force now."""
    services = services_of(request)
    outlook = look(services)
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        found = find(
            connection, Search(actions=CHANGES_OF_FLAGS), limit=RECENT, budget_s=RECENT_BUDGET_S
        )
        hour = last_hour(services.files, connection, outlook.now)
    return render(
        request,
        "home.html",
        status=outlook.status,
        preflight=outlook.preflight,
        offers=offers(outlook, caller.actor),
        strip=strip_of(impact_record(hour, outlook.now)),
        recent=[audit_record(event) for event in found.events],
        in_doubt=count_in_doubt(services),
        cold_start=_cold_start(services, outlook).mode,
    )


def _cold_start(services: Services, outlook: Outlook) -> EffectiveMode:
    """Return what a process without a pin would get that starts now without the store."""
    known = LastKnownGoodFile(services.files.last_known_good).read()
    return without_store(pin=None, break_glass=outlook.facts.break_glass, last_known=known)
