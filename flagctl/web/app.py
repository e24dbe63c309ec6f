"""The admin web app, put together from its services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from typing import Protocol

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
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
    metrics,
    patterns,
    people,
    preflight,
    problems,
    processes,
    receipts,
    reminders,
    runbook,
    sign_in,
    submissions,
    tokens,
    verifying,
)
from flagctl.web.body_limit import BodyLimit
from flagctl.web.headers import SecurityHeaders
from flagctl.web.origin import OwnOriginOnly
from flagctl.web.pages import templates
from flagctl.web.services import Services

ROOMS = (
    health, metrics, sign_in, account, home, acts, receipts, flags, reminders, audit, verifying,
    processes, submissions, preflight, runbook, people, tokens, patterns,
)  # fmt: skip


class Alongside(Protocol):
    """What runs in the background as long as the app does."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


def create(services: Services, alongside: Sequence[Alongside] = ()) -> FastAPI:
    """Return the app; it holds no state of its own, so any number of workers may run it."""
    app = FastAPI(
        title="flagctl",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan(alongside),
    )
    # The address to which it would lead begins with the name in the request.
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.templates = templates(services.settings)
    problems.install(app)
    for room in ROOMS:
        app.include_router(room.router)
    app.mount(api.PREFIX, api.create(services))
    app.mount("/static", StaticFiles(directory=data_path("static")), name="static")
    # No page that another site can ask for holds a secret, so its length tells none.
    app.add_middleware(GZipMiddleware, minimum_size=500, compresslevel=5)
    app.add_middleware(BodyLimit)
    app.add_middleware(OwnOriginOnly, public_url=services.settings.public_url)
    app.add_middleware(SecurityHeaders)
    return app


def _lifespan(
    alongside: Sequence[Alongside],
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with ExitStack() as stack:
            for each in alongside:
                each.start()
                stack.callback(each.stop)
            yield

    return lifespan
