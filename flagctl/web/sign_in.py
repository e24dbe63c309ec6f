"""Signing in, by password or by a one-time link, and signing out."""

from __future__ import annotations

import secrets
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from flagctl.domain.access import SECRET_BYTES, Person
from flagctl.errors import FlagctlError, InvalidError, UnauthorizedError
from flagctl.store.credentials import LINK_IS_DEAD, follow_link, read_credentials, read_link
from flagctl.store.reading import reading
from flagctl.store.sessions import FAILURES_KEPT_FOR
from flagctl.web.client import client_address, is_secure
from flagctl.web.identity import (
    find_caller,
    give_cookie,
    require_readable,
    session_token,
    take_cookie,
)
from flagctl.web.navigation import HOME, SIGN_IN, own_path
from flagctl.web.pages import render
from flagctl.web.passwords import new_password
from flagctl.web.problems import HttpError, status_of
from flagctl.web.services import Services, services_of
from flagctl.web.typed import Fields, Typed

FAILURES_OF_ONE_AT_AN_ADDRESS: Final = 10
FAILURES_AT_AN_ADDRESS: Final = 30
FAILURES_OF_ONE: Final = 100
"""High, for whoever knows a name could else lock its owner out; a link lets them in anyway."""

WRONG: Final = (
    "Name and password don't fit together. Try again, or ask an administrator for a sign-in link; "
    "on the host: `flagctl users link NAME`."
)

router = APIRouter()


@router.get(SIGN_IN)
def ask(request: Request, next: str = HOME) -> Response:  # noqa: A002 - the name in the address
    """Show the form; whoever is signed in goes on."""
    require_readable(request)
    if find_caller(request):
        return RedirectResponse(own_path(next), 303)
    return _page(request, {"next": own_path(next)})


@router.post(SIGN_IN)
def check(request: Request, form: Typed) -> Response:
    """Check name and password, and begin a session."""
    services = services_of(request)
    try:
        person = _person_with_password(request, services, form)
    except (InvalidError, UnauthorizedError, HttpError) as error:
        return _page(request, form, error)
    return _signed_in(request, services, person, own_path(form.get("next")))


def _person_with_password(request: Request, services: Services, form: Fields) -> Person:
    name, password = form.get("name", "").strip(), form.get("password", "")
    address = client_address(request, services.settings.trusted_proxies)
    _require_patience(services, address, name)
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        found = read_credentials(connection, name)
    if not services.passwords.matches(password, found.password_hash if found else None):
        services.sessions.note_failure(address, name, services.clock())
        raise UnauthorizedError(WRONG)
    assert found is not None  # noqa: S101 - nobody has no password
    services.sessions.forget_failures(address, name)
    return found.person


def _require_patience(services: Services, address: str, name: str) -> None:
    failed = services.sessions.failures(address, name, services.clock())
    if (
        failed.of_both >= FAILURES_OF_ONE_AT_AN_ADDRESS
        or failed.of_address >= FAILURES_AT_AN_ADDRESS
        or failed.of_person >= FAILURES_OF_ONE
    ):
        minutes = int(FAILURES_KEPT_FOR.total_seconds() // 60)
        raise HttpError(
            f"Too many sign-ins failed, so none is tried for up to {minutes} minutes. A sign-in "
            "link works at once: ask an administrator, or on the host `flagctl users link NAME`.",
            429,
            {"Retry-After": str(int(FAILURES_KEPT_FOR.total_seconds()))},
        )


def _page(request: Request, form: Fields, error: FlagctlError | None = None) -> Response:
    settings = services_of(request).settings
    own = request.url.hostname in {"127.0.0.1", "localhost", "::1"}
    keeps = own or settings.plain_http or is_secure(request, settings.trusted_proxies)
    response = render(
        request,
        "sign_in.html",
        status_of(error) if error else 200,
        error=error,
        name=form.get("name", ""),
        next=own_path(form.get("next")),
        keeps_cookie=keeps,
    )
    response.headers.update(error.headers if isinstance(error, HttpError) else {})
    return response


def _signed_in(request: Request, services: Services, person: Person, path: str) -> Response:
    """Begin a session with a token of its own; one that the browser had before ends."""
    old, token = session_token(request), secrets.token_urlsafe(SECRET_BYTES)
    if old:
        services.sessions.end(old)
    services.sessions.start(token, person.id, services.clock())
    response = RedirectResponse(path, 303)
    give_cookie(response, services.settings, token)
    return response


@router.get(f"{SIGN_IN}/{{secret}}")
def welcome(request: Request, secret: str) -> Response:
    """Show whom the link lets in; only setting the password uses it up."""
    return _link_page(request, _person_of_link(request, secret))


@router.post(f"{SIGN_IN}/{{secret}}")
def follow(request: Request, secret: str, form: Typed) -> Response:
    """Set the password, sign out every other browser of the person, and begin a session."""
    services, person = services_of(request), _person_of_link(request, secret)
    try:
        password = new_password(form.get("password", ""), form.get("repeated", ""), person.name)
    except InvalidError as error:
        return _link_page(request, person, error)
    person = follow_link(services.store, secret, services.passwords.hash(password))
    services.sessions.end_all(person.id)
    return _signed_in(request, services, person, HOME)


def _person_of_link(request: Request, secret: str) -> Person:
    services = services_of(request)
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        person = read_link(connection, secret, services.clock())
    if person is None:
        raise HttpError(LINK_IS_DEAD, 404)
    return person


def _link_page(request: Request, person: Person, error: InvalidError | None = None) -> Response:
    status = status_of(error) if error else 200
    return render(request, "sign_in_link.html", status, person=person, error=error)


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End this browser's session."""
    services, token = services_of(request), session_token(request)
    if token:
        services.sessions.end(token)
    response = RedirectResponse(SIGN_IN, 303)
    take_cookie(response, services.settings)
    return response
