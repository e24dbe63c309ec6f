"""Every error of the runtime: its code, its one HTTP status, and its RFC 9457 body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final, Literal

from fastapi import Response
from pydantic import BaseModel, Field, ValidationError

from flagctl.adapter import SlurmPolicyError
from flagctl.errors import Code, FlagctlError
from flagctl.runtime.tracing import current_trace_id

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 2
_POINTER_MAX_CHARS: Final = 200


class ProblemCode(StrEnum):
    """What went wrong, for a client to act on (runtime contracts, section 2)."""

    INVALID_REQUEST = "invalid_request"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    MANAGEMENT_NODE_NOT_FOUND = "management_node_not_found"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    POLICY_REJECTED = "policy_rejected"
    INTERNAL = "internal"
    EXECUTION_UNAVAILABLE = "execution_unavailable"
    ADAPTER_MISCONFIGURED = "adapter_misconfigured"


STATUS: Final[Mapping[ProblemCode, HTTPStatus]] = MappingProxyType(
    {
        ProblemCode.INVALID_REQUEST: HTTPStatus.BAD_REQUEST,
        ProblemCode.UNAUTHORIZED: HTTPStatus.UNAUTHORIZED,
        ProblemCode.FORBIDDEN: HTTPStatus.FORBIDDEN,
        ProblemCode.MANAGEMENT_NODE_NOT_FOUND: HTTPStatus.NOT_FOUND,
        ProblemCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
        ProblemCode.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
        ProblemCode.IDEMPOTENCY_CONFLICT: HTTPStatus.CONFLICT,
        ProblemCode.POLICY_REJECTED: HTTPStatus.UNPROCESSABLE_ENTITY,
        ProblemCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
        ProblemCode.EXECUTION_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
        ProblemCode.ADAPTER_MISCONFIGURED: HTTPStatus.SERVICE_UNAVAILABLE,
    }
)

_HEADERS: Final[Mapping[ProblemCode, Mapping[str, str]]] = MappingProxyType(
    {
        ProblemCode.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
        ProblemCode.EXECUTION_UNAVAILABLE: {"Retry-After": str(RETRY_AFTER_S)},
    }
)

_BY_CODE: Final[Mapping[Code, ProblemCode]] = MappingProxyType(
    {
        Code.INVALID: ProblemCode.POLICY_REJECTED,
        Code.PRECONDITION: ProblemCode.ADAPTER_MISCONFIGURED,
        Code.MISCONFIGURED: ProblemCode.ADAPTER_MISCONFIGURED,
        Code.UNAVAILABLE: ProblemCode.EXECUTION_UNAVAILABLE,
    }
)

_DETAILS: Final[Mapping[ProblemCode, str]] = MappingProxyType(
    {
        ProblemCode.POLICY_REJECTED: "The request is refused.",
        ProblemCode.ADAPTER_MISCONFIGURED: "This service is misconfigured. Trying again does not "
        "help; its log says what is wrong.",
        ProblemCode.EXECUTION_UNAVAILABLE: "The submission can't be recorded or handed over now. "
        "Try again with the same idempotency key.",
        ProblemCode.INTERNAL: "Something went wrong here; the log has it under this trace id.",
    }
)


class Problem(BaseModel):
    """The body of every error."""

    type: Literal["about:blank"] = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    code: ProblemCode
    detail: str = Field(description="What happened and what to do next.")
    trace_id: str
    field: str | None = Field(
        default=None,
        description="The part of the request at fault: a JSON Pointer into the body, or a header.",
    )


class ProblemError(Exception):
    """A request that is refused; `field` names the part of it at fault."""

    def __init__(self, code: ProblemCode, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.field = field

    @property
    def status(self) -> HTTPStatus:
        """Return the HTTP status of its answer."""
        return STATUS[self.code]


class TooLargeError(ProblemError):
    """The body is too large: an invalid request for which HTTP has a status of its own."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            ProblemCode.INVALID_REQUEST,
            f"The body is larger than {limit_bytes} bytes. Put the input behind input_uri.",
        )

    @property
    def status(self) -> HTTPStatus:
        """Return 413."""
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def from_flagctl_error(error: FlagctlError) -> ProblemError:
    """Return what an error of another room is to a client.

    What the adapter says is for the client too; where our files lie is for the log only.
    """
    code = _BY_CODE.get(error.code, ProblemCode.INTERNAL)
    return ProblemError(code, str(error) if isinstance(error, SlurmPolicyError) else _DETAILS[code])


def fault() -> ProblemError:
    """Return what a fault of this program is to a client."""
    return ProblemError(ProblemCode.INTERNAL, _DETAILS[ProblemCode.INTERNAL])


def from_validation(error: ValidationError) -> ProblemError:
    """Return what is wrong with a body; never the value, which may be long or a secret."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    pointer = _pointer(problems[0]["loc"])
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    detail = f"{pointer or 'The body'}: {problems[0]['msg']}{more}."
    return ProblemError(ProblemCode.INVALID_REQUEST, detail, pointer)


def _pointer(location: Sequence[int | str]) -> str:
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in location)
    return "".join(f"/{part}" for part in parts)[:_POINTER_MAX_CHARS]


def response(problem: ProblemError) -> Response:
    """Return the HTTP answer for a problem."""
    body = Problem(
        title=problem.status.phrase,
        status=problem.status,
        code=problem.code,
        detail=problem.detail,
        trace_id=current_trace_id(),
        field=problem.field,
    )
    return Response(
        body.model_dump_json(exclude_none=True),
        int(problem.status),
        headers=dict(_HEADERS.get(problem.code, {})),
        media_type=MEDIA_TYPE,
    )


def documented(*codes: ProblemCode) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's responses for these codes, one for each status."""
    told: dict[int | str, list[str]] = {}
    for code in codes:
        told.setdefault(int(STATUS[code]), []).append(code)
    told[int(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)] = [ProblemCode.INVALID_REQUEST]
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": ", ".join(names), "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, names in told.items()
    }
