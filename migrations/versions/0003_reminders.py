"""Reminders, their deliveries, and what is left to do after a flag ended."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_reminders()
    create_deliveries()
    create_follow_ups()


def create_reminders() -> None:
    op.create_table(
        "reminder",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String, nullable=False, unique=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("flag_id", sa.Integer),
        sa.Column("generation", sa.Integer),
        sa.Column("stage", sa.String),
        sa.Column("event_id", sa.Integer),
        sa.Column("missed", sa.Integer, nullable=False),
        sa.Column("told_at", sa.String),
        sa.Column("settled_at", sa.String),
        sa.Column("held_until", sa.String),
        sa.Column("detail", sa.String, nullable=False),
    )
    op.create_index("reminder_by_flag", "reminder", ["flag_id", "generation"])
    op.create_index("reminder_by_event", "reminder", ["event_id"])
    op.create_index("reminder_to_tell", "reminder", ["id"], sqlite_where=sa.text("told_at IS NULL"))


def create_deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("reminder_id", sa.Integer, sa.ForeignKey("reminder.id"), nullable=False),
        sa.Column("recipient", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("note", sa.String),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.String, nullable=False),
        sa.Column("claimed_by", sa.String),
        sa.Column("claimed_until", sa.String),
        sa.Column("finished_at", sa.String),
        sa.Column("error", sa.String),
        sa.Column("seen_at", sa.String),
    )
    op.create_index(
        "delivery_once_for_each_channel", "delivery", ["reminder_id", "channel"], unique=True
    )
    # Partial: what is delivered is never looked through again.
    op.create_index(
        "delivery_waiting", "delivery", ["channel", "id"], sqlite_where=sa.text("state = 'waiting'")
    )
    op.create_index(
        "delivery_dead",
        "delivery",
        ["id"],
        sqlite_where=sa.text("state = 'dead' AND seen_at IS NULL"),
    )
    op.create_table(
        "delivery_attempt",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("delivery_id", sa.Integer, sa.ForeignKey("delivery.id"), nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("took_ms", sa.Integer, nullable=False),
        sa.Column("error", sa.String),
    )
    op.create_index("ix_delivery_attempt_delivery_id", "delivery_attempt", ["delivery_id"])


def create_follow_ups() -> None:
    op.create_table(
        "follow_up",
        sa.Column("flag_id", sa.Integer, sa.ForeignKey("flag.id"), primary_key=True),
        sa.Column("link", sa.String, nullable=False),
        sa.Column("opened_at", sa.String, nullable=False),
        sa.Column("opened_by", sa.String, nullable=False),
        sa.Column("closed_at", sa.String),
        sa.Column("closed_by", sa.String),
        sa.Column("closing_words", sa.String),
    )
    # Whoever ended a flag before this was asked for: what it left to do is still open.
    op.execute(
        "INSERT INTO follow_up (flag_id, link, opened_at, opened_by) "
        "SELECT id, follow_up, ended_at, ended_by FROM flag "
        "WHERE ended_at IS NOT NULL AND follow_up IS NOT NULL"
    )
