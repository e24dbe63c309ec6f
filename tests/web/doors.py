"""Every door through which something can be changed, each with what opens it when one may."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount

from flagctl.store.files import DataFiles

Typed = Mapping[str, str]

MINE = {"name": "victor", "role": "admin"}

ACTS: Mapping[str, Typed] = {
    "rollback": {"mode": "passthrough", "reason": "r"},
    "raise": {"mode": "stub-policy", "reason": "r"},
    "end": {"reason": "r", "follow_up": "x"},
    "extend": {"expires": "1h", "reason": "r"},
    "handover": {"owner": "me", "reason": "r"},
    "cutover": {"mode": "passthrough", "owner": "me", "reason": "r", "expires": "7d"},
    "retire": {"reason": "r", "follow_up": "x"},
}
"""The acts on flags, by their name in addresses; a rollback is at the bottom, as revision 2."""

REVISION = {"revision": "2"}
IF_MATCH = {"If-Match": '"2"'}

FORMS: Mapping[str, Typed] = {
    **{f"/{name}": {**typed, **REVISION} for name, typed in ACTS.items()},
    "/people": {"name": "mallory", "role": "admin"},
    "/people/role": MINE,
    "/people/link": MINE,
    "/people/disable": MINE,
    "/tokens": {"name": "mine", "role": "admin"},
    "/tokens/revoke": {"name": "sample"},
    "/audit/verify": {},
    "/reminders/acknowledge": {"for": "1h", **REVISION},
    "/reminders/seen": {"up_to": "1"},
    "/reminders/close": {"flag": "2", "reason": "done"},
}
"""Forms that change what others see, or find out something for them."""

ONES_OWN: Mapping[str, Typed] = {
    "/account/profile": {"time_zone": "UTC", "notify_url": ""},
    "/account/password": {"old": "", "password": "", "repeated": ""},
    "/account/sign-out-everywhere": {},
    "/sign-in": {"name": "victor", "password": "guess"},
    "/sign-in/{secret}": {"password": "", "repeated": ""},
    "/sign-out": {},
}
"""Forms about whoever sends them, whatever their role."""

API_PREFIX = "/api/v1"
API: Mapping[str, Typed] = {
    **{f"{API_PREFIX}/{name}": typed for name, typed in ACTS.items()},
    f"{API_PREFIX}/reminders/acknowledge": {"for": "1h"},
    f"{API_PREFIX}/follow-ups/{{flag_id}}/close": {"reason": "done"},
}


def address(path: str) -> str:
    """Return an address to knock at, where a door has a place for something."""
    return path.replace("{flag_id}", "2").replace("{secret}", "x")


def doors_of(app: FastAPI) -> set[str]:
    """Every address of the app that takes anything but a question."""
    return set(_doors(app.routes, ""))


def _doors(routes: list[BaseRoute], prefix: str) -> Iterator[str]:
    for route in routes:
        if isinstance(route, APIRoute) and not (route.methods or set()) <= {"GET", "HEAD"}:
            yield prefix + route.path
        elif isinstance(included := getattr(route, "original_router", None), APIRouter):
            yield from _doors(included.routes, prefix)
        elif isinstance(route, Mount) and isinstance(route.app, FastAPI):
            yield from _doors(route.app.routes, prefix + route.path)


def what_counts(files: DataFiles) -> list[object]:
    """Everything in control.db that somebody may change, but not the trail of who tried."""
    tables = ("control", "flag", "person", "token", "sign_in_link", "follow_up")
    with closing(sqlite3.connect(files.control)) as connection:
        return [connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables]  # noqa: S608
