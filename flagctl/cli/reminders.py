"""`flagctl reminders`: what comes, what was told, and what to do about it."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from typing import Annotated

import typer

from flagctl.cli.desk import Desk, invoking_actor, now, sit_down
from flagctl.cli.exits import CHECK_FAILED, DONE
from flagctl.cli.options import Claim, Json
from flagctl.cli.say import say, say_json, say_line
from flagctl.domain import fields
from flagctl.domain.access import short_name
from flagctl.domain.reminder_words import RECIPIENTS, Recipient
from flagctl.errors import InvalidError
from flagctl.present.reminder_records import RemindersRecord
from flagctl.present.reminders import reminders_record
from flagctl.present.wording import clock, plural
from flagctl.settings import Settings

app = typer.Typer(help="Reminders: what comes, what was told, what failed.", no_args_is_help=True)

RUN_WITHIN_S = 120.0

OfFlag = Annotated[int | None, typer.Option("--flag", help="Only of the flag with this number.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many that were told.")]
Stay = Annotated[bool, typer.Option("--stay", help="Go on until it is stopped, as a service.")]
Span = Annotated[str, typer.Option("--for", metavar="SPAN", help="How long to hold; at most 1h.")]
ToChannel = Annotated[
    Recipient | None, typer.Option("--to", help="Whose channel: operators or admins.")
]
ToPerson = Annotated[str | None, typer.Option("--person", help="The own address of this person.")]


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """What came of a test message to one address."""

    to: str
    """The address without its secrets."""
    error: str | None
    """What went wrong; `None` when the service took it."""


@app.command("list")
def list_(flag: OfFlag = None, limit: Limit = 20, json: Json = False) -> None:
    """List what comes next, what was told and how that went, and what is left to do."""
    record = overview(sit_down(), flag, limit)
    if json:
        say_json(record)
    else:
        _tell(record)


@app.command()
def run(stay: Stay = False, json: Json = False) -> int:
    """Tell everything that is due now, as cron would have it; another runner is left to it."""
    from flagctl import wiring

    desk = sit_down()
    if stay:
        _stay(desk.settings)
        return DONE
    runner = wiring.reminder_runner(desk.settings, is_patient=False)
    is_ours = runner.work_off(RUN_WITHIN_S)
    runner.release()
    record = overview(desk, None, 20)
    if json:
        say_json({"ran": is_ours, "failed": record.failed})
    elif is_ours:
        say("Everything that is due was tried. See: flagctl reminders list")
    else:
        say("Another process runs the reminders; nothing was left to do here.")
    return CHECK_FAILED if record.failed else DONE


@app.command()
def ack(for_: Span = "1h", actor: Claim = None, json: Json = False) -> None:
    """Say that you are on it: hold the current stage, and clear failed deliveries."""
    from flagctl.store.acknowledging import acknowledge

    done = acknowledge(sit_down().store(), invoking_actor(actor), fields.duration(for_, "for"))
    if json:
        say_json(done)
        return
    if done.until is not None:
        say(
            f"What is not delivered of {done.stage} of flag {done.flag} is held until "
            f"{clock(done.until, now())}; the next stage comes at its time."
        )
    if done.failed:
        say(f"{plural(done.failed, 'failed delivery', 'failed deliveries')} noted as seen.")


@app.command("test")
def try_out(to: ToChannel = None, person: ToPerson = None, json: Json = False) -> int:
    """Send a test message to a channel or to a person's own address, now."""
    from flagctl import wiring

    if to is Recipient.OWNER or (to is None) == (person is None):
        raise InvalidError("Give --to operators, --to admins, or --person NAME; one of them.", "to")
    desk = sit_down()
    name = short_name(invoking_actor().name)
    tried = wiring.try_addresses(desk.settings, name, to, person)
    found = [TrialRecord(label, error) for label, error in tried]
    if json:
        say_json(found)
    for each in [] if json else found:
        say(f"{each.to}: {each.error or 'taken'}")
    if not found:
        where = RECIPIENTS[to].help if to else f"{person} has no address of their own."
        raise InvalidError(f"There is no address to try. {where}", "to")
    return CHECK_FAILED if any(each.error for each in found) else DONE


def overview(desk: Desk, flag_id: int | None, limit: int) -> RemindersRecord:
    """Return everything about reminders as of now."""
    from flagctl.store.reminder_overview import read_overview

    at = now()
    with desk.reading() as connection:
        found = read_overview(connection, at, flag_id=flag_id, limit=limit)
    return reminders_record(found, at)


def _stay(settings: Settings) -> None:
    from flagctl import wiring
    from flagctl.store.files import DataFiles
    from flagctl.store.reading import keep_reading

    keep_reading(DataFiles(settings.data_dir), settings.busy_timeout_s)
    stopping = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stopping.set())
    runner = wiring.reminder_runner(settings)
    runner.start()
    say_line({"reminders": "run until this is stopped"}, as_json=False)
    stopping.wait()
    runner.stop()


def _tell(record: RemindersRecord) -> None:
    _tell_part("Comes next:", [each.sentence for each in record.upcoming])
    _tell_part("Failed, until `flagctl reminders ack`:", [each.sentence for each in record.failed])
    _tell_part("Still to be done:", [each.sentence for each in record.follow_ups])
    if not record.reminders:
        say("Nothing was told yet.")
        return
    say("Told:")
    for reminder in record.reminders:
        settled = " (settled)" if reminder.settled_at else ""
        say(f"  {reminder.id:>5}  {reminder.sentence}{settled}")
        for delivery in reminder.deliveries:
            say(f"           {delivery.sentence}")


def _tell_part(title: str, lines: list[str]) -> None:
    if lines:
        say(title)
        for line in lines:
            say(f"  {line}")
        say()
