"""People and tokens as they are shown; a secret never is, not even its hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flagctl.domain.access import Person, Token
from flagctl.vocabulary import Role


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """Somebody who may sign in."""

    name: str
    """How the person is called everywhere."""
    role: Role
    """What the person may do."""
    added_at: datetime
    """Since when."""
    disabled_at: datetime | None
    """Since when not any more."""


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token without its secret."""

    name: str
    """Its name, unique among the active ones."""
    role: Role | None
    """What it may do at the API; `None` for a runtime token."""
    tenant_id: str | None
    """Whose jobs it may submit; `None` for an API token."""
    workspace_ids: tuple[str, ...] | None
    """The tenant's workspaces that it may submit for; `None` stands for any."""
    management_node_ids: tuple[str, ...] | None
    """The management nodes that it names; `None` stands for any."""
    issued_by: str
    """Who issued it, as proven."""
    issued_at: datetime
    """When it was issued."""
    revoked_at: datetime | None
    """Since when it is worthless."""


def person_record(person: Person) -> PersonRecord:
    """Return a person as shown."""
    return PersonRecord(person.name, person.role, person.added_at, person.disabled_at)


def token_record(token: Token) -> TokenRecord:
    """Return a token as shown."""
    scope = token.scope
    return TokenRecord(
        name=token.name,
        role=token.role,
        tenant_id=scope.tenant_id if scope else None,
        workspace_ids=_sorted(scope.workspace_ids) if scope else None,
        management_node_ids=_sorted(scope.management_node_ids) if scope else None,
        issued_by=token.issued_by,
        issued_at=token.issued_at,
        revoked_at=token.revoked_at,
    )


def scope_words(token: Token) -> str:
    """Return what a token may do, in words."""
    if token.scope is None:
        return f"{token.role} at the API"
    return (
        f"runtime, tenant {token.scope.tenant_id}, "
        f"{_listed('workspace', token.scope.workspace_ids)}, "
        f"{_listed('node', token.scope.management_node_ids)}"
    )


def _sorted(names: frozenset[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(sorted(names))


def _listed(noun: str, names: frozenset[str] | None) -> str:
    return f"any {noun}" if names is None else f"{noun} {', '.join(sorted(names))}"
