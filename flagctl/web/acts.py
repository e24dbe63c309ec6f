"""The pages of the acts: a GET shows the form, a POST does the act by the one write path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from flagctl.errors import FlagctlError, StaleError
from flagctl.present.records import AuditRecord
from flagctl.present.trail import audit_record
from flagctl.store.audit_log import changes_since
from flagctl.store.reading import reading
from flagctl.store.trouble import StoreTroubleError
from flagctl.vocabulary import Action
from flagctl.web.act_forms import FORMS, Form
from flagctl.web.act_views import view
from flagctl.web.identity import Caller, SignedIn
from flagctl.web.outlook import Outlook, look
from flagctl.web.pages import render
from flagctl.web.problems import status_of
from flagctl.web.retiring import remains
from flagctl.web.services import Services, services_of
from flagctl.web.typed import Fields, TypedToKeep

router = APIRouter()


def _showing(form: Form) -> Callable[..., Response]:
    def show(request: Request, caller: SignedIn) -> Response:
        return _page(request, caller, form, dict(request.query_params))

    return show


def _doing(form: Form) -> Callable[..., Response]:
    def do(request: Request, typed: TypedToKeep, caller: SignedIn) -> Response:
        services = services_of(request)
        try:
            change = form.build(typed, services.clock())
            receipt = services.store.apply(change, caller.actor, services.facts())
        except StoreTroubleError:
            raise
        except FlagctlError as error:
            return _page(request, caller, form, typed, error)
        return RedirectResponse(f"/receipts/{receipt.event.id}", 303)

    return do


def _page(
    request: Request,
    caller: Caller,
    form: Form,
    typed: Fields,
    error: FlagctlError | None = None,
) -> Response:
    services = services_of(request)
    outlook = look(services)
    context: dict[str, Any] = {
        "form": form,
        "typed": typed,
        "error": error,
        "meanwhile": _meanwhile(services, error),
        "status": outlook.status,
        "preflight": outlook.preflight,
        "view": view(form, outlook, caller, typed),
        "remains": _remains(services, form, outlook),
    }
    return render(request, form.template, status_of(error) if error else 200, **context)


def _remains(services: Services, form: Form, outlook: Outlook) -> tuple[str, ...]:
    """Return what is left to clean up after this act, if it is one that leaves something."""
    cutover = outlook.state.cutover
    if form.action is not Action.RETIRE or cutover is None:
        return ()
    return remains(services, cutover, outlook.state)


def _meanwhile(services: Services, error: FlagctlError | None) -> list[AuditRecord]:
    """Return what was changed since the author of a stale act looked."""
    if not isinstance(error, StaleError):
        return []
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        return [audit_record(event) for event in changes_since(connection, error.given)]


for each in FORMS:
    router.add_api_route(each.path, _showing(each), methods=["GET"], name=f"ask {each.action}")
    router.add_api_route(each.path, _doing(each), methods=["POST"], name=f"do {each.action}")
