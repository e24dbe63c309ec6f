"""`flagctl impact`: what was resolved in the last hour, and what flips did to it."""

from __future__ import annotations

from typing import Final

from flagctl.cli.desk import now, sit_down
from flagctl.cli.options import Json
from flagctl.cli.say import say, say_json
from flagctl.present.impact import ImpactRecord, impact_record

MINUTES_SAID: Final = 10


def impact(json: Json = False) -> None:
    """Say how resolutions ended in the last hour, and before and after each flip."""
    from flagctl.store.impacts import last_hour

    desk, at = sit_down(), now()
    with desk.reading() as connection:
        record = impact_record(last_hour(desk.files, connection, at), at)
    if json:
        say_json(record)
    else:
        _tell(record)


def _tell(record: ImpactRecord) -> None:
    say(record.sentence)
    if not record.is_readable:
        return
    for flip in record.flips:
        say()
        say(f"revision {flip.revision}: {flip.sentence}")
        say(f"  {flip.act}")
    if record.has_more_flips:
        say("Older flips: flagctl audit list")
    counted = [minute for minute in record.minutes if minute.is_counted]
    if counted:
        say()
    for minute in counted[-MINUTES_SAID:]:
        say(minute.sentence)
