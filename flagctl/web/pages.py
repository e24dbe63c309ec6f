"""Rendering: templates that fail on a missing value, and the addresses of static files."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from flagctl.paths import data_path
from flagctl.present.wording import plural
from flagctl.settings import Settings
from flagctl.vocabulary import FRESHNESS, MODES, RESOLUTIONS, SOURCES, Role, Tone
from flagctl.web import times
from flagctl.web.alarms import NOTHING, banner
from flagctl.web.navigation import menu_for
from flagctl.web.services import services_of

COMMAND: Final = re.compile("`((?:flagctl|fuser|touch) [^`]+)`")

ENVIRONMENT_TONES: Final = {"production": Tone.BAD, "prod": Tone.BAD, "staging": Tone.WARN}


def templates(settings: Settings) -> Jinja2Templates:
    """Return the renderer of one app."""
    return Jinja2Templates(env=_environment(settings))


def render(request: Request, template: str, status_code: int = 200, **context: object) -> Response:
    """Return the page; `now` is the services' clock, read once for the whole page."""
    found = request.app.state.templates
    assert isinstance(found, Jinja2Templates)  # noqa: S101 - `create` put it there
    caller = getattr(request.state, "caller", None)
    services, alarms = services_of(request), getattr(request.state, "alarms", NOTHING)
    now = services.clock()
    values: dict[str, Any] = {
        "now": now,
        "banner": banner(services, alarms, now) if caller else None,
        "me": caller,
        "menu": menu_for(caller.actor.role) if caller else [],
        "here": request.url.path,
        **context,
    }
    with times.shown_in(caller.zone if caller else times.IN_UTC):
        return found.TemplateResponse(request, template, values, status_code=status_code)


def _environment(settings: Settings) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(data_path("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # A process shows the pages that it began with, also while an upgrade replaces them.
        auto_reload=False,
    )
    environment.globals.update(
        environment=settings.environment,
        environment_tone=ENVIRONMENT_TONES.get(settings.environment.lower(), Tone.CALM),
        runbook=settings.runbook_url or "/runbook",
        static_url=static_url,
        plural=plural,
        modes=MODES,
        sources=SOURCES,
        freshness=FRESHNESS,
        resolutions=RESOLUTIONS,
        roles=tuple(Role),
    )
    environment.filters.update(times.FILTERS, field=field, commands=commands)
    return environment


@cache
def static_url(name: str) -> str:
    """Return the address of a static file, with its content's hash so that it can be kept."""
    digest = hashlib.sha256(Path(data_path("static"), name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:16]}"


def commands(message: object) -> Markup:
    """Return a message as HTML in which the commands to type stand out as such."""
    # What is not ours was escaped before.
    return Markup(COMMAND.sub(r"<code>\1</code>", str(escape(message))))  # noqa: S704


def field(error: object) -> str | None:
    """Return the form field at fault, when an error names one."""
    return getattr(error, "field", None)
