"""Claiming deliveries, and keeping how each attempt went.

A claim is taken and given back in transactions of its own, so that of any number of processes one
at a time tries a delivery, and another one takes over what a dead one had in its hands. It ends
by the uptime, so a clock that jumps ends none.
"""

from __future__ import annotations

from datetime import timedelta

from flagctl.domain.delivery import CLAIM, Delivery, wait_after
from flagctl.domain.reminder_words import DeliveryState
from flagctl.domain.times import to_text
from flagctl.store.reading import rows
from flagctl.store.reminder_reading import DUE, due_bounds
from flagctl.store.rows import delivery_from_row
from flagctl.store.transaction import Transaction
from flagctl.store.uptime import Uptime


def claim(at: Transaction, channel: str, holder: str, up: Uptime) -> Delivery | None:
    """Claim what is due for a channel and has waited longest; `None` when nothing is."""
    found = rows(
        at.connection,
        "SELECT d.* FROM delivery d JOIN reminder r ON r.id = d.reminder_id "  # noqa: S608
        f"WHERE d.channel = :channel AND {DUE} ORDER BY d.id LIMIT 1",
        {**due_bounds(at.now, up), "channel": channel},
    )
    delivery = next(map(delivery_from_row, found), None)
    if delivery is not None:
        claimed = {"claimed_by": holder, "claimed_until": up.later(CLAIM).text}
        at.update("delivery", delivery.id, claimed)
    return delivery


def keep_attempt(at: Transaction, delivery_id: int, took: timedelta, error: str | None) -> None:
    """Keep how one try went, whatever came of it."""
    at.insert(
        "delivery_attempt",
        {
            "delivery_id": delivery_id,
            "at": to_text(at.now),
            "took_ms": round(took / timedelta(milliseconds=1)),
            "error": error,
        },
    )


def succeeded(at: Transaction, delivery: Delivery) -> None:
    """Note that the service took it, also when somebody acted on the flag meanwhile."""
    _finish(at, delivery, DeliveryState.DELIVERED, None)


def failed(
    at: Transaction, delivery: Delivery, error: str, *, for_good: bool = False
) -> DeliveryState:
    """Note that the service did not take it; return what it is now: waiting again, or dead.

    One that is not needed any more stays so.
    """
    wait = None if for_good else wait_after(delivery.attempts + 1)
    if not _still_waits(at, delivery):
        return DeliveryState.SETTLED
    if wait is None:
        _finish(at, delivery, DeliveryState.DEAD, error)
        return DeliveryState.DEAD
    at.update(
        "delivery",
        delivery.id,
        {
            "attempts": delivery.attempts + 1,
            "next_attempt_at": to_text(at.now + wait),
            "error": error,
            "claimed_by": None,
            "claimed_until": None,
        },
    )
    return DeliveryState.WAITING


def passed_on(at: Transaction, delivery: Delivery, why: str) -> None:
    """Note that this one can't be told any more, so that the next in the ladder is."""
    _finish(at, delivery, DeliveryState.PASSED_ON, why)


def _finish(at: Transaction, delivery: Delivery, state: DeliveryState, error: str | None) -> None:
    tried = 0 if state is DeliveryState.PASSED_ON else 1
    at.update(
        "delivery",
        delivery.id,
        {
            "state": state,
            "attempts": delivery.attempts + tried,
            "finished_at": to_text(at.now),
            "error": error,
            "claimed_by": None,
            "claimed_until": None,
        },
    )


def _still_waits(at: Transaction, delivery: Delivery) -> bool:
    found = at.connection.execute("SELECT state FROM delivery WHERE id = ?", (delivery.id,))
    return bool(found.fetchone()[0] == DeliveryState.WAITING)
