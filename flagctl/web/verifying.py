"""Verifying the trail's chain from the audit page: a short trail at once, a long one meanwhile."""

from __future__ import annotations

import time
from threading import Thread
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from flagctl.store.chain_walk import AT_ONCE_S, begin_walk, walk_chain
from flagctl.vocabulary import Role
from flagctl.web.identity import Caller, at_least
from flagctl.web.services import Services, services_of

WAITED_FOR_S: Final = 0.5
"""Long enough for some ten thousand events, short enough to be waited for."""

Operator = Annotated[Caller, Depends(at_least(Role.OPERATOR))]

router = APIRouter()


@router.post("/audit/verify")
def verify(request: Request, caller: Operator) -> Response:
    """Walk over the whole chain in a thread of its own; the page says how far it is."""
    services, by = services_of(request), caller.actor.name
    if begin_walk(services.files, by, services.clock()):
        walk = Thread(target=_walk, args=(services, by), daemon=True, name="chain walk")
        walk.start()
        walk.join(WAITED_FOR_S)
    return RedirectResponse("/audit#chain", 303)


def _walk(services: Services, by: str) -> None:
    # As long a pause as the work before it, so that pages get their turn meanwhile.
    walk_chain(
        services.files,
        by,
        services.clock,
        pause=lambda: time.sleep(AT_ONCE_S),
        busy_timeout_s=services.settings.busy_timeout_s,
    )
