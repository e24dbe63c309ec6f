"""`POST /api/runtime/jobs:submit`: credentials, schema, tenancy, then the submission itself."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response, status
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from flagctl.errors import FlagctlError
from flagctl.runtime.problems import (
    ProblemCode,
    ProblemError,
    TooLargeError,
    documented,
    from_flagctl_error,
    from_validation,
)
from flagctl.runtime.schemas import SubmissionAccepted, SubmitJobCommand
from flagctl.runtime.services import Services
from flagctl.runtime.submit import Answer, submission
from flagctl.runtime.tenancy import bearer_token, require_covered, scope_of
from flagctl.runtime.tracing import current_trace_id
from flagctl.vocabulary import Mode

PATH: Final = "/api/runtime/jobs:submit"
BODY_MAX_BYTES: Final = 64 * 1024
LOGGED_IDS: Final = (
    "tenant_id",
    "workspace_id",
    "job_id",
    "management_node_id",
    "idempotency_key",
)
_JSON: Final = "application/json"
_CODES: Final = (
    ProblemCode.INVALID_REQUEST,
    ProblemCode.UNAUTHORIZED,
    ProblemCode.FORBIDDEN,
    ProblemCode.MANAGEMENT_NODE_NOT_FOUND,
    ProblemCode.IDEMPOTENCY_CONFLICT,
    ProblemCode.POLICY_REJECTED,
    ProblemCode.INTERNAL,
    ProblemCode.EXECUTION_UNAVAILABLE,
    ProblemCode.ADAPTER_MISCONFIGURED,
)
_OPENAPI: Final = {
    "requestBody": {
        "required": True,
        "content": {_JSON: {"schema": {"$ref": "#/components/schemas/SubmitJobCommand"}}},
    },
    "security": [{"runtime_token": []}],
}


@dataclass(slots=True)
class _Attempt:
    """What is told of a request in metrics and log, as far as it came."""

    mode: Mode | None = None
    outcome: str = ProblemCode.INTERNAL


def router(services: Services) -> APIRouter:
    """Return the route. It asks for the bare request: a dependency costs a tenth more each."""
    routes = APIRouter()

    @routes.post(
        PATH,
        status_code=status.HTTP_202_ACCEPTED,
        response_model=SubmissionAccepted,
        responses=documented(*_CODES),
        openapi_extra=_OPENAPI,
        operation_id="submit_job",
        summary="Submit a job, once for each idempotency key",
    )
    async def submit_job(request: Request) -> Response:
        answer = await _measured(services, request)
        return Response(answer.body, status.HTTP_202_ACCEPTED, media_type=_JSON)

    return routes


async def _measured(services: Services, request: Request) -> Answer:
    attempt, began_s = _Attempt(), time.perf_counter()
    try:
        answer = await _submit(services, request, attempt)
        attempt.outcome = "replayed" if answer.is_replay else "accepted"
    except ProblemError as refused:
        attempt.outcome = refused.code
        raise
    except FlagctlError as error:
        problem = from_flagctl_error(error)
        attempt.outcome = problem.code
        structlog.contextvars.bind_contextvars(error=str(error))
        raise problem from error
    finally:
        structlog.contextvars.bind_contextvars(mode=attempt.mode, outcome=attempt.outcome)
        services.metrics.submitted(attempt.mode, attempt.outcome, time.perf_counter() - began_s)
    return answer


async def _submit(services: Services, request: Request, attempt: _Attempt) -> Answer:
    """Check credentials, then schema, then tenancy, and only then touch anything downstream."""
    token = bearer_token(request.headers.getlist("authorization"))
    body = await _body(request)
    # Read once, when the request is whole: the submission ends in the mode that it begins with.
    reading = services.reader.read()
    attempt.mode = reading.effective.mode
    for watch in services.watching:
        watch.note(reading.effective)
    with services.in_flight.counted(reading.effective.mode):
        scope = scope_of(token, reading.scopes)
        command = _command(body)
        _bind_ids(command)
        require_covered(scope, command)
        asked = submission(command, reading.effective, current_trace_id())
        return await services.submissions.submit(asked)


async def _body(request: Request) -> bytes:
    _require_json(request.headers.get("content-type", ""))
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > BODY_MAX_BYTES:
        raise TooLargeError(BODY_MAX_BYTES)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_MAX_BYTES:
                raise TooLargeError(BODY_MAX_BYTES)
    except ClientDisconnect:
        raise ProblemError(ProblemCode.INVALID_REQUEST, "The body broke off.") from None
    return bytes(body)


def _require_json(content_type: str) -> None:
    if content_type.partition(";")[0].strip().lower() != _JSON:
        raise ProblemError(
            ProblemCode.INVALID_REQUEST,
            f"The body must be JSON. Send it with `Content-Type: {_JSON}`.",
            "Content-Type",
        )


def _command(body: bytes) -> SubmitJobCommand:
    try:
        return SubmitJobCommand.model_validate_json(body)
    except ValidationError as error:
        raise from_validation(error) from None


def _bind_ids(command: SubmitJobCommand) -> None:
    ids = {name: getattr(command, name) for name in LOGGED_IDS}
    structlog.contextvars.bind_contextvars(**ids, submission_id=None)
