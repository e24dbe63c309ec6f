"""Tokens in control.db: issued with a secret that is shown once, and revoked."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import col, select

from flagctl.domain import fields
from flagctl.domain.access import SECRET_BYTES, RuntimeScope, Token, token_hash
from flagctl.domain.audit import Detail
from flagctl.domain.change import Actor
from flagctl.domain.times import to_text
from flagctl.errors import ConflictError, InvalidError, NotFoundError
from flagctl.store.access import administer
from flagctl.store.rows import token_from_row
from flagctl.store.tables import TokenRow
from flagctl.store.writing import ControlStore, Transaction
from flagctl.vocabulary import Action, Role

TOKEN_PREFIX: Final = "flagctl_"  # noqa: S105 - what every secret begins with
"""Lets people and secret scanners tell a token of ours when they see one."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token and its secret, which is shown once and stored nowhere."""

    token: Token
    secret: str


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token to be issued: a role for the API, or a scope for the runtime; one of the two.

    `replace` revokes an active token of the same name in the same act.
    """

    name: str
    role: Role | None = None
    scope: RuntimeScope | None = None
    replace: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", fields.name(self.name, "name"))
        if (self.role is None) == (self.scope is None):
            raise InvalidError(
                "A token has a role (for the API) or a tenant (for the runtime); one of the two.",
                "role",
            )


def issue_token(store: ControlStore, wanted: TokenRequest, actor: Actor) -> Issued:
    """Make a token; its secret is in the answer and nowhere else.

    Raises:
        ConflictError: an active token has this name, and it is not to be replaced.

    """
    secret = TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES)

    def work(at: Transaction) -> tuple[Issued, Detail]:
        old = _find_active_token(at, wanted.name)
        if old is not None and not wanted.replace:
            raise ConflictError(
                f"An active token is called {wanted.name} already. Revoke it first: "
                f"`flagctl tokens revoke {wanted.name}`, or take another name."
            )
        if old is not None:
            old.revoked_at = to_text(at.now)
        row = _new_token(wanted, secret, actor, at.now)
        at.session.add(row)
        at.session.flush()
        detail = {"token_id": row.id, "replaces": old.id if old else None}
        return Issued(token_from_row(row.model_dump()), secret), detail

    return administer(store, actor, Action.TOKEN_ISSUED, _told(wanted), work)


def revoke_token(store: ControlStore, name: str, actor: Actor) -> Token:
    """Make an active token worthless, from the next request on.

    Raises:
        NotFoundError: no active token has this name.

    """

    def work(at: Transaction) -> tuple[Token, Detail]:
        row = _find_active_token(at, name)
        if row is None:
            raise NotFoundError(f"No active token is called {name!r}. See `flagctl tokens list`.")
        row.revoked_at = to_text(at.now)
        at.session.flush()
        return token_from_row(row.model_dump()), {"token_id": row.id}

    return administer(store, actor, Action.TOKEN_REVOKED, {"name": name}, work)


def _find_active_token(at: Transaction, name: str) -> TokenRow | None:
    active = select(TokenRow).where(TokenRow.name == name, col(TokenRow.revoked_at).is_(None))
    return at.session.exec(active).first()


def _new_token(wanted: TokenRequest, secret: str, actor: Actor, now: datetime) -> TokenRow:
    scope = wanted.scope
    return TokenRow(
        name=wanted.name,
        secret_hash=token_hash(secret),
        role=wanted.role,
        tenant_id=scope.tenant_id if scope else None,
        workspace_ids=_names(scope.workspace_ids) if scope else None,
        management_node_ids=_names(scope.management_node_ids) if scope else None,
        issued_by=actor.name,
        issued_at=to_text(now),
    )


def _names(names: frozenset[str] | None) -> str | None:
    return None if names is None else json.dumps(sorted(names))


def _told(wanted: TokenRequest) -> Detail:
    scope = wanted.scope
    return {
        "name": wanted.name,
        "role": wanted.role,
        "tenant_id": scope.tenant_id if scope else None,
        "workspace_ids": _names(scope.workspace_ids) if scope else None,
        "management_node_ids": _names(scope.management_node_ids) if scope else None,
    }
