"""Who is asking: the only place that turns a cookie or a bearer token into a person or a token.

What the caller may do is asked in one way too: `domain.decision.require_role`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from flagctl.domain.access import Person, token_hash
from flagctl.domain.change import Actor
from flagctl.domain.decision import require_role
from flagctl.errors import UnauthorizedError
from flagctl.settings import Settings
from flagctl.store.credentials import actor_name, read_person, read_role_token
from flagctl.store.reading import reading
from flagctl.store.sessions import ABSOLUTE_LIMIT
from flagctl.vocabulary import Door, Role
from flagctl.web.alarms import read_alarms
from flagctl.web.services import Services, services_of
from flagctl.web.times import IN_UTC


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking; `person` is `None` for a token."""

    actor: Actor
    person: Person | None = None

    @property
    def name(self) -> str:
        """Return the name without how it was proven."""
        return self.person.name if self.person else self.actor.name

    @property
    def zone(self) -> ZoneInfo:
        """Return whose clocks the person goes by; UTC for a token."""
        return ZoneInfo(self.person.time_zone) if self.person else IN_UTC


def cookie_name(settings: Settings) -> str:
    """Return the session cookie's name; the prefix makes browsers hold it to this host and TLS."""
    return "flagctl" if settings.plain_http else "__Host-flagctl"


def give_cookie(response: Response, settings: Settings, token: str) -> None:
    """Let the browser keep the session's token."""
    response.set_cookie(
        cookie_name(settings),
        token,
        max_age=int(ABSOLUTE_LIMIT.total_seconds()),
        path="/",
        secure=not settings.plain_http,
        httponly=True,
        samesite="lax",
    )


def take_cookie(response: Response, settings: Settings) -> None:
    """Let the browser forget the session's token."""
    response.delete_cookie(
        cookie_name(settings), path="/", secure=not settings.plain_http, httponly=True,
        samesite="lax",
    )  # fmt: skip


def session_token(request: Request) -> str | None:
    """Return the session's token that the browser sent."""
    return request.cookies.get(cookie_name(services_of(request).settings))


def asks_by_itself(request: Request) -> bool:
    """Tell whether a script asks, to keep an open page fresh, and no person."""
    return "hx-request" in request.headers


def find_caller(request: Request) -> Caller | None:
    """Return who is signed in with this browser."""
    services, token = services_of(request), session_token(request)
    if not token:
        return None
    session = services.sessions.find(token, services.clock(), is_use=not asks_by_itself(request))
    if session is None:
        return None
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        person = read_person(connection, session.person_id)
        request.state.alarms = read_alarms(connection)
    if person is None or person.disabled_at is not None:
        return None
    return Caller(Actor(actor_name(person.name), person.role, Door.WEB), person)


def signed_in(request: Request) -> Caller:
    """Return who is signed in; a page asks for it even when it only shows."""
    caller = find_caller(request)
    if caller is None:
        require_readable(request)
        raise UnauthorizedError("You are not signed in, or no longer. Sign in, then try again.")
    request.state.caller = caller
    return caller


def require_readable(request: Request) -> None:
    """Say what is wrong with the control store to whoever comes; signing in would not help."""
    services = services_of(request)
    with reading(services.files, services.settings.busy_timeout_s):
        pass


def with_token(request: Request) -> Caller:
    """Return whose token the program sent."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise UnauthorizedError(
            "This needs a token: send `Authorization: Bearer …`. An administrator issues one with "
            "`flagctl tokens issue --role operator NAME`."
        )
    caller = _token_caller(services_of(request), secret.strip())
    if caller is None:
        raise UnauthorizedError(
            "This token is unknown or revoked, or it is one for the runtime. Ask an administrator."
        )
    return caller


def _token_caller(services: Services, secret: str) -> Caller | None:
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        token = read_role_token(connection, token_hash(secret))
    if token is None or token.role is None:
        return None
    return Caller(Actor(f"token:{token.name}", token.role, Door.API))


def at_least(role: Role) -> Callable[[Request], Caller]:
    """Return a dependency that lets in whoever is signed in with at least `role`."""

    def check(request: Request) -> Caller:
        caller = signed_in(request)
        require_role(caller.actor, role)
        return caller

    return check


SignedIn = Annotated[Caller, Depends(signed_in)]
Administrator = Annotated[Caller, Depends(at_least(Role.ADMIN))]
WithToken = Annotated[Caller, Depends(with_token)]
