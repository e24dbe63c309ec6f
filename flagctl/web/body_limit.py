"""Bodies are read whole, and refused when they are larger than anything we ask for."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flagctl.web.problems import HttpError, problem_response

MAX_BODY_BYTES: Final = 64 * 1024


class BodyLimit:
    """Reads the body before the app does, so that a refusal looks like every other one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        first = await _read(receive)
        if first is None:
            refusal = HttpError("What was sent is too large: at most 64 KiB.", 413)
            await problem_response(Request(scope), refusal)(scope, receive, send)
            return
        messages = iter([first])

        async def replay() -> Message:
            return next(messages, None) or await receive()

        await self._app(scope, replay, send)


async def _read(receive: Receive) -> Message | None:
    """Return the whole body as one message; `None` when it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return {"type": "http.request", "body": bytes(body), "more_body": False}
