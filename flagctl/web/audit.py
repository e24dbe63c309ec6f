"""The audit page: filters, pages by key, and the export of exactly what is filtered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from flagctl.domain.audit import AuditEvent
from flagctl.domain.impact import FLIPS
from flagctl.errors import InvalidError, NotFoundError
from flagctl.present.trail import audit_record, csv_lines, json_lines
from flagctl.store.audit_search import Search, find, walk
from flagctl.store.chain_walk import walk_under_way
from flagctl.store.reading import reading
from flagctl.store.verified import standing
from flagctl.vocabulary import Action, Outcome
from flagctl.web.identity import Caller, SignedIn
from flagctl.web.pages import render
from flagctl.web.problems import status_of
from flagctl.web.services import Services, services_of
from flagctl.web.typed import Fields

ID_MAX_DIGITS: Final = 15

CHANGES_OF_FLAGS: Final = (*FLIPS, Action.EXTEND, Action.HAND_OVER)
KINDS: Final[Mapping[str, tuple[Action, ...]]] = {
    "changes of flags": CHANGES_OF_FLAGS,
    "people and tokens": (
        Action.PERSON_ADDED,
        Action.PERSON_CHANGED,
        Action.LINK_ISSUED,
        Action.TOKEN_ISSUED,
        Action.TOKEN_REVOKED,
    ),
    "sightings": (Action.BREAK_GLASS, Action.PIN_SEEN, Action.POLICY_SEEN),
}

FILTERS: Final = ("person", "action", "kind", "outcome", "flag", "since", "until", "text")

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Format:
    """A way to export events."""

    media_type: str
    lines: Callable[[Iterable[AuditEvent]], Iterator[str]]


FORMATS: Final[Mapping[str, Format]] = {
    "csv": Format("text/csv; charset=utf-8", csv_lines),
    "jsonl": Format("application/jsonl; charset=utf-8", json_lines),
}


@router.get("/audit")
def audit(request: Request, caller: SignedIn) -> Response:
    """Show a page of the trail; a filter that can't be read is 422 with what was typed."""
    typed = dict(request.query_params)
    services = services_of(request)
    error = None
    try:
        wanted = search_from(typed, caller)
        before, after = _id(typed, "before"), _id(typed, "after")
    except InvalidError as refused:
        wanted, before, after, error = Search(), None, None, refused
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        found = find(connection, wanted, before=before, after=after)
        chain = standing(services.files, connection)
    kept = {name: typed[name] for name in FILTERS if typed.get(name)}
    return render(
        request,
        "audit.html",
        status_of(error) if error else 200,
        error=error,
        typed=typed,
        found=found,
        chain=chain,
        walk=walk_under_way(services.files),
        events=[audit_record(event) for event in found.events],
        actions=tuple(Action),
        outcomes=tuple(Outcome),
        kinds=tuple(KINDS),
        formats=tuple(FORMATS),
        is_filtered=bool(kept),
        query=urlencode(kept),
    )


@router.get("/audit/export.{extension}")
def export(request: Request, caller: SignedIn, extension: str) -> Response:
    """Stream everything that the filter finds, the newest first."""
    if extension not in FORMATS:
        raise NotFoundError(f"There is no export as {extension!r}; take one of: csv, jsonl.")
    wanted = search_from(dict(request.query_params), caller)
    chosen, services = FORMATS[extension], services_of(request)
    stamp = services.clock().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"audit-{stamp}.{extension}"
    return StreamingResponse(
        _exported(services, wanted, chosen),
        media_type=chosen.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _exported(services: Services, wanted: Search, chosen: Format) -> Iterator[str]:
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        yield from chosen.lines(walk(connection, wanted))


def search_from(typed: Fields, caller: Caller) -> Search:
    """Return the search that was typed.

    Raises:
        InvalidError: a filter can't be read.

    """
    action, kind = typed.get("action"), typed.get("kind")
    actions = KINDS.get(kind or "", ())
    if action:
        actions = (_action(action),)
    outcome = typed.get("outcome")
    return Search(
        actor=typed.get("person", "").strip() or None,
        actions=actions,
        outcome=_outcome(outcome) if outcome else None,
        flag_id=_id(typed, "flag"),
        since=_time(typed, "since", caller),
        until=_time(typed, "until", caller),
        text=typed.get("text", "").strip() or None,
    )


def _action(value: str) -> Action:
    try:
        return Action(value)
    except ValueError:
        raise InvalidError(f"{value!r} is no action. Take one of those listed.", "action") from None


def _outcome(value: str) -> Outcome:
    try:
        return Outcome(value)
    except ValueError:
        raise InvalidError(
            f"{value!r} is no outcome. Take one of those listed.", "outcome"
        ) from None


def _id(typed: Fields, field: str) -> int | None:
    text = typed.get(field, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= ID_MAX_DIGITS):
        raise InvalidError(f"{field} {text!r} is not a number.", field)
    return int(text)


def _time(typed: Fields, field: str, caller: Caller) -> datetime | None:
    """Return a time; one without a zone is meant where the person is."""
    text = typed.get(field, "").strip()
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo else when.replace(tzinfo=caller.zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidError(
            f"{field} {text!r} is no time. Write it as 2026-05-01T12:00, or with a zone.", field
        ) from None
