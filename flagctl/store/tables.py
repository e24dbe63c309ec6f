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
