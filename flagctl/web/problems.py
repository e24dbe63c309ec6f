"""From what went wrong to an answer: the only place that knows a status for each code."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from flagctl.errors import Code, FlagctlError, InvalidError, RevisionRequiredError, StaleError
from flagctl.store.trouble import StoreTroubleError
from flagctl.web.headers import NEVER_KEPT, SECURITY_HEADERS
from flagctl.web.identity import find_caller
from flagctl.web.navigation import sign_in_first
from flagctl.web.pages import render
from flagctl.web.services import services_of

log = logging.getLogger(__name__)

STATUS: Final[Mapping[Code, int]] = MappingProxyType(
    {
        Code.INVALID: 422,
        Code.UNAUTHORIZED: 401,
        Code.FORBIDDEN: 403,
        Code.NOT_FOUND: 404,
        Code.STALE: 412,
        Code.CONFLICT: 409,
        Code.PRECONDITION: 409,
        Code.UNAVAILABLE: 503,
        Code.MISCONFIGURED: 503,
        Code.INTERNAL: 500,
    }
)

API_PREFIX: Final = "/api/"
PROBLEM_JSON: Final = "application/problem+json"


class HttpError(FlagctlError):
    """Something that only HTTP knows of, with a status of its own."""

    def __init__(self, message: str, status: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.code = Code.NOT_FOUND if status == 404 else Code.INVALID  # type: ignore[misc]


def status_of(error: FlagctlError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, RevisionRequiredError):
        return 428
    return error.status if isinstance(error, HttpError) else STATUS[error.code]


def problem(error: FlagctlError, **more: object) -> dict[str, Any]:
    """Return the RFC 9457 body of an error."""
    status = status_of(error)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": error.code,
        "detail": str(error),
    }
    field = getattr(error, "field", None)
    if field:
        body["field"] = field
    if isinstance(error, StaleError):
        body.update(given=error.given, current=error.current)
    return {**body, **more}


def problem_response(request: Request, error: FlagctlError) -> Response:
    """Answer with the error: a page for people, problem details for programs."""
    status, headers = status_of(error), _headers(error)
    if request.url.path.startswith(API_PREFIX):
        return JSONResponse(problem(error), status, headers, PROBLEM_JSON)
    glass = services_of(request).files.break_glass.absolute()
    template = "trouble.html" if isinstance(error, StoreTroubleError) else "problem.html"
    _know_again(request, error)
    response = render(request, template, status, error=error, number=status, break_glass=glass)
    response.headers.update(headers)
    return response


def _know_again(request: Request, error: FlagctlError) -> None:
    """Give whoever is signed in their menu on this page too, as far as the store can be read."""
    is_known = hasattr(request.state, "caller") or isinstance(error, StoreTroubleError)
    if not is_known:
        with suppress(FlagctlError):
            request.state.caller = find_caller(request)


def _headers(error: FlagctlError) -> dict[str, str]:
    if isinstance(error, HttpError):
        return error.headers
    if error.code is Code.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    return {}


def install(app: FastAPI) -> None:
    """Let every failure of the app be answered here."""
    app.add_exception_handler(FlagctlError, _on_known)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_unreadable)
    app.add_exception_handler(Exception, _on_unknown)


def _on_known(request: Request, error: Exception) -> Response:
    assert isinstance(error, FlagctlError)  # noqa: S101 - registered for it
    is_page = not request.url.path.startswith(API_PREFIX)
    may_come_back = request.method in {"GET", "HEAD"} or hasattr(request.state, "typed")
    if error.code is Code.UNAUTHORIZED and is_page and may_come_back:
        if "hx-request" in request.headers:
            # The open page loads itself anew, and is led to the sign-in page then.
            return Response(status_code=401, headers={"HX-Refresh": "true"})
        return RedirectResponse(sign_in_first(request), 303)
    return problem_response(request, error)


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    message = _HTTP_MESSAGES.get(error.status_code, str(error.detail))
    return problem_response(request, HttpError(message, error.status_code, error.headers))


_HTTP_MESSAGES: Final = {
    404: "There is no such page. Look at the address again, or begin at the first page.",
    405: "This page can't be asked in that way.",
}


def _on_unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    is_path = first["loc"][0] == "path"
    if is_path:
        return problem_response(request, HttpError(_HTTP_MESSAGES[404], 404))
    return problem_response(request, InvalidError(f"{place or 'body'}: {first['msg']}", place))


def _on_unknown(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    told = FlagctlError(
        "Something went wrong here that nobody foresaw; it is in the log of the web process. "
        "The command line works without this page: `flagctl status`."
    )
    response = problem_response(request, told)
    # The outermost layer of Starlette answers here, outside of the one that adds them.
    response.headers.update({**SECURITY_HEADERS, "Cache-Control": NEVER_KEPT})
    return response
