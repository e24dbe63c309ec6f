"""The runtime's HTTP application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from flagctl.errors import UnavailableError
from flagctl.runtime import health, jobs, openapi, problems
from flagctl.runtime.problems import ProblemCode, ProblemError
from flagctl.runtime.retention import forget_old_submissions
from flagctl.runtime.services import Services
from flagctl.runtime.tracing import Tracing

_BY_STATUS: Final = {404: ProblemCode.NOT_FOUND, 405: ProblemCode.METHOD_NOT_ALLOWED}


def create(services: Services) -> FastAPI:
    """Return the application; what it works with is closed when it stops."""
    # No pages of documentation: they would load scripts from elsewhere.
    app = FastAPI(
        title=openapi.TITLE,
        version=openapi.API_VERSION,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(services),
    )
    app.include_router(jobs.router(services))
    app.include_router(health.router(services))
    app.add_exception_handler(ProblemError, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(Exception, _answer_fault)
    app.add_middleware(Tracing)
    app.openapi = openapi.document(app)  # type: ignore[method-assign]
    return app


def _lifespan(
    services: Services,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(services.reader.close)
            stack.callback(services.store.close)
            for each in services.background:
                each.start()
                stack.callback(each.stop)
            for dispatcher in services.dispatchers.by_name.values():
                stack.push_async_callback(dispatcher.close)
            with suppress(UnavailableError):
                # Not usable: readiness says so, and submissions are 503 until it is.
                await services.store.check()
            for watch in services.watching:
                watch.start()
                stack.callback(watch.stop)
            purging = asyncio.create_task(
                forget_old_submissions(services.store, services.clock, services.retention)
            )
            stack.callback(purging.cancel)
            if services.settler is not None:
                settling = asyncio.create_task(services.settler.run())
                stack.callback(settling.cancel)
            yield

    return lifespan


async def _answer_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this class
    return problems.response(error)


async def _answer_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    code = _BY_STATUS.get(error.status_code, ProblemCode.INTERNAL)
    return problems.response(ProblemError(code, error.detail))


async def _answer_fault(_request: Request, _error: Exception) -> Response:
    # The server logs the error itself, with its traceback and this trace id.
    return problems.response(problems.fault())
