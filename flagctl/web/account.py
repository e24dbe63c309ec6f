"""A person's own page: password, time zone, address for reminders, signing out everywhere."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from flagctl.errors import InvalidError
from flagctl.store.credentials import change_password, change_profile, read_credentials
from flagctl.store.reading import reading
from flagctl.web.identity import Caller, SignedIn, take_cookie
from flagctl.web.navigation import SIGN_IN
from flagctl.web.pages import render
from flagctl.web.passwords import new_password
from flagctl.web.problems import status_of
from flagctl.web.services import Services, services_of
from flagctl.web.typed import Fields, Typed

ACCOUNT = "/account"

router = APIRouter()


@router.get(ACCOUNT)
def show(request: Request, caller: SignedIn, done: str = "") -> Response:
    """Show what may be changed; `done` says what just was."""
    return _page(request, caller, {}, done=done)


@router.post(f"{ACCOUNT}/profile")
def set_profile(request: Request, caller: SignedIn, form: Typed) -> Response:
    """Set the time zone and the address for reminders."""
    assert caller.person is not None  # noqa: S101 - whoever signed in is a person
    zone, address = form.get("time_zone", ""), form.get("notify_url", "")
    try:
        change_profile(services_of(request).store, caller.person, zone, address)
    except InvalidError as error:
        return _page(request, caller, form, error)
    return RedirectResponse(f"{ACCOUNT}?done=profile", 303)


@router.post(f"{ACCOUNT}/password")
def set_password(request: Request, caller: SignedIn, form: Typed) -> Response:
    """Change the password and sign out every browser, this one too."""
    services, person = services_of(request), caller.person
    assert person is not None  # noqa: S101 - whoever signed in is a person
    try:
        _require_old_password(services, person.name, form.get("old", ""))
        password = new_password(form.get("password", ""), form.get("repeated", ""), person.name)
    except InvalidError as error:
        return _page(request, caller, {}, error)
    change_password(services.store, person, services.passwords.hash(password))
    return _signed_out(services, person.id)


def _require_old_password(services: Services, name: str, password: str) -> None:
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        found = read_credentials(connection, name)
    if not services.passwords.matches(password, found.password_hash if found else None):
        raise InvalidError("That is not your password of now.", "old")


@router.post(f"{ACCOUNT}/sign-out-everywhere")
def sign_out_everywhere(request: Request, caller: SignedIn) -> Response:
    """End all of the person's sessions."""
    assert caller.person is not None  # noqa: S101 - whoever signed in is a person
    return _signed_out(services_of(request), caller.person.id)


def _signed_out(services: Services, person_id: int) -> Response:
    services.sessions.end_all(person_id)
    response = RedirectResponse(SIGN_IN, 303)
    take_cookie(response, services.settings)
    return response


def _page(
    request: Request,
    caller: Caller,
    form: Fields,
    error: InvalidError | None = None,
    done: str = "",
) -> Response:
    services, person = services_of(request), caller.person
    assert person is not None  # noqa: S101 - whoever signed in is a person
    return render(
        request,
        "account.html",
        status_of(error) if error else 200,
        error=error,
        done=done,
        person=person,
        time_zone=form.get("time_zone", person.time_zone),
        notify_url=form.get("notify_url", person.notify_url or ""),
        browsers=services.sessions.count(person.id, services.clock()),
    )
