"""The trace of a request (W3C Trace Context), and its one line in the log."""

from __future__ import annotations

import secrets
import time
from contextvars import ContextVar
from typing import Final

import structlog
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log: Final = structlog.get_logger("flagctl.runtime")
_propagator: Final = TraceContextTextMapPropagator()
_PATH_MAX_CHARS: Final = 200

POLLED_PATHS: Final = frozenset({"/api/health", "/api/ready", "/metrics"})
"""Asked every few seconds by machines; a line for each would bury the submissions."""

_trace_id: ContextVar[str] = ContextVar("trace_id", default="0" * 32)


def current_trace_id() -> str:
    """Return the trace id of the request at hand: 32 hexadecimal digits."""
    return _trace_id.get()


class Tracing:
    """Gives each request the caller's trace id, or a new one, and logs how it was answered.

    Pure ASGI: Starlette's own middleware class costs more than half of the throughput.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = time.perf_counter()
        status = 500

        async def noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        trace_id = _extracted(scope) or secrets.token_hex(16)
        _trace_id.set(trace_id)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(trace_id=trace_id)
        try:
            await self._app(scope, receive, noting_status)
        finally:
            write = _log.debug if scope["path"] in POLLED_PATHS else _log.info
            write(
                "request",
                method=scope["method"],
                path=scope["path"][:_PATH_MAX_CHARS],
                status=status,
                duration_ms=round((time.perf_counter() - started_s) * 1000, 3),
            )


def _extracted(scope: Scope) -> str | None:
    """Return the trace id of a well-formed `traceparent` header."""
    given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"]
    if len(given) != 1:
        return None
    context = _propagator.extract({"traceparent": given[0]})
    span = trace.get_current_span(context).get_span_context()
    return trace.format_trace_id(span.trace_id) if span.is_valid else None
