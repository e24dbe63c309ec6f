"""The admin web app, put together from its services."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from flagctl.paths import data_path
from flagctl.web import health, home
from flagctl.web.headers import SecurityHeaders
from flagctl.web.pages import templates
from flagctl.web.services import Services

MAX_BODY_BYTES = 64 * 1024


def create(services: Services) -> FastAPI:
    """Return the app; it holds no state of its own, so any number of workers may run it."""
    app = FastAPI(
        title="flagctl",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        max_body_size=MAX_BODY_BYTES,
    )
    app.state.services = services
    app.state.templates = templates(services.settings)
    app.include_router(health.router)
    app.include_router(home.router)
    app.mount("/static", StaticFiles(directory=data_path("static")), name="static")
    app.add_middleware(SecurityHeaders)
    return app
