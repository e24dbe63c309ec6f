"""Rendering: templates that fail on a missing value, and the addresses of static files."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from flagctl.domain.fields import describe
from flagctl.paths import data_path
from flagctl.settings import Settings
from flagctl.vocabulary import FRESHNESS, MODES, SOURCES, Tone
from flagctl.web.services import services_of

ENVIRONMENT_TONES = {
    "production": Tone.BAD,
    "prod": Tone.BAD,
    "staging": Tone.WARN,
}


def templates(settings: Settings) -> Jinja2Templates:
    """Return the renderer of one app."""
    return Jinja2Templates(env=_environment(settings))


def render(request: Request, name: str, status: int = 200, **context: object) -> Response:
    """Return the page `name`; `now` is the services' clock, read once for the whole page."""
    found = request.app.state.templates
    assert isinstance(found, Jinja2Templates)  # noqa: S101 - `create` put it there
    values: dict[str, Any] = {"now": services_of(request).clock(), **context}
    return found.TemplateResponse(request, name, values, status_code=status)


def _environment(settings: Settings) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(data_path("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        environment=settings.environment,
        environment_tone=ENVIRONMENT_TONES.get(settings.environment.lower(), Tone.CALM),
        runbook_url=settings.runbook_url,
        static_url=static_url,
        modes=MODES,
        sources=SOURCES,
        freshness=FRESHNESS,
    )
    environment.filters.update(utc=utc, clock=clock, iso=iso, ago=ago, until=until)
    return environment


@cache
def static_url(name: str) -> str:
    """Return the address of a static file, with its content's hash so that it can be kept."""
    digest = hashlib.sha256(Path(data_path("static"), name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:16]}"


def iso(when: datetime) -> str:
    """Return a time for a machine, as `<time datetime>` wants it."""
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def utc(when: datetime) -> str:
    """Return a time with its date and zone, for a person."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def clock(when: datetime) -> str:
    """Return the time of the day with its zone, for a person."""
    return f"{when.astimezone(UTC):%H:%M} UTC"


def ago(when: datetime, now: datetime) -> str:
    """Return how long ago something was, in words."""
    return f"{_span(now - when)} ago"


def until(when: datetime, now: datetime) -> str:
    """Return how far something lies in the future or in the past, in words."""
    return f"in {_span(when - now)}" if when > now else ago(when, now)


def _span(span: timedelta) -> str:
    # Beside hours, seconds would only be noise.
    whole = span - span % timedelta(minutes=1) if span >= timedelta(hours=1) else span
    return describe(whole)
