"""Between rows of control.db and the records of the domain: one mapping for reading and writing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

from flagctl.domain.access import Person, RuntimeScope, Token
from flagctl.domain.audit import AuditEvent
from flagctl.domain.canonical import canonical_json
from flagctl.domain.delivery import Attempt, Delivery, FollowUp, Reminder
from flagctl.domain.flag import Flag
from flagctl.domain.reminder_words import DeliveryState, Recipient, ReminderKind
from flagctl.domain.times import from_text, to_text
from flagctl.store.trouble import NonsenseRowError
from flagctl.vocabulary import Action, Door, FlagKind, Mode, Outcome, Role

Row = Mapping[str, Any]
Record = TypeVar("Record")


def _whole(read: Callable[[Row], Record]) -> Callable[[Row], Record]:
    """Let a row that can't be read say which one it is and why."""

    @wraps(read)
    def reading(row: Row) -> Record:
        try:
            return read(row)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise NonsenseRowError(f"row {row.get('id')}: {error}") from error

    return reading


def _time(text: str | None) -> datetime | None:
    return None if text is None else from_text(text)


def _mode(text: str | None) -> Mode | None:
    return None if text is None else Mode(text)


@_whole
def flag_from_row(row: Row) -> Flag:
    """Return the flag; `NonsenseRowError` when the row can't be read."""
    return Flag(
        id=row["id"],
        kind=FlagKind(row["kind"]),
        mode=Mode(row["mode"]),
        owner=row["owner"],
        reason=row["reason"],
        incident=row["incident"],
        started_by=row["started_by"],
        started_at=from_text(row["started_at"]),
        first_started_at=from_text(row["first_started_at"]),
        expires_at=from_text(row["expires_at"]),
        extensions=int(row["extensions"]),
        rolled_back_from=_mode(row["rolled_back_from"]),
        revision=int(row["revision"]),
        ended_at=_time(row["ended_at"]),
        ended_by=row["ended_by"],
        end_reason=row["end_reason"],
        follow_up=row["follow_up"],
        no_follow_up=row["no_follow_up"],
        superseded_by=row["superseded_by"],
    )


def flag_columns(flag: Flag) -> dict[str, Any]:
    """Return the columns of a flag, its id left out."""
    columns = _columns(flag)
    del columns["id"]
    return columns


@_whole
def event_from_row(row: Row) -> AuditEvent:
    """Return the audit event; `NonsenseRowError` when the row can't be read.

    Another spelling of the same content is nonsense too: the hash is of our own.
    """
    return AuditEvent(
        id=row["id"],
        at=_exact_time(row["at"]),
        actor=row["actor"],
        claim=row["claim"],
        source=Door(row["source"]),
        action=Action(row["action"]),
        outcome=Outcome(row["outcome"]),
        revision=row["revision"],
        flag_id=row["flag_id"],
        mode_before=_mode(row["mode_before"]),
        mode_after=_mode(row["mode_after"]),
        reason=row["reason"],
        detail=_detail(row["detail"]),
        prev_hash=row["prev_hash"],
        hash=row["hash"],
    )


def event_columns(event: AuditEvent) -> dict[str, Any]:
    """Return the columns of an audit event."""
    return _columns(event) | {"detail": canonical_json(dict(event.detail))}


def _exact_time(text: str) -> datetime:
    when = from_text(text)
    if to_text(when) != text:
        raise ValueError(f"{text!r} is not how a time is written here")
    return when


def _detail(text: str) -> dict[str, Any]:
    detail = json.loads(text)
    if not isinstance(detail, dict) or canonical_json(detail) != text:
        raise ValueError("its detail is not canonical JSON")
    return detail


def _columns(record: Flag | AuditEvent) -> dict[str, Any]:
    return {each.name: _column(getattr(record, each.name)) for each in fields(record)}


def _column(value: object) -> object:
    return to_text(value) if isinstance(value, datetime) else value


@_whole
def token_from_row(row: Row) -> Token:
    """Return the token without its secret."""
    return Token(
        id=row["id"],
        name=row["name"],
        role=None if row["role"] is None else Role(row["role"]),
        scope=_scope(row),
        issued_by=row["issued_by"],
        issued_at=from_text(row["issued_at"]),
        revoked_at=_time(row["revoked_at"]),
    )


def _scope(row: Row) -> RuntimeScope | None:
    if row["tenant_id"] is None:
        return None
    return RuntimeScope(
        tenant_id=row["tenant_id"],
        workspace_ids=_names(row["workspace_ids"]),
        management_node_ids=_names(row["management_node_ids"]),
    )


def _names(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(json.loads(text))


@_whole
def person_from_row(row: Row) -> Person:
    """Return the person."""
    return Person(
        id=row["id"],
        name=row["name"],
        role=Role(row["role"]),
        added_at=from_text(row["added_at"]),
        disabled_at=_time(row["disabled_at"]),
        has_password=row["password_hash"] is not None,
        time_zone=row["time_zone"],
        notify_url=row["notify_url"],
    )


@_whole
def reminder_from_row(row: Row) -> Reminder:
    """Return the reminder; `NonsenseRowError` when the row can't be read."""
    return Reminder(
        id=row["id"],
        key=row["key"],
        kind=ReminderKind(row["kind"]),
        at=from_text(row["at"]),
        flag_id=row["flag_id"],
        generation=row["generation"],
        stage=row["stage"],
        event_id=row["event_id"],
        missed=int(row["missed"]),
        told_at=_time(row["told_at"]),
        settled_at=_time(row["settled_at"]),
        held_until=_time(row["held_until"]),
        detail=json.loads(row["detail"]),
    )


@_whole
def delivery_from_row(row: Row) -> Delivery:
    """Return the delivery; `NonsenseRowError` when the row can't be read."""
    return Delivery(
        id=row["id"],
        reminder_id=row["reminder_id"],
        recipient=Recipient(row["recipient"]),
        channel=row["channel"],
        label=row["label"],
        note=row["note"],
        state=DeliveryState(row["state"]),
        attempts=int(row["attempts"]),
        next_attempt_at=from_text(row["next_attempt_at"]),
        finished_at=_time(row["finished_at"]),
        error=row["error"],
        seen_at=_time(row["seen_at"]),
    )


@_whole
def attempt_from_row(row: Row) -> Attempt:
    """Return one try to deliver."""
    took = timedelta(milliseconds=int(row["took_ms"]))
    return Attempt(row["delivery_id"], from_text(row["at"]), took, row["error"])


@_whole
def follow_up_from_row(row: Row) -> FollowUp:
    """Return what a flag left to do."""
    return FollowUp(
        flag_id=row["flag_id"],
        link=row["link"],
        opened_at=from_text(row["opened_at"]),
        opened_by=row["opened_by"],
        closed_at=_time(row["closed_at"]),
        closed_by=row["closed_by"],
        closing_words=row["closing_words"],
    )
