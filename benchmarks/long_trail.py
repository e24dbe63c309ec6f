"""A control.db with as long an audit trail as is wanted, its chain real, made in one transaction.

What is looked for in vain or nearly so is the slow case of a search: `RARE` did something ten times
in any trail, and changes of flags are one event in 19. So a page shows as much of a short trail as
of a long one, and only the trail's length is compared.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

from flagctl.domain.audit import GENESIS_HASH, AuditEvent, sealed
from flagctl.domain.times import to_text
from flagctl.store.connection import open_connection
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.vocabulary import Action, Door, Outcome

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(seconds=10)
PEOPLE = ("person:alice", "person:bob", "os:root", "token:deploy")
RARE = "person:carol"
TIMES_OF_RARE = 10
CHANGE_EVERY = 19

COLUMNS = tuple(each.name for each in fields(AuditEvent))
TIME_AND_DETAIL = COLUMNS.index("at"), COLUMNS.index("detail")
OTHERS = attrgetter(*COLUMNS)


def make_trail(files: DataFiles, count: int) -> None:
    """Make the database and write `count` events."""
    upgrade(files)
    marks = ", ".join("?" * len(COLUMNS))
    with closing(open_connection(files.control)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            f"INSERT INTO audit_event ({', '.join(COLUMNS)}) VALUES ({marks})",  # noqa: S608
            trail(count),
        )
        connection.execute("COMMIT")


def time_of(number: int) -> datetime:
    return BEGIN + number * STEP


def trail(count: int) -> Iterator[list[Any]]:
    """Rows of events, each with the hash of the one before it."""
    head = GENESIS_HASH
    at_index, detail_index = TIME_AND_DETAIL
    for number in range(1, count + 1):
        actor = RARE if number % (count // TIMES_OF_RARE) == 0 else PEOPLE[number % len(PEOPLE)]
        event = sealed(unsealed(number, actor, head))
        head = event.hash
        row = list(OTHERS(event))
        row[at_index], row[detail_index] = to_text(event.at), "{}"
        yield row


def unsealed(number: int, actor: str, head: str) -> AuditEvent:
    is_change = number % CHANGE_EVERY == 0
    return AuditEvent(
        id=number,
        at=time_of(number),
        actor=actor,
        claim=None,
        source=Door.CLI,
        action=Action.ROLL_BACK if is_change else Action.POLICY_SEEN,
        outcome=Outcome.REFUSED if is_change else Outcome.SEEN,
        revision=None,
        flag_id=None,
        mode_before=None,
        mode_after=None,
        reason=f"the {number}th thing that was seen, told in a line of the usual length",
        detail={},
        prev_hash=head,
        hash="",
    )
