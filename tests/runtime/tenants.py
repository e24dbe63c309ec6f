"""Runtime tokens for tests, issued in a real store."""

from collections.abc import Iterable

from flagctl.domain.access import RuntimeScope
from flagctl.domain.change import Actor
from flagctl.store.tokens import TokenRequest, issue_token, revoke_token
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Door, Role

TENANT = "tenant-a"
ADMIN = Actor("os:alice", Role.ADMIN, Door.CLI)


def issue(
    store: ControlStore,
    name: str = "runtime",
    tenant_id: str = TENANT,
    workspaces: Iterable[str] | None = None,
    nodes: Iterable[str] | None = None,
) -> str:
    """Return the secret of a new token."""
    scope = RuntimeScope(
        tenant_id,
        None if workspaces is None else frozenset(workspaces),
        None if nodes is None else frozenset(nodes),
    )
    return issue_token(store, TokenRequest(name, scope=scope), ADMIN).secret


def revoke(store: ControlStore, name: str = "runtime") -> None:
    revoke_token(store, name, ADMIN)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}
