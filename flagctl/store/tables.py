"""The tables of control.db. Times are UTC text that sorts (`domain.times`)."""

from __future__ import annotations

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel


class ControlRow(SQLModel, table=True):
    """The one row with the revision counter."""

    __tablename__ = "control"

    id: int = Field(primary_key=True)
    revision: int


class FlagRow(SQLModel, table=True):
    """A flag with its whole life; at most one of each kind has no end."""

    __tablename__ = "flag"
    __table_args__ = (
        Index(
            "flag_one_active_of_each_kind",
            "kind",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    mode: str
    owner: str
    reason: str
    incident: str | None
    started_by: str
    started_at: str
    first_started_at: str
    expires_at: str
    extensions: int
    rolled_back_from: str | None
    revision: int
    ended_at: str | None
    ended_by: str | None
    end_reason: str | None
    follow_up: str | None
    no_follow_up: str | None
    superseded_by: int | None = Field(default=None, foreign_key="flag.id")


class AuditRow(SQLModel, table=True):
    """One event of the audit trail; triggers keep it append-only."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("audit_event_by_actor", "actor", "id"),
        Index("audit_event_by_action", "action", "id"),
        Index("audit_event_by_flag", "flag_id", "id"),
        Index("audit_event_by_time", "at", "id"),
    )

    id: int = Field(primary_key=True)
    at: str
    actor: str
    claim: str | None
    source: str
    action: str
    outcome: str
    revision: int | None
    flag_id: int | None
    mode_before: str | None
    mode_after: str | None
    reason: str | None
    detail: str
    """Canonical JSON."""
    prev_hash: str
    hash: str


class PersonRow(SQLModel, table=True):
    """Somebody who may sign in."""

    __tablename__ = "person"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    role: str
    added_at: str
    disabled_at: str | None = None
    password_hash: str | None = None
    """Argon2, with its parameters; `NULL` until a sign-in link was followed."""
    time_zone: str = "UTC"
    notify_url: str | None = None


class SignInLinkRow(SQLModel, table=True):
    """A one-time sign-in link, known by the hash of its secret."""

    __tablename__ = "sign_in_link"

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    secret_hash: str = Field(unique=True)
    issued_at: str
    expires_at: str
    used_at: str | None = None


class TokenRow(SQLModel, table=True):
    """A token, known by the hash of its secret: a role for the API, or a scope for the runtime."""

    __tablename__ = "token"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    secret_hash: str = Field(unique=True)
    role: str | None
    tenant_id: str | None
    workspace_ids: str | None
    """A JSON list; `NULL` stands for any workspace of the tenant."""
    management_node_ids: str | None
    """A JSON list; `NULL` stands for any management node."""
    issued_by: str
    issued_at: str
    revoked_at: str | None = None


class ReminderRow(SQLModel, table=True):
    """One thing to be told, once; `told_at` is `NULL` until it has deliveries."""

    __tablename__ = "reminder"
    __table_args__ = (
        Index("reminder_by_flag", "flag_id", "generation"),
        Index("reminder_by_event", "event_id"),
        Index("reminder_to_tell", "id", sqlite_where=text("told_at IS NULL")),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    kind: str
    at: str
    flag_id: int | None
    """Neither this nor the event is a foreign key: nothing here may stand in an act's way."""
    generation: int | None
    """The revision of the flag's last change when the reminder came."""
    stage: str | None
    event_id: int | None
    missed: int
    """How many earlier stages it stands for."""
    told_at: str | None
    settled_at: str | None
    held_until: str | None
    detail: str
    """Canonical JSON."""


class DeliveryRow(SQLModel, table=True):
    """The way of one reminder to one address, which is named without its secrets."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("delivery_once_for_each_channel", "reminder_id", "channel", unique=True),
        Index("delivery_waiting", "channel", "id", sqlite_where=text("state = 'waiting'")),
        Index("delivery_dead", "id", sqlite_where=text("state = 'dead' AND seen_at IS NULL")),
    )

    id: int | None = Field(default=None, primary_key=True)
    reminder_id: int = Field(foreign_key="reminder.id")
    recipient: str
    channel: str
    label: str
    note: str | None
    state: str
    attempts: int
    next_attempt_at: str
    claimed_by: str | None
    claimed_until: str | None
    finished_at: str | None
    error: str | None
    seen_at: str | None


class AttemptRow(SQLModel, table=True):
    """One try to deliver; its error has no secrets."""

    __tablename__ = "delivery_attempt"

    id: int | None = Field(default=None, primary_key=True)
    delivery_id: int = Field(foreign_key="delivery.id", index=True)
    at: str
    took_ms: int
    error: str | None


class FollowUpRow(SQLModel, table=True):
    """What is left to do after a flag ended."""

    __tablename__ = "follow_up"

    flag_id: int = Field(primary_key=True, foreign_key="flag.id")
    link: str
    opened_at: str
    opened_by: str
    closed_at: str | None
    closed_by: str | None
    closing_words: str | None
