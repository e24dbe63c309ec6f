"""Who is told at once, when something happens (section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from flagctl.domain.access import short_name
from flagctl.domain.audit import AuditEvent
from flagctl.domain.reminder_words import Recipient
from flagctl.vocabulary import Action, Outcome

ADMINS_FROM_EXTENSION: Final = 3
"""From this extension of a rollback on, administrators hear of each."""

_OWNER: Final = (Recipient.OWNER,)
_OPERATORS: Final = (Recipient.OPERATORS,)
_CHANNELS: Final = (Recipient.OPERATORS, Recipient.ADMINS)

TOLD_AT_ONCE: Final[Mapping[Action, tuple[Recipient, ...]]] = MappingProxyType(
    {
        Action.ROLL_BACK: (Recipient.OWNER, Recipient.OPERATORS),
        Action.RAISE_ROLLBACK: _OPERATORS,
        Action.END_ROLLBACK: _OPERATORS,
        Action.HAND_OVER: _OWNER,
        Action.CUT_OVER: (Recipient.OWNER, Recipient.OPERATORS),
        Action.RETIRE: _OPERATORS,
        Action.BREAK_GLASS: _CHANNELS,
        Action.BREAK_GLASS_GONE: _CHANNELS,
        Action.PIN_SEEN: _OPERATORS,
        Action.PIN_GONE: _OPERATORS,
        Action.RESTORE: _CHANNELS,
    }
)
"""An owner who acted knows it already, and is left out."""


def told_at_once(event: AuditEvent) -> tuple[Recipient, ...]:
    """Return who hears of this event at once; nobody, if it changed nothing and is no sight."""
    if event.outcome not in (Outcome.ACCEPTED, Outcome.SEEN):
        return ()
    if event.action is Action.EXTEND:
        return (Recipient.ADMINS,) if _extensions(event) >= ADMINS_FROM_EXTENSION else ()
    wanted = TOLD_AT_ONCE.get(event.action, ())
    if event.detail.get("owner") in (event.actor, short_name(event.actor)):
        return tuple(each for each in wanted if each is not Recipient.OWNER)
    return wanted


def _extensions(event: AuditEvent) -> int:
    found = event.detail.get("extensions")
    return found if isinstance(found, int) else 0
