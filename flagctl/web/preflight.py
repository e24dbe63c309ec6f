"""Whether the top mode may come into force now: each precondition, and what every queue gets."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from flagctl.web.identity import SignedIn
from flagctl.web.outlook import look
from flagctl.web.pages import render
from flagctl.web.services import services_of

router = APIRouter()


@router.get("/preflight")
def preflight(request: Request, _caller: SignedIn) -> Response:
    """Show what the live processes found."""
    outlook = look(services_of(request))
    return render(request, "preflight.html", status=outlook.status, preflight=outlook.preflight)
