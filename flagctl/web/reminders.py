"""The reminders: what is due and comes next, what was told and how, what failed, what is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from flagctl.domain import fields
from flagctl.domain.reminder_words import DELIVERIES, RECIPIENTS
from flagctl.errors import FlagctlError, InvalidError
from flagctl.present.reminder_records import RemindersRecord
from flagctl.present.reminders import reminders_record, stage_words
from flagctl.store.acknowledging import acknowledge, see_failed
from flagctl.store.follow_ups import close_follow_up
from flagctl.store.reading import read_state, reading
from flagctl.store.reminder_overview import read_overview
from flagctl.store.trouble import StoreTroubleError
from flagctl.vocabulary import Role
from flagctl.web.act_views import Choice
from flagctl.web.identity import Caller, SignedIn
from flagctl.web.pages import render
from flagctl.web.problems import status_of
from flagctl.web.services import Services, services_of
from flagctl.web.typed import Fields, TypedToKeep, number_in

REMINDERS: Final = "/reminders"
TOLD_SHOWN: Final = 20
HOLDS: Final = (Choice("15m", "15 min"), Choice("30m", "30 min"), Choice("1h", "1 h", "the most"))

WORDS: Final[Mapping[str, Any]] = {
    "deliveries": DELIVERIES,
    "recipients": RECIPIENTS,
    "stage_words": stage_words,
}
"""What the parts of the page that show reminders need."""

router = APIRouter()


@router.get(REMINDERS)
def reminders(request: Request, caller: SignedIn) -> Response:
    """Show what comes, what was told and how that went, what failed, and what is left to do."""
    return _page(request, caller, dict(request.query_params))


@router.get(f"{REMINDERS}/acknowledge")
@router.get(f"{REMINDERS}/seen")
@router.get(f"{REMINDERS}/close")
def back(_caller: SignedIn) -> Response:
    """Lead whoever had to sign in first back to the page: its forms act on what is there now."""
    return RedirectResponse(REMINDERS, 303)


@router.post(f"{REMINDERS}/acknowledge")
def acknowledge_stage(request: Request, typed: TypedToKeep, caller: SignedIn) -> Response:
    """Hold the stage that has come, and note that what failed was seen."""

    def work() -> object:
        span = fields.duration(typed.get("for", ""), "for")
        store = services_of(request).store
        revision, up_to = number_in(typed, "revision"), number_in(typed, "up_to")
        return acknowledge(store, caller.actor, span, revision, up_to)

    return _answer(request, caller, typed, work)


@router.post(f"{REMINDERS}/seen")
def failures_seen(request: Request, typed: TypedToKeep, caller: SignedIn) -> Response:
    """Note that somebody has seen what failed, as far as the page showed it."""
    store = services_of(request).store
    return _answer(
        request,
        caller,
        typed,
        lambda: see_failed(store, caller.actor, number_in(typed, "up_to")),
    )


@router.post(f"{REMINDERS}/close")
def close(request: Request, typed: TypedToKeep, caller: SignedIn) -> Response:
    """Close what an ended flag left to do."""

    def work() -> object:
        flag_id = number_in(typed, "flag")
        if flag_id is None:
            raise InvalidError("flag is missing. Say which flag's follow-up is done.", "flag")
        store = services_of(request).store
        return close_follow_up(store, flag_id, typed.get("reason", ""), caller.actor)

    return _answer(request, caller, typed, work)


def read_reminders(
    services: Services,
    flag_id: int | None = None,
    before: int | None = None,
    limit: int = TOLD_SHOWN,
) -> tuple[RemindersRecord, int]:
    """Return everything about reminders, and the revision of the same moment."""
    now = services.clock()
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        revision = read_state(connection).revision
        found = read_overview(connection, now, flag_id=flag_id, before=before, limit=limit)
    return reminders_record(found, now), revision


def _answer(
    request: Request, caller: Caller, typed: Fields, work: Callable[[], object]
) -> Response:
    try:
        work()
    except StoreTroubleError:
        raise
    except FlagctlError as error:
        return _page(request, caller, {}, error, typed)
    return RedirectResponse(REMINDERS, 303)


def _page(
    request: Request,
    caller: Caller,
    asked: Fields,
    error: FlagctlError | None = None,
    typed: Fields | None = None,
) -> Response:
    flag_id = before = None
    try:
        flag_id, before = number_in(asked, "flag"), number_in(asked, "before")
    except InvalidError as wrong:
        error, typed = wrong, asked
    record, revision = read_reminders(services_of(request), flag_id, before)
    return render(
        request,
        "reminders.html",
        status_of(error) if error else 200,
        record=record,
        revision=revision,
        flag_id=flag_id,
        # On a page about one flag, the failures of others were not shown.
        seen_up_to=record.failed[-1].id if record.failed and flag_id is None else 0,
        is_first=before is None,
        error=error,
        typed=typed or {},
        asked=asked,
        holds=HOLDS,
        may_act=caller.actor.role.includes(Role.OPERATOR),
        **WORDS,
    )
