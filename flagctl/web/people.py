"""People: who may sign in, in which role, and their one-time links. Administrators only.

A page that shows a secret answers the POST itself: shown once, it must not be in any address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from flagctl.errors import ConflictError, InvalidError, NotFoundError
from flagctl.store.people import IssuedLink, add_person, disable_person, issue_link, set_role
from flagctl.store.reading import read_people, reading
from flagctl.vocabulary import Role
from flagctl.web.identity import Administrator, SignedIn
from flagctl.web.navigation import SIGN_IN
from flagctl.web.pages import render
from flagctl.web.problems import status_of
from flagctl.web.services import services_of
from flagctl.web.typed import Fields, Typed

PEOPLE: Final = "/people"

Problem = InvalidError | ConflictError | NotFoundError

router = APIRouter()


@router.get(PEOPLE)
def people(request: Request, _caller: Administrator) -> Response:
    """Show everybody."""
    return _page(request, {})


@router.post(PEOPLE)
def add(request: Request, caller: SignedIn, form: Typed) -> Response:
    """Let somebody in, and show their one-time link."""
    store, name = services_of(request).store, form.get("name", "")

    def work() -> Response:
        person = add_person(store, name, role_named(form.get("role", "")), caller.actor)
        return _link_page(request, issue_link(store, person.name, caller.actor))

    return _answer(request, form, work)


@router.post(f"{PEOPLE}/link")
def link(request: Request, caller: SignedIn, form: Typed) -> Response:
    """Make a person a new one-time link and show it."""
    store = services_of(request).store
    return _answer(
        request,
        form,
        lambda: _link_page(request, issue_link(store, form.get("name", ""), caller.actor)),
    )


@router.post(f"{PEOPLE}/role")
def role(request: Request, caller: SignedIn, form: Typed) -> Response:
    """Give a person another role, from their next request on."""

    def work() -> Response:
        wanted = role_named(form.get("role", ""))
        set_role(services_of(request).store, form.get("name", ""), wanted, caller.actor)
        return RedirectResponse(PEOPLE, 303)

    return _answer(request, form, work)


@router.post(f"{PEOPLE}/disable")
def disable(request: Request, caller: SignedIn, form: Typed) -> Response:
    """Let a person in no more, and end their sessions."""
    services = services_of(request)

    def work() -> Response:
        person = disable_person(services.store, form.get("name", ""), caller.actor)
        services.sessions.end_all(person.id)
        return RedirectResponse(PEOPLE, 303)

    return _answer(request, form, work)


def role_named(value: str) -> Role:
    """Return the role with this name."""
    try:
        return Role(value)
    except ValueError:
        raise InvalidError(
            f"{value!r} is no role. Take one of: {', '.join(Role)}.", "role"
        ) from None


def _answer(request: Request, form: Fields, work: Callable[[], Response]) -> Response:
    try:
        return work()
    except (InvalidError, ConflictError, NotFoundError) as error:
        return _page(request, form, error)


def _link_page(request: Request, issued: IssuedLink) -> Response:
    services = services_of(request)
    address = f"{services.settings.public_url}{SIGN_IN}/{issued.secret}"
    return render(
        request,
        "secret.html",
        201,
        title=f"Sign-in link for {issued.person.name}",
        secret=address,
        note="It works once, for a day. Send it over a channel that only this person reads.",
        back=PEOPLE,
    )


def _page(request: Request, form: Fields, error: Problem | None = None) -> Response:
    services = services_of(request)
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        everybody = read_people(connection)
    status = status_of(error) if error else 200
    return render(request, "people.html", status, people=everybody, typed=form, error=error)
