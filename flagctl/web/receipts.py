"""The receipt of an act: what was committed, and the evidence as it comes in."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from flagctl.domain.audit import AuditEvent
from flagctl.errors import NotFoundError
from flagctl.present.receipt import RECEIPT_ACTIONS, Done, receipt_record, warnings_for
from flagctl.present.records import ReceiptRecord
from flagctl.store.audit_log import find_event
from flagctl.store.reading import read_flag, reading
from flagctl.vocabulary import Outcome
from flagctl.web.identity import SignedIn
from flagctl.web.outlook import Outlook, look, who_follows
from flagctl.web.pages import render
from flagctl.web.retiring import with_what_remains
from flagctl.web.services import Services, services_of

router = APIRouter()


@router.get("/receipts/{event_id}")
def receipt(request: Request, caller: SignedIn, event_id: int) -> Response:
    """Show what the act came to; the page asks again each second until all follow."""
    services = services_of(request)
    outlook = look(services)
    event, record = _record(services, outlook, event_id)
    return render(
        request,
        "receipt.html",
        event=event,
        receipt=record,
        status=outlook.status,
        is_changed=event.outcome is Outcome.ACCEPTED,
        has_newer=outlook.state.revision > (event.revision or outlook.state.revision),
        caller_acts=event.actor == caller.actor.name,
    )


def _record(
    services: Services, outlook: Outlook, event_id: int
) -> tuple[AuditEvent, ReceiptRecord]:
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        event = find_event(connection, event_id)
        flag = read_flag(connection, event.flag_id) if event and event.flag_id else None
    if event is None or event.action not in RECEIPT_ACTIONS:
        raise NotFoundError(f"No act has the number {event_id} in the audit trail.")
    done = Done(event, outlook.state, flag, services.settings.environment)
    revision = event.revision or outlook.state.revision
    shown = who_follows(services, outlook, revision)
    glass, now = outlook.facts.break_glass, outlook.now
    warnings = warnings_for(outlook.state, outlook.heard.reports, glass, now)
    record = receipt_record(done, now, shown, warnings)
    return event, with_what_remains(services, done, record)
