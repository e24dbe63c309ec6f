"""Flags, the audit trail, people and tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# INSERT needs a trigger too: INSERT OR REPLACE deletes without asking the delete trigger.
APPEND_ONLY = (
    """
    CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
    """,
    """
    CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
    """,
    """
    CREATE TRIGGER audit_event_no_replace BEFORE INSERT ON audit_event
    WHEN EXISTS (SELECT 1 FROM audit_event WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
    """,
)


def upgrade() -> None:
    create_flags()
    create_audit_trail()
    create_people_and_tokens()


def create_flags() -> None:
    control = op.create_table(
        "control",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.bulk_insert(control, [{"id": 1, "revision": 0}])
    op.create_table(
        "flag",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("mode", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("incident", sa.String),
        sa.Column("started_by", sa.String, nullable=False),
        sa.Column("started_at", sa.String, nullable=False),
        sa.Column("first_started_at", sa.String, nullable=False),
        sa.Column("expires_at", sa.String, nullable=False),
        sa.Column("extensions", sa.Integer, nullable=False),
        sa.Column("rolled_back_from", sa.String),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("ended_at", sa.String),
        sa.Column("ended_by", sa.String),
        sa.Column("end_reason", sa.String),
        sa.Column("follow_up", sa.String),
        sa.Column("no_follow_up", sa.String),
        sa.Column("superseded_by", sa.Integer, sa.ForeignKey("flag.id")),
    )
    op.create_index(
        "flag_one_active_of_each_kind",
        "flag",
        ["kind"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
    )


def create_audit_trail() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("claim", sa.String),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("revision", sa.Integer),
        sa.Column("flag_id", sa.Integer),
        sa.Column("mode_before", sa.String),
        sa.Column("mode_after", sa.String),
        sa.Column("reason", sa.String),
        sa.Column("detail", sa.String, nullable=False),
        sa.Column("prev_hash", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
    )
    for column in ("actor", "action", "flag_id", "at"):
        name = {"flag_id": "flag", "at": "time"}.get(column, column)
        op.create_index(f"audit_event_by_{name}", "audit_event", [column, "id"])
    for trigger in APPEND_ONLY:
        op.execute(trigger)


def create_people_and_tokens() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("added_at", sa.String, nullable=False),
        sa.Column("disabled_at", sa.String),
    )
    op.create_table(
        "sign_in_link",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("person_id", sa.Integer, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("secret_hash", sa.String, nullable=False, unique=True),
        sa.Column("issued_at", sa.String, nullable=False),
        sa.Column("expires_at", sa.String, nullable=False),
        sa.Column("used_at", sa.String),
    )
    op.create_index("ix_sign_in_link_person_id", "sign_in_link", ["person_id"])
    op.create_table(
        "token",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("secret_hash", sa.String, nullable=False, unique=True),
        sa.Column("role", sa.String),
        sa.Column("tenant_id", sa.String),
        sa.Column("workspace_ids", sa.String),
        sa.Column("management_node_ids", sa.String),
        sa.Column("issued_by", sa.String, nullable=False),
        sa.Column("issued_at", sa.String, nullable=False),
        sa.Column("revoked_at", sa.String),
    )
