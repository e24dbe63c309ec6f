"""`flagctl audit`: the trail, listed, verified and exported."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from flagctl.cli.desk import Desk, invoking_actor, now, sit_down
from flagctl.cli.exits import CHECK_FAILED, DONE
from flagctl.cli.options import Json
from flagctl.cli.say import say, say_json, warn
from flagctl.domain import fields
from flagctl.domain.audit import Verification
from flagctl.errors import InvalidError
from flagctl.present.trail import audit_record, csv_lines, json_lines
from flagctl.store.audit_log import AuditFilter, list_events, verify_trail
from flagctl.store.trouble import StoreTroubleError
from flagctl.store.verified import Verified, keep_verified
from flagctl.vocabulary import Action, Outcome

app = typer.Typer(help="The audit trail: who did what, when and why.", no_args_is_help=True)

ActorName = Annotated[str | None, typer.Option("--actor", help="Only of this one: os:alice.")]
OfAction = Annotated[Action | None, typer.Option(help="Only of this kind.")]
OfOutcome = Annotated[Outcome | None, typer.Option(help="Only those that ended so.")]
OfFlag = Annotated[int | None, typer.Option("--flag", help="Only of the flag with this number.")]
Since = Annotated[str | None, typer.Option(metavar="TIME", help="From this RFC 3339 time on.")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Before this RFC 3339 time.")]
Before = Annotated[int | None, typer.Option("--before", help="Older than this event's number.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]


class ExportFormat(StrEnum):
    """How the trail is exported."""

    JSONL = "jsonl"
    CSV = "csv"


@app.command("list")
def list_(
    limit: Limit = 20,
    actor: ActorName = None,
    action: OfAction = None,
    outcome: OfOutcome = None,
    flag: OfFlag = None,
    since: Since = None,
    until: Until = None,
    before: Before = None,
    json: Json = False,
) -> None:
    """List events, the newest first."""
    wanted = AuditFilter(
        actor, action, outcome, flag, _time(since, "since"), _time(until, "until"), before
    )
    with sit_down().reading() as connection:
        events = list(list_events(connection, wanted, limit=limit))
    if json:
        say_json([audit_record(event) for event in events])
        return
    for event in events:
        say(f"{event.id:>6}  {event.at:%Y-%m-%d %H:%M:%S} UTC  {audit_record(event).sentence}")
    if len(events) == limit and events[-1].id > 1:
        say(f"Older ones: --before {events[-1].id}")
    if not events:
        say("No event passes this filter.")


@app.command()
def verify(json: Json = False) -> int:
    """Check every link of the chain; exit 5 and the first broken one when it does not hold.

    A chain can't prove that its newest events were not cut off: compare the head with the one in
    the logs. The audit page shows the result.
    """
    desk = sit_down()
    with desk.reading() as connection:
        found = verify_trail(connection)
    _keep(desk, found)
    if json:
        say_json({"holds": found.holds, **asdict(found)})
    elif found.holds:
        say(f"The chain holds over {found.events} events; its head is {found.head_hash}.")
    else:
        say(f"BROKEN at event {found.broken_id}: {found.problem}.")
        say(f"The {found.events} events before it hold. Compare with an export or a backup.")
    return DONE if found.holds else CHECK_FAILED


def _keep(desk: Desk, found: Verification) -> None:
    try:
        keep_verified(desk.files, Verified(now(), invoking_actor().name, found))
    except StoreTroubleError as error:
        warn(f"The audit page will not show this result. {error}")


@app.command()
def export(
    format_: Annotated[ExportFormat, typer.Option("--format", help="Lines of JSON, or CSV.")] = (
        ExportFormat.JSONL
    ),
    actor: ActorName = None,
    action: OfAction = None,
    outcome: OfOutcome = None,
    flag: OfFlag = None,
    since: Since = None,
    until: Until = None,
    json: Json = False,
) -> None:
    """Write what passes the filter to the standard output, the oldest event first."""
    if json and format_ is ExportFormat.CSV:
        raise InvalidError("--json and --format csv exclude each other; take one.", "format")
    wanted = AuditFilter(actor, action, outcome, flag, _time(since, "since"), _time(until, "until"))
    lines = csv_lines if format_ is ExportFormat.CSV else json_lines
    with sit_down().reading() as connection:
        sys.stdout.writelines(lines(list_events(connection, wanted, newest_first=False)))


def _time(text: str | None, field: str) -> datetime | None:
    return None if text is None else fields.moment(text, field)
