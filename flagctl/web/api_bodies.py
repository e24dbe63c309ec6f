"""What the JSON API takes and gives, as its OpenAPI document tells it."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from flagctl.errors import Code
from flagctl.present.records import AuditRecord, StatusRecord
from flagctl.vocabulary import Action, Mode, Outcome

Reason = Annotated[str, Field(description="Why; one line for the audit trail.", examples=["p99"])]
Expires = Annotated[
    str, Field(description="A span from now (`90s`, `15m`, `4h`, `2d`) or an RFC 3339 time.")
]
Owner = Annotated[str, Field(description="Who answers for the flag until it ends.")]
Link = Annotated[str, Field(description="A link or a ticket's name.")]


class Body(BaseModel):
    """A body that takes no field that it does not know, and no number for a text."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


class ModeBody(Body):
    """A body that asks for a mode, which JSON writes as text."""

    mode: Annotated[Mode, Field(strict=False, description="The mode that is asked for.")]


class RollBackBody(ModeBody):
    """Lower the mode."""

    reason: Reason
    expires: Expires | None = None
    owner: Owner | None = None
    incident: Link | None = None


class RaiseBody(ModeBody):
    """Raise the rollback to a mode between its own and what is configured."""

    reason: Reason


class EndBody(Body):
    """End the rollback; exactly one of `follow_up` and `no_follow_up`."""

    reason: Reason
    follow_up: Link | None = None
    no_follow_up: Annotated[str, Field(description="Why no follow-up is needed.")] | None = None


class ExtendBody(Body):
    """Give the rollback a new expiry, at most 24 h from now."""

    expires: Expires
    reason: Reason


class HandOverBody(Body):
    """Give the active rollback, or else the cutover flag, a new owner."""

    owner: Owner
    reason: Reason


class CutOverBody(ModeBody):
    """Set the configured mode."""

    owner: Owner
    reason: Reason
    expires: Expires


class RetireBody(Body):
    """End the cutover flag, once every live process is pinned to its mode."""

    reason: Reason
    follow_up: Link


class AcknowledgeBody(Body):
    """Say that you are on it."""

    for_: Annotated[
        str,
        Field(alias="for", description="How long to hold the reminder: a span of at most `1h`."),
    ] = "1h"


class CloseBody(Body):
    """Close what a flag left to do."""

    reason: Annotated[str, Field(description="What was done about it.")]


BODIES: Final[dict[Action, type[Body]]] = {
    Action.ROLL_BACK: RollBackBody,
    Action.RAISE_ROLLBACK: RaiseBody,
    Action.END_ROLLBACK: EndBody,
    Action.EXTEND: ExtendBody,
    Action.HAND_OVER: HandOverBody,
    Action.CUT_OVER: CutOverBody,
    Action.RETIRE: RetireBody,
}


class RemindersQuery(BaseModel):
    """What of the reminders is wanted."""

    model_config = ConfigDict(extra="forbid")

    flag: Annotated[int, Field(ge=0, lt=10**15, description="Only of this flag.")] | None = None
    before: Annotated[int, Field(ge=0, lt=10**15, description="Only told before.")] | None = None
    limit: Annotated[int, Field(ge=1, le=100, description="So many that were told.")] = 20


class FollowUpsQuery(BaseModel):
    """Which follow-ups are wanted."""

    model_config = ConfigDict(extra="forbid")

    closed: Annotated[bool, Field(description="Those that were closed, too.")] = False


class AuditQuery(BaseModel):
    """Filters of the trail, as on the audit page; times without a zone are UTC."""

    model_config = ConfigDict(extra="forbid")

    person: str = ""
    kind: str = ""
    action: Action | None = None
    outcome: Outcome | None = None
    flag: Annotated[int, Field(ge=0, lt=10**15)] | None = None
    since: str = ""
    until: str = ""
    text: str = ""
    before: Annotated[int, Field(ge=0, lt=10**15, description="Only older events.")] | None = None
    after: Annotated[int, Field(ge=0, lt=10**15, description="Only newer events.")] | None = None


class AuditPage(BaseModel):
    """A page of the trail, the newest first."""

    events: list[AuditRecord]
    has_older: bool
    has_newer: bool
    stopped_at: int | None
    """The event at which the search stopped to stay quick; search on with `before`."""


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    code: Code
    detail: str
    field: str | None = None
    given: int | None = None
    current: int | None = None
    mode: StatusRecord | None = None
    changes: list[AuditRecord] | None = None
