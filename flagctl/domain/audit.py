"""The audit trail's chain: each event carries the hash of the one before it (decision 3)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from flagctl.domain.canonical import canonical_json
from flagctl.domain.times import to_text
from flagctl.vocabulary import Action, Door, Mode, Outcome

GENESIS_HASH: Final = "0" * 64
"""What the first event of a trail names as the hash before it."""

Detail = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One line of the trail. `at` is aware and in UTC; `hash` is of everything but itself."""

    id: int
    at: datetime
    actor: str
    claim: str | None
    source: Door
    action: Action
    outcome: Outcome
    revision: int | None
    """The revision that an accepted change to the flags got; else `None`."""
    flag_id: int | None
    mode_before: Mode | None
    mode_after: Mode | None
    reason: str | None
    detail: Detail
    prev_hash: str
    hash: str


def storable(detail: Detail) -> Detail:
    """Return the detail with what is no Unicode written as escapes, and without what is unset.

    Names that the system gives, such as a path, may be any bytes; an event about them must not
    fail.
    """
    return {
        key: value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
        for key, value in detail.items()
        if value is not None
    }


def hashed_bytes(event: AuditEvent) -> bytes:
    """Return the bytes that are hashed: canonical JSON of everything but the hash, in UTF-8."""
    body = {
        "id": event.id,
        "at": to_text(event.at),
        "actor": event.actor,
        "claim": event.claim,
        "source": event.source,
        "action": event.action,
        "outcome": event.outcome,
        "revision": event.revision,
        "flag_id": event.flag_id,
        "mode_before": event.mode_before,
        "mode_after": event.mode_after,
        "reason": event.reason,
        "detail": dict(event.detail),
        "prev_hash": event.prev_hash,
    }
    return canonical_json(body).encode()


def sealed(event: AuditEvent) -> AuditEvent:
    """Return the event with its hash."""
    return replace(event, hash=_hash(event))


def _hash(event: AuditEvent) -> str:
    return hashlib.sha256(hashed_bytes(event)).hexdigest()


@dataclass(frozen=True, slots=True)
class Verification:
    """How far the chain holds. `broken_id` names the first event that does not fit."""

    events: int
    head_hash: str
    broken_id: int | None = None
    problem: str | None = None

    @property
    def holds(self) -> bool:
        """Tell whether every link fits."""
        return self.broken_id is None


NOTHING_VERIFIED: Final = Verification(0, GENESIS_HASH)
"""Where a walk over the chain begins."""


def verify(events: Iterable[AuditEvent], so_far: Verification = NOTHING_VERIFIED) -> Verification:
    """Walk the trail on from where it holds and stop at the first link that does not fit."""
    head, count = so_far.head_hash, so_far.events
    for event in events:
        problem = _problem(event, expected_id=count + 1, head=head)
        if problem:
            return Verification(count, head, broken_id=event.id, problem=problem)
        head, count = event.hash, count + 1
    return Verification(count, head)


def _problem(event: AuditEvent, *, expected_id: int, head: str) -> str | None:
    if event.id != expected_id:
        return f"event {expected_id} is missing before it"
    if event.prev_hash != head:
        return "it does not name the hash of the event before it"
    if event.hash != _hash(event):
        return "its content does not match its hash"
    return None
