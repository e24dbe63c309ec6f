"""Where a person may go, and how they come back to where they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from starlette.requests import Request

from flagctl.vocabulary import Role

HOME: Final = "/"
SIGN_IN: Final = "/sign-in"


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the menu; `role` is the least that may see it."""

    path: str
    label: str
    role: Role = Role.VIEWER


MENU: Final = (
    Place(HOME, "Home"),
    Place("/audit", "Audit"),
    Place("/reminders", "Reminders"),
    Place("/processes", "Processes"),
    Place("/preflight", "Preflight"),
    Place("/runbook", "Runbook"),
    Place("/people", "People", Role.ADMIN),
    Place("/tokens", "Tokens", Role.ADMIN),
)


def menu_for(role: Role) -> list[Place]:
    """Return what the menu shows to somebody in this role."""
    return [place for place in MENU if role.includes(place.role)]


def sign_in_first(request: Request) -> str:
    """Return the address of the sign-in page that leads back here, with what was typed."""
    typed = getattr(request.state, "typed", None)
    query = urlencode(typed) if typed else request.url.query
    here = request.url.path + (f"?{query}" if query else "")
    return SIGN_IN if here == HOME else f"{SIGN_IN}?next={quote(here)}"


def own_path(address: str | None) -> str:
    """Return a path of this server, or home for whatever leads elsewhere."""
    # A browser takes a backslash for a slash, and drops control characters.
    if not address or not address.startswith("/") or "\\" in address or not address.isprintable():
        return HOME
    parts = urlsplit(address)
    is_own = not parts.scheme and not parts.netloc and not address.startswith("//")
    return address if is_own else HOME
