"""People and tokens: who may act on flags, and whose submissions the runtime takes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flagctl.vocabulary import Role

SECRET_BYTES: Final = 32
"""How many random bytes are in the secret of a token or of a sign-in link."""


@dataclass(frozen=True, slots=True)
class RuntimeScope:
    """What a runtime token may submit for; `None` stands for any in the tenant."""

    tenant_id: str
    workspace_ids: frozenset[str] | None = None
    management_node_ids: frozenset[str] | None = None

    def covers_workspace(self, tenant_id: str, workspace_id: str) -> bool:
        """Tell whether the tenant is the token's and the workspace one of its own."""
        if tenant_id != self.tenant_id:
            return False
        return self.workspace_ids is None or workspace_id in self.workspace_ids

    def names_node(self, management_node_id: str) -> bool:
        """Tell whether the token names this management node."""
        return self.management_node_ids is None or management_node_id in self.management_node_ids


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the store knows it: either a role (for the API) or a scope (for the runtime)."""

    id: int
    name: str
    role: Role | None
    scope: RuntimeScope | None
    issued_by: str
    issued_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in to the admin pages.

    `time_zone` is an IANA name; `notify_url` is where reminders reach this person alone.
    """

    id: int
    name: str
    role: Role
    added_at: datetime
    disabled_at: datetime | None = None
    has_password: bool = False
    time_zone: str = "UTC"
    notify_url: str | None = None


def short_name(actor: str) -> str:
    """Return an actor's name without how it is proven: `os:alice` is `alice`."""
    return actor.partition(":")[2] or actor


def token_hash(secret: str) -> str:
    """Return what is stored of a random secret.

    A plain SHA-256 is enough: the secret has 256 random bits, so there is nothing to guess.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
