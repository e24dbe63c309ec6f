"""What the routes of the JSON API share: revisions in headers, and errors as problem details."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Header
from starlette.responses import JSONResponse, Response

from flagctl.errors import InvalidError, StaleError
from flagctl.present.plain import to_plain
from flagctl.present.trail import audit_record
from flagctl.store.audit_log import changes_since
from flagctl.store.reading import reading
from flagctl.web.outlook import look
from flagctl.web.problems import PROBLEM_JSON, problem, status_of
from flagctl.web.services import Services

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description='The revision that you looked at, in quotes: `"18"`. Upward acts need it.',
    ),
]


def problems_of(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how the document tells of these statuses, and of those that any route has."""
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": MEANINGS[status], "content": content}
        for status in (401, *statuses, 503)
    }


MEANINGS: Final = {
    401: "No token, or one that nobody issued",
    403: "The token's role may not do this",
    404: "There is no such thing",
    409: "There is nothing to act on, or a precondition does not hold",
    412: "The revision is stale: nothing was changed",
    413: "The body is larger than 64 KiB",
    422: "What was sent can't be taken",
    428: "An upward act without a revision",
    503: "The store can't be used",
}


def stale(services: Services, error: StaleError) -> Response:
    """Answer with what is in force now and what was changed since."""
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        changes = [audit_record(event) for event in changes_since(connection, error.given)]
    body = problem(error, mode=to_plain(look(services).status), changes=to_plain(changes))
    return JSONResponse(body, status_of(error), tag(error.current), PROBLEM_JSON)


def tag(revision: int) -> dict[str, str]:
    """Return the header that names the revision."""
    return {"ETag": f'"{revision}"'}


def revision_of(if_match: str | None) -> int | None:
    """Return the revision that an `If-Match` header names."""
    if if_match is None:
        return None
    text = if_match.strip().removeprefix('"').removesuffix('"')
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise InvalidError(
            f'If-Match {if_match!r} names no revision. Send one in quotes, such as "18".',
            "If-Match",
        )
    return int(text)
