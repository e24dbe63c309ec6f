"""The admin web app, put together from its services."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from flagctl.paths import data_path
from flagctl.web import (
    account,
    acts,
    api,
    audit,
    flags,
    health,
    home,
    patterns,
    people,
    problems,
    processes,
    receipts,
    runbook,
    sign_in,
    tokens,
)
from flagctl.web.body_limit import BodyLimit
from flagctl.web.headers import SecurityHeaders
from flagctl.web.origin import OwnOriginOnly
from flagctl.web.pages import templates
from flagctl.web.services import Services

ROOMS = (
    health, sign_in, account, home, acts, receipts, flags, audit, processes, runbook, people,
    tokens, patterns,
)  # fmt: skip


def create(services: Services) -> FastAPI:
    """Return the app; it holds no state of its own, so any number of workers may run it."""
    app = FastAPI(
        title="flagctl",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.services = services
    app.state.templates = templates(services.settings)
    problems.install(app)
    for room in ROOMS:
        app.include_router(room.router)
    app.mount(api.PREFIX, api.create(services))
    app.mount("/static", StaticFiles(directory=data_path("static")), name="static")
    app.add_middleware(BodyLimit)
    app.add_middleware(OwnOriginOnly, public_url=services.settings.public_url)
    app.add_middleware(SecurityHeaders)
    return app
