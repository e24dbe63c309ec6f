"""What processes see of their surroundings, each told once in the audit trail (decision 3)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Final

from flagctl.domain.audit import AuditEvent, Detail, storable
from flagctl.domain.change import Actor
from flagctl.domain.effective import by_flags
from flagctl.store.audit_log import AuditFilter, Entry, list_events, newest_of
from flagctl.store.files import DataFiles
from flagctl.store.reading import reading
from flagctl.store.transaction import Transaction
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Action, Outcome

LOOKED_AT: Final = 200
"""How many of the newest sightings are looked at: this runs every few seconds."""

GONE: Final[Mapping[Action, Action]] = MappingProxyType(
    {Action.PIN_SEEN: Action.PIN_GONE, Action.BREAK_GLASS: Action.BREAK_GLASS_GONE}
)
"""Of what can go away again: how that is told."""

ABOUT: Final[Mapping[Action, tuple[str, ...]]] = MappingProxyType(
    {Action.PIN_SEEN: ("host", "role"), Action.BREAK_GLASS: ("host", "path")}
)
"""Which names of a sighting's detail say which thing it is; the others say how it is."""


def record_sighting(
    store: ControlStore, actor: Actor, action: Action, detail: Detail, *, about: Iterable[str]
) -> AuditEvent | None:
    """Record what was seen, unless the newest sighting of the same thing says the same.

    Args:
        store: the writer of control.db.
        actor: the process that saw it.
        action: what kind of sighting it is.
        detail: what was seen.
        about: the names in `detail` that say which thing it is; the others say how it is.

    Returns:
        The event, or `None` when it was known, whichever process told it.

    Raises:
        StoreTroubleError: the store can't be written; nothing was.

    """
    detail = storable(detail)
    thing = {name: detail[name] for name in about if name in detail}
    with store.transaction() as transaction:
        if _newest_about(transaction.connection, action, thing) == detail:
            return None
        mode = by_flags(transaction.state())
        entry = Entry(actor, action, Outcome.SEEN, before=mode, after=mode, detail=detail)
        return transaction.record(entry)


def was_told(files: DataFiles, action: Action, detail: Detail) -> bool:
    """Tell whether the newest sighting of this kind is this very one.

    Raises:
        StoreTroubleError: the store can't be read.

    """
    with reading(files) as connection:
        newest = newest_of(connection, action)
    return newest is not None and storable(detail).items() <= newest.detail.items()


def open_sightings(connection: sqlite3.Connection, action: Action) -> list[AuditEvent]:
    """Return the newest sighting of each thing that was not seen to be gone since."""
    found: dict[tuple[object, ...], AuditEvent] = {}
    kinds = (action, GONE[action])
    told = (list_events(connection, AuditFilter(action=each), limit=LOOKED_AT) for each in kinds)
    for event in sorted(chain(*told), key=lambda event: event.id):
        found[tuple(event.detail.get(name) for name in ABOUT[action])] = event
    return [event for event in found.values() if event.action is action and _was_seen(event)]


def record_gone(at: Transaction, actor: Actor, seen: AuditEvent) -> AuditEvent:
    """Record that what was seen is gone, so that its next sight is told anew."""
    mode = by_flags(at.state())
    action = GONE[seen.action]
    return at.record(Entry(actor, action, Outcome.SEEN, mode, mode, detail=seen.detail))


def _was_seen(event: AuditEvent) -> bool:
    return event.outcome in (Outcome.SEEN, Outcome.ACCEPTED)


def _newest_about(connection: sqlite3.Connection, action: Action, thing: Detail) -> Detail | None:
    """Return how the thing was last seen; `None` if it never was, or is gone since."""
    newest = _newest_of_kind(connection, action, thing)
    gone = _newest_of_kind(connection, GONE[action], thing) if action in GONE else None
    if newest is None or (gone is not None and gone.id > newest.id):
        return None
    return dict(newest.detail)


def _newest_of_kind(
    connection: sqlite3.Connection, action: Action, thing: Detail
) -> AuditEvent | None:
    events = list_events(connection, AuditFilter(action=action))
    return next((event for event in events if thing.items() <= event.detail.items()), None)
