"""The first page: what is in force, who said so and until when."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from flagctl.domain.effective import by_flags
from flagctl.store.reading import read_state, reading
from flagctl.store.trouble import StoreTroubleError
from flagctl.web.pages import render
from flagctl.web.services import services_of

router = APIRouter()


@router.get("/")
def home(request: Request) -> Response:
    """Show the mode by flags; with trouble in the store, 503 and what to do about it."""
    services = services_of(request)
    try:
        with reading(services.files, services.settings.busy_timeout_s) as connection:
            state = read_state(connection)
    except StoreTroubleError as error:
        glass = services.files.break_glass.absolute()
        return render(request, "trouble.html", status=503, error=error, break_glass=glass)
    return render(request, "home.html", state=state, mode=by_flags(state))
