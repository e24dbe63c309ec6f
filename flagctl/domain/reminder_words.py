"""The words of reminders: who is told, what made a reminder, and how far a delivery is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from flagctl.vocabulary import Term, Tone


class Recipient(StrEnum):
    """Who is reminded; whoever can't be reached is stood in for by the next one."""

    OWNER = "owner"
    OPERATORS = "operators"
    ADMINS = "admins"


class ReminderKind(StrEnum):
    """What made a reminder: a stage of a schedule, an event of the trail, or a process."""

    STAGE = "stage"
    EVENT = "event"
    LAGGING = "lagging"


class DeliveryState(StrEnum):
    """How far the way of one reminder to one address is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"
    SETTLED = "settled"
    PASSED_ON = "passed-on"


RECIPIENTS: Final[Mapping[Recipient, Term]] = MappingProxyType(
    {
        Recipient.OWNER: Term("the owner", Tone.CALM, "Whoever answers for the flag."),
        Recipient.OPERATORS: Term(
            "the operators' channel", Tone.CALM, "What FLAGCTL_NOTIFY_URLS names."
        ),
        Recipient.ADMINS: Term(
            "the administrators' channel", Tone.CALM, "What FLAGCTL_NOTIFY_ADMIN_URLS names."
        ),
    }
)

DELIVERIES: Final[Mapping[DeliveryState, Term]] = MappingProxyType(
    {
        DeliveryState.WAITING: Term("waiting", Tone.WARN, "Not taken yet; it is tried again."),
        DeliveryState.DELIVERED: Term("delivered", Tone.GOOD, "The service took it."),
        DeliveryState.DEAD: Term("failed", Tone.BAD, "It was given up; nobody was told this way."),
        DeliveryState.SETTLED: Term(
            "not needed", Tone.CALM, "Somebody acted on the flag before it was delivered."
        ),
        DeliveryState.PASSED_ON: Term(
            "passed on", Tone.CALM, "This one could not be told; the next in the ladder was."
        ),
    }
)
