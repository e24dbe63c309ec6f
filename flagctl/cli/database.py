"""`flagctl db`: operations on the control database, safe while everything runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flagctl.cli.desk import Desk, invoking_actor, now, sit_down
from flagctl.cli.exits import CHECK_FAILED, DONE
from flagctl.cli.options import Claim, Json
from flagctl.cli.say import say, say_json
from flagctl.present.sentence import sentence
from flagctl.present.trail import audit_record
from flagctl.present.wording import plural

if TYPE_CHECKING:
    from flagctl.store.examine import Examination
    from flagctl.store.restore import Restored

app = typer.Typer(
    help="The control database: upgrade, check, backup, restore.", no_args_is_help=True
)

File = Annotated[Path, typer.Argument(metavar="PATH", help="The backup, one file.")]
BrokenTrail = Annotated[
    bool,
    typer.Option(
        "--accept-broken-trail", help="Also when the trail in it does not hold; it stays broken."
    ),
]
OptionalReason = Annotated[str | None, typer.Option("--reason", help="Why, for the trail.")]


@app.command()
def upgrade(json: Json = False) -> None:
    """Make control.db, or bring it to the schema of this version."""
    from flagctl.store.migrate import upgrade as upgrade_files

    desk = sit_down()
    changed = upgrade_files(desk.files)
    path = desk.files.control
    if json:
        say_json({"path": path, "changed": changed})
    else:
        say(f"{path} {'is ready now' if changed else 'was up to date already'}.")


@app.command()
def check(json: Json = False) -> int:
    """Examine pages, references, schema, flags and trail; exit 5 when something is wrong."""
    from flagctl.store.examine import check as examine_control

    desk = sit_down()
    found = examine_control(desk.files, desk.settings.busy_timeout_s)
    if json:
        say_json({"is_whole": found.is_whole, "findings": found.findings})
    else:
        _tell_examination(desk, found)
    return DONE if found.is_whole else CHECK_FAILED


@app.command()
def backup(path: File, accept_broken_trail: BrokenTrail = False, json: Json = False) -> None:
    """Copy control.db into one examined file, while everything runs."""
    from flagctl.store.backup import backup as copy_control

    desk = sit_down()
    made = copy_control(
        desk.files,
        path,
        accept_broken_trail=accept_broken_trail,
        busy_timeout_s=desk.settings.busy_timeout_s,
    )
    if json:
        say_json(made)
        return
    say(f"{made.path}: {made.by_flags} by flags at revision {made.revision}, {made.size_bytes} B.")
    say(f"SHA-256 {made.sha256}")
    say(f"{made.events} audit events; head {made.head_hash}. Keep the head elsewhere too.")


@app.command()
def restore(
    path: File,
    reason: OptionalReason = None,
    accept_broken_trail: BrokenTrail = False,
    actor: Claim = None,
    json: Json = False,
) -> None:
    """Bring a backup into force; the lower mode of now and then is kept, nothing is lost."""
    from flagctl.store.restore import restore as bring_back

    desk = sit_down()
    done = bring_back(
        desk.files,
        path,
        invoking_actor(actor),
        now,
        reason=reason,
        accept_broken_trail=accept_broken_trail,
        busy_timeout_s=desk.settings.busy_timeout_s,
    )
    if json:
        say_json(_restore_shown(done))
    else:
        _tell_restore(done)


def _tell_examination(desk: Desk, found: Examination) -> None:
    for finding in found.findings:
        say(
            f"{'FAILED' if finding.problem else 'ok    '} {finding.name}: {finding.problem or 'ok'}"
        )
    if found.is_whole:
        say(f"{desk.files.control} is whole.")
    else:
        say("Compare with a backup: flagctl db restore PATH brings one back.")


def _restore_shown(done: Restored) -> dict[str, object]:
    return {
        "event": audit_record(done.event),
        "rollback_added": done.rollback is not None,
        "saved_as": done.saved_as,
        "lost_events": done.lost_events,
    }


def _tell_restore(done: Restored) -> None:
    say(sentence(done.event))
    if done.rollback is not None:
        say(f"A rollback at {done.rollback.mode} was added, so that nobody was raised.")
    if done.saved_as is not None:
        say(f"What it replaced is kept as {done.saved_as}.")
    if done.lost_events and done.how_to_read_replaced:
        say(f"In that file only: {plural(done.lost_events, 'event')} of its trail. To read it:")
        say(f"  {done.how_to_read_replaced}")
    say("Tokens and people are those of the backup: flagctl tokens list, flagctl users list.")
