"""What the admin web works with; the composition root makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from flagctl.settings import Settings
from flagctl.store.files import DataFiles


@dataclass(frozen=True, slots=True)
class Services:
    """The settings, the data directory and the clock (aware, in UTC) of one web process."""

    settings: Settings
    files: DataFiles
    clock: Callable[[], datetime]


def services_of(request: Request) -> Services:
    """Return the services of the app that got this request."""
    found = request.app.state.services
    assert isinstance(found, Services)  # noqa: S101 - `create` put it there
    return found
