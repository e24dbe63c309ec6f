"""The JSON API of the reminders and of what flags left to do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from flagctl.domain import fields
from flagctl.errors import StaleError
from flagctl.present.plain import to_plain
from flagctl.present.reminder_records import FollowUpRecord, RemindersRecord
from flagctl.present.reminders import follow_up_record
from flagctl.store.acknowledging import Acknowledged, acknowledge
from flagctl.store.follow_ups import close_follow_up, read_follow_ups
from flagctl.store.reading import reading
from flagctl.web.api_answers import IfMatch, problems_of, revision_of, stale, tag
from flagctl.web.api_bodies import AcknowledgeBody, CloseBody, FollowUpsQuery, RemindersQuery
from flagctl.web.identity import WithToken
from flagctl.web.reminders import read_reminders
from flagctl.web.services import services_of

FlagNumber = Annotated[
    int, Path(ge=0, lt=10**15, description="The number of the flag that left it.")
]

router = APIRouter()


@router.get("/reminders", response_model=RemindersRecord, responses=problems_of(422))
def reminders(
    request: Request, _caller: WithToken, query: Annotated[RemindersQuery, Query()]
) -> Response:
    """Return what comes, what was told and how that went, what failed, and what is left to do."""
    found, revision = read_reminders(
        services_of(request), query.flag, query.before, limit=query.limit
    )
    return JSONResponse(to_plain(found), headers=tag(revision))


@router.post(
    "/reminders/acknowledge",
    response_model=Acknowledged,
    responses=problems_of(403, 409, 412, 413, 422),
)
def acknowledge_reminder(
    request: Request, caller: WithToken, body: AcknowledgeBody, if_match: IfMatch = None
) -> Response:
    """Hold what of the current stage is not delivered, and note that what failed was seen."""
    services = services_of(request)
    span, revision = fields.duration(body.for_, "for"), revision_of(if_match)
    try:
        done = acknowledge(services.store, caller.actor, span, revision)
    except StaleError as error:
        return stale(services, error)
    return JSONResponse(to_plain(done))


@router.get("/follow-ups", response_model=list[FollowUpRecord], responses=problems_of(422))
def follow_ups(
    request: Request, _caller: WithToken, query: Annotated[FollowUpsQuery, Query()]
) -> Response:
    """Return what flags left to do when they ended, the oldest first."""
    services = services_of(request)
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        found = read_follow_ups(connection, closed=query.closed)
    now = services.clock()
    return JSONResponse(to_plain([follow_up_record(each, now) for each in found]))


@router.post(
    "/follow-ups/{flag_id}/close",
    response_model=FollowUpRecord,
    responses=problems_of(403, 404, 409, 413, 422),
)
def close(request: Request, caller: WithToken, flag_id: FlagNumber, body: CloseBody) -> Response:
    """Close what the flag left to do; it changes no flag, so it names no revision."""
    services = services_of(request)
    done = close_follow_up(services.store, flag_id, body.reason, caller.actor)
    return JSONResponse(to_plain(follow_up_record(done, services.clock())))
