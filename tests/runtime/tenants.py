"""Runtime tokens for tests, issued in a real store."""

from collections.abc import Iterable

import httpx2

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


def client(url: str, secret: str) -> httpx2.Client:
    """Return a client of a server process.

    uvicorn closes a connection that was idle for 5 s, and by itself the client keeps it as long:
    a request that is sent just then gets no answer.
    """
    kept = httpx2.Limits(keepalive_expiry=1)
    return httpx2.Client(base_url=url, headers=bearer(secret), timeout=60, limits=kept)
