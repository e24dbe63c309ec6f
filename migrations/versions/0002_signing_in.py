"""What a person needs to sign in, to read times, and to be told of things."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


# Plain ADD COLUMN: batch mode would make the table anew.
def upgrade() -> None:
    op.add_column("person", sa.Column("password_hash", sa.String))
    op.add_column("person", sa.Column("time_zone", sa.String, nullable=False, server_default="UTC"))
    op.add_column("person", sa.Column("notify_url", sa.String))
