"""The adapter processes heard of, each with the mode that is in force in it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from flagctl.web.identity import SignedIn
from flagctl.web.outlook import look
from flagctl.web.pages import render
from flagctl.web.services import services_of

router = APIRouter()


@router.get("/processes")
def processes(request: Request, _caller: SignedIn) -> Response:
    """Show every process on record."""
    return render(request, "processes.html", status=look(services_of(request)).status)
