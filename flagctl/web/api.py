"""The JSON API under `/api/v1`: the same changes and the same records as the pages.

It takes bearer tokens only, never the cookie, so no page of another site can reach it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from flagctl import __version__
from flagctl.errors import NotFoundError, StaleError
from flagctl.present.impact import ImpactRecord, impact_record
from flagctl.present.plain import to_plain
from flagctl.present.preflight import PreflightRecord
from flagctl.present.processes import followers
from flagctl.present.receipt import Done, receipt_record, warnings_for
from flagctl.present.records import (
    ConvergenceRecord,
    FlagRecord,
    ProcessRecord,
    ReceiptRecord,
    StatusRecord,
)
from flagctl.present.status import flag_record
from flagctl.present.trail import audit_record
from flagctl.store.audit_search import find
from flagctl.store.impacts import last_hour
from flagctl.store.reading import read_flags, reading
from flagctl.store.writing import Receipt
from flagctl.vocabulary import Outcome
from flagctl.web import api_reminders, submissions
from flagctl.web.act_forms import FORMS, Form
from flagctl.web.api_answers import IfMatch, problems_of, revision_of, stale, tag
from flagctl.web.api_bodies import BODIES, AuditPage, AuditQuery, Body, Problem
from flagctl.web.audit import search_from
from flagctl.web.identity import Caller, WithToken
from flagctl.web.outlook import commit_time, look, who_follows
from flagctl.web.problems import install as install_problems
from flagctl.web.retiring import with_what_remains
from flagctl.web.services import Services, services_of

PREFIX: Final = "/api/v1"
FLAGS_SHOWN: Final = 100

AnyRevision = Annotated[
    int | None,
    Query(ge=0, le=10**15, description="Who follows this revision: the receipt of its act."),
]

router = APIRouter()


@router.get("/mode", response_model=StatusRecord, responses=problems_of())
def mode(request: Request, _caller: WithToken) -> Response:
    """Return what is in force, who said so, until when, and who follows."""
    status = look(services_of(request)).status
    return JSONResponse(to_plain(status), headers=tag(status.revision))


@router.get("/flags", response_model=list[FlagRecord], responses=problems_of())
def flags(request: Request, _caller: WithToken) -> Response:
    """Return the newest 100 flags, active and ended."""
    services = services_of(request)
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        found = read_flags(connection, limit=FLAGS_SHOWN)
    now = services.clock()
    return JSONResponse(to_plain([flag_record(flag, now) for flag in found]))


@router.get(
    "/processes",
    response_model=list[ProcessRecord] | ConvergenceRecord,
    responses=problems_of(404, 422),
)
def processes(request: Request, _caller: WithToken, revision: AnyRevision = None) -> Response:
    """Return the adapter processes heard of within a day; with a revision, who follows it."""
    services = services_of(request)
    outlook = look(services)
    if revision is None:
        return JSONResponse(to_plain(outlook.status.processes))
    if revision > outlook.state.revision:
        raise NotFoundError(
            f"There is no revision {revision} yet; the newest is {outlook.state.revision}."
        )
    return JSONResponse(to_plain(who_follows(services, outlook, revision)))


@router.get("/impact", response_model=ImpactRecord, responses=problems_of())
def impact(request: Request, _caller: WithToken) -> Response:
    """Return the resolutions of the last hour by minute, mode and outcome, and around each flip."""
    services = services_of(request)
    now = services.clock()
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        found = last_hour(services.files, connection, now)
    return JSONResponse(to_plain(impact_record(found, now)))


@router.get("/preflight", response_model=PreflightRecord, responses=problems_of())
def preflight(request: Request, _caller: WithToken) -> Response:
    """Return whether `real-policy` may come into force now, and what each queue would get."""
    return JSONResponse(to_plain(look(services_of(request)).preflight))


@router.get("/audit", response_model=AuditPage, responses=problems_of(422))
def audit(request: Request, caller: WithToken, query: Annotated[AuditQuery, Query()]) -> Response:
    """Return a page of the audit trail."""
    typed = query.model_dump(exclude={"before", "after"}, exclude_none=True)
    wanted = search_from({name: str(value) for name, value in typed.items()}, caller)
    services = services_of(request)
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        found = find(connection, wanted, before=query.before, after=query.after)
    page = {
        "events": [audit_record(event) for event in found.events],
        "has_older": found.has_older,
        "has_newer": found.has_newer,
        "stopped_at": found.stopped_at,
    }
    return JSONResponse(to_plain(page))


def _doing(form: Form, body_type: type[Body]) -> Callable[..., Response]:
    def do(request: Request, caller: WithToken, body: Any, if_match: IfMatch = None) -> Response:
        return _do(services_of(request), caller, form, body, if_match)

    do.__annotations__["body"] = body_type
    do.__doc__ = body_type.__doc__
    return do


def _do(
    services: Services, caller: Caller, form: Form, body: Body, if_match: str | None
) -> Response:
    typed = {name: str(value) for name, value in body.model_dump(exclude_none=True).items()}
    revision = revision_of(if_match)
    if revision is not None:
        typed["revision"] = str(revision)
    try:
        change = form.build(typed, services.clock())
        receipt = services.store.apply(change, caller.actor, services.facts())
    except StaleError as error:
        return stale(services, error)
    status = 201 if receipt.outcome is Outcome.ACCEPTED else 200
    return JSONResponse(to_plain(_record(services, receipt)), status, tag(receipt.revision))


def _record(services: Services, receipt: Receipt) -> ReceiptRecord:
    now, heard = services.clock(), services.heard()
    done = Done(receipt.event, receipt.state, receipt.flag, services.settings.environment)
    event = receipt.event
    is_own = event.revision == receipt.revision
    since = event.at if is_own else commit_time(services, receipt.revision)
    found = followers(heard, receipt.revision, now, since)
    glass = services.facts().break_glass
    warnings = warnings_for(receipt.state, heard.reports, glass, now)
    return with_what_remains(services, done, receipt_record(done, now, found, warnings))


for each in FORMS:
    router.add_api_route(
        each.path,
        _doing(each, BODIES[each.action]),
        methods=["POST"],
        name=str(each.action),
        status_code=201,
        response_model=ReceiptRecord,
        responses={
            200: {"model": ReceiptRecord, "description": "It was so already"},
            **problems_of(403, 409, 412, 413, 422, 428),
        },
    )


def create(services: Services) -> FastAPI:
    """Return the API as an app of its own, so that its OpenAPI document knows no page."""
    app = FastAPI(title="flagctl", version=__version__, docs_url=None, redoc_url=None)
    app.router.redirect_slashes = False  # as for pages
    app.state.services = services
    app.include_router(router)
    app.include_router(api_reminders.router)
    app.include_router(submissions.api_router)
    install_problems(app)
    plain = app.openapi

    def documented() -> dict[str, Any]:
        if app.openapi_schema is None:
            _document(plain())
        return plain()

    app.openapi = documented  # type: ignore[method-assign]
    return app


def _document(document: dict[str, Any]) -> None:
    """Add what no route can say: how errors look, and that every route wants a token."""
    own = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components = document["components"]
    for name, schema in own.pop("$defs").items():
        components["schemas"].setdefault(name, schema)
    components["schemas"]["Problem"] = own
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
