"""What every answer of the admin web carries, whatever made it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

SECURITY_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # Not `no-referrer`: browsers then send `Origin: null` with forms.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
)

NEVER_KEPT: Final = "no-store"
KEPT_FOR_A_YEAR: Final = "public, max-age=31536000, immutable"


class SecurityHeaders:
    """Adds the security headers, and keeps pages out of every cache."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cache = KEPT_FOR_A_YEAR if _is_versioned_file(scope) else NEVER_KEPT

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                kept = cache if message["status"] in {200, 304} else NEVER_KEPT
                headers.setdefault("Cache-Control", kept)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _is_versioned_file(scope: Scope) -> bool:
    """Tell whether the address names the content too, as `pages.static_url` writes it."""
    path: str = scope["path"]
    query: bytes = scope["query_string"]
    return path.startswith("/static/") and query.startswith(b"v=")
