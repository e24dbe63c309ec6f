"""Which schema of control.db this version of the code works with."""

from __future__ import annotations

from typing import Final

SCHEMA_REVISIONS: Final = ("0001", "0002", "0003")
"""Alembic's revisions, oldest first; a test holds them against `migrations/versions`."""

HEAD_REVISION: Final = SCHEMA_REVISIONS[-1]
