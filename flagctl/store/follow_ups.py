"""What a flag left to do when it ended: open until a person closes it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from flagctl.domain import fields
from flagctl.domain.audit import Detail
from flagctl.domain.change import Actor
from flagctl.domain.delivery import FollowUp
from flagctl.domain.flag import Flag
from flagctl.domain.times import to_text
from flagctl.errors import ConflictError, NotFoundError
from flagctl.store.reading import rows
from flagctl.store.rows import follow_up_from_row
from flagctl.vocabulary import Action, Role

if TYPE_CHECKING:  # the write path imports this module
    from flagctl.store.transaction import Transaction
    from flagctl.store.writing import ControlStore


def open_follow_up(at: Transaction, flag: Flag) -> None:
    """Keep what the ended flag left to do, if anything."""
    if flag.ended_at is None or flag.follow_up is None:
        return
    at.connection.execute(
        "INSERT OR IGNORE INTO follow_up (flag_id, link, opened_at, opened_by) "
        "VALUES (:flag_id, :link, :opened_at, :opened_by)",
        {
            "flag_id": flag.id,
            "link": flag.follow_up,
            "opened_at": to_text(flag.ended_at),
            "opened_by": flag.ended_by,
        },
    )


def close_follow_up(store: ControlStore, flag_id: int, words: str, actor: Actor) -> FollowUp:
    """Close what the flag left to do, with what was done about it.

    Raises:
        ConflictError: it is closed already.
        ForbiddenError: the actor's role may not do this.
        InvalidError: the words can't be taken.
        NotFoundError: the flag left nothing to do.

    """
    from flagctl.store.access import administer

    clean = fields.reason(words)

    def work(at: Transaction) -> tuple[FollowUp, Detail]:
        found = _require_open(at.connection, flag_id)
        at.connection.execute(
            "UPDATE follow_up SET closed_at = :now, closed_by = :actor, closing_words = :words "
            "WHERE flag_id = :flag_id",
            {"now": to_text(at.now), "actor": actor.name, "words": clean, "flag_id": flag_id},
        )
        closed = _read(at.connection, flag_id) or found
        return closed, {"link": found.link, "words": clean}

    asked: Detail = {"flag": flag_id}
    return administer(store, actor, Action.CLOSE_FOLLOW_UP, asked, work, Role.OPERATOR)


def read_follow_ups(connection: sqlite3.Connection, *, closed: bool = False) -> list[FollowUp]:
    """Return the open follow-ups, the oldest first; with `closed` every one."""
    where = "" if closed else "WHERE closed_at IS NULL "
    found = rows(connection, f"SELECT * FROM follow_up {where}ORDER BY opened_at, flag_id")  # noqa: S608
    return [follow_up_from_row(row) for row in found]


def _read(connection: sqlite3.Connection, flag_id: int) -> FollowUp | None:
    found = rows(connection, "SELECT * FROM follow_up WHERE flag_id = :id", {"id": flag_id})
    return next(map(follow_up_from_row, found), None)


def _require_open(connection: sqlite3.Connection, flag_id: int) -> FollowUp:
    found = _read(connection, flag_id)
    if found is None:
        raise NotFoundError(
            f"Flag {flag_id} left no follow-up. The open ones: `flagctl follow-ups list`."
        )
    if found.closed_at is not None:
        raise ConflictError(f"The follow-up of flag {flag_id} was closed by {found.closed_by}.")
    return found
