"""The submissions in doubt: a page, and a route of the JSON API."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from flagctl.errors import UnavailableError
from flagctl.present.plain import to_plain
from flagctl.present.submissions import SubmissionRecord, submission_record
from flagctl.store.in_doubt import read_in_doubt
from flagctl.vocabulary import Role
from flagctl.web.api_answers import problems_of
from flagctl.web.identity import SignedIn, WithToken
from flagctl.web.pages import render
from flagctl.web.services import Services, services_of

router = APIRouter()
api_router = APIRouter()


class Asked(StrEnum):
    """The submissions that can be listed; all others are the product's own to know."""

    IN_DOUBT = "in-doubt"


@router.get("/submissions")
def submissions(request: Request, caller: SignedIn) -> Response:
    """Show the submissions in doubt, and what becomes of them."""
    services = services_of(request)
    found = submissions_in_doubt(services, caller.actor.role)
    return render(request, "submissions.html", submissions=found)


@api_router.get("/submissions", response_model=list[SubmissionRecord], responses=problems_of(422))
def submissions_listed(
    request: Request,
    caller: WithToken,
    state: Annotated[Asked, Query(description="Which ones: those in doubt.")],
) -> Response:
    """Return the submissions in doubt, the oldest first; tenants' ids for administrators only."""
    assert state is Asked.IN_DOUBT  # noqa: S101 - the only one there is
    found = submissions_in_doubt(services_of(request), caller.actor.role)
    return JSONResponse(to_plain(found))


def submissions_in_doubt(services: Services, role: Role) -> list[SubmissionRecord]:
    """Return the submissions in doubt as somebody in this role may see them.

    Raises:
        SubmissionsTroubleError: submissions.db can't be read.

    """
    now = services.clock()
    lease = services.settings.submission_lease
    found = read_in_doubt(services.files.submissions, now, lease)
    return [submission_record(each, now, role) for each in found]


def count_in_doubt(services: Services) -> int | None:
    """Return how many there are, for a page that is about something else; `None`: unknown."""
    try:
        return len(submissions_in_doubt(services, Role.VIEWER))
    except UnavailableError:
        return None
