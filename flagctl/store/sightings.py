"""What processes see of their surroundings, each told once in the audit trail (decision 3)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from flagctl.domain.audit import AuditEvent, Detail, storable
from flagctl.domain.change import Actor
from flagctl.domain.effective import by_flags
from flagctl.store.audit_log import AuditFilter, Entry, list_events, newest_of
from flagctl.store.files import DataFiles
from flagctl.store.reading import reading
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Action, Outcome


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


def _newest_about(connection: sqlite3.Connection, action: Action, thing: Detail) -> Detail | None:
    events = list_events(connection, AuditFilter(action=action))
    told = (dict(event.detail) for event in events)
    return next((detail for detail in told if thing.items() <= detail.items()), None)
