"""`flagctl follow-ups`: what is left to do after flags that ended."""

from __future__ import annotations

from typing import Annotated

import typer

from flagctl.cli.desk import invoking_actor, now, sit_down
from flagctl.cli.options import Claim, Json, Reason
from flagctl.cli.say import say, say_json
from flagctl.present.reminders import follow_up_record

app = typer.Typer(help="What is left to do after flags that ended.", no_args_is_help=True)

FlagNumber = Annotated[int, typer.Argument(metavar="FLAG", help="The number of the ended flag.")]
Closed = Annotated[bool, typer.Option("--all", help="Those that were closed, too.")]


@app.command("list")
def list_(all_: Closed = False, json: Json = False) -> None:
    """List what is still to be done, the oldest first."""
    from flagctl.store.follow_ups import read_follow_ups

    at = now()
    with sit_down().reading() as connection:
        found = read_follow_ups(connection, closed=all_)
    records = [follow_up_record(each, at) for each in found]
    if json:
        say_json(records)
        return
    for record in records:
        say(record.sentence)
    if not records:
        say("Nothing is left to do.")


@app.command()
def close(flag: FlagNumber, reason: Reason, actor: Claim = None, json: Json = False) -> None:
    """Close what the flag left to do, saying what was done about it."""
    from flagctl.store.follow_ups import close_follow_up

    record = follow_up_record(
        close_follow_up(sit_down().store(), flag, reason, invoking_actor(actor)), now()
    )
    if json:
        say_json(record)
    else:
        say(record.sentence)
