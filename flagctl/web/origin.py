"""Which requests a browser was led into by somebody else's page, or by somebody else's name."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from flagctl.errors import ForbiddenError, InvalidError
from flagctl.web.problems import problem_response

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FOR_MACHINES = ("/healthz", "/readyz", "/metrics")
"""Probes come by whatever name or address their operator likes; they tell no secrets."""


class OwnOriginOnly:
    """Refuses foreign host names, and unsafe requests from other origins.

    The second is the rule of Go 1.25's `CrossOriginProtection`: it needs no token in the forms.
    """

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self._app = app
        self._public_host = urlsplit(public_url).hostname

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None
        if scope["type"] == "http":
            request = Request(scope, receive)
            refusal = self._refusal(request)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await problem_response(request, refusal)(scope, receive, send)

    def _refusal(self, request: Request) -> InvalidError | ForbiddenError | None:
        host = request.headers.get("host", "")
        if request.url.path not in FOR_MACHINES and not self._is_own_host(host):
            return InvalidError(
                f"This server is not called {host!r}. Open it at its own address, or set "
                "FLAGCTL_PUBLIC_URL to the name that people use."
            )
        if request.method not in SAFE_METHODS and _is_cross_origin(request, host):
            return ForbiddenError(
                "This came from a page of another site. Nothing was changed. Open the page here "
                "and send it again."
            )
        return None

    def _is_own_host(self, host: str) -> bool:
        # An address can't be made to point here by a foreign name server; a name can.
        name = urlsplit(f"//{host}").hostname
        return name in {self._public_host, "localhost"} or _is_address(name)


def _is_cross_origin(request: Request, host: str) -> bool:
    if "authorization" in request.headers and request.url.path.startswith("/api/"):
        return False  # a browser sends no bearer token unless a page of ours told it to
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != host.lower()


def _is_address(name: str | None) -> bool:
    try:
        ip_address(name or "")
    except ValueError:
        return False
    return True
