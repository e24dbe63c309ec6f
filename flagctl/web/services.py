"""What the admin web works with; the composition root makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from flagctl.domain.gate import Facts
from flagctl.domain.process import Heard
from flagctl.settings import Settings
from flagctl.store.files import DataFiles
from flagctl.store.sessions import Sessions
from flagctl.store.writing import ControlStore
from flagctl.web.passwords import Passwords


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What one web process works with. `clock` is aware and in UTC.

    `facts` are what an act is decided from besides the flags; `heard` are the
    adapter processes heard of.
    """

    settings: Settings
    files: DataFiles
    clock: Callable[[], datetime]
    store: ControlStore
    facts: Callable[[], Facts]
    heard: Callable[[], Heard]
    sessions: Sessions
    passwords: Passwords


def services_of(request: Request) -> Services:
    """Return the services of the app that got this request."""
    found = request.app.state.services
    assert isinstance(found, Services)  # noqa: S101 - `create` put it there
    return found
