"""Whether this process lives, and whether it can read what it shows."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from flagctl.store.reading import read_state, reading
from flagctl.store.trouble import StoreTroubleError
from flagctl.web.services import services_of

router = APIRouter()


@router.get("/healthz")
def healthz() -> Response:
    """Say that the process answers; nothing else is looked at."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
def readyz(request: Request) -> Response:
    """Say whether the control store can be read: 200, or 503 with the trouble."""
    services = services_of(request)
    try:
        with reading(services.files, services.settings.busy_timeout_s) as connection:
            revision = read_state(connection).revision
    except StoreTroubleError as error:
        trouble = {"status": "failed", "trouble": error.trouble, "message": str(error)}
        return JSONResponse(trouble, status_code=503)
    return JSONResponse({"status": "ok", "revision": revision})
