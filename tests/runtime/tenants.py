"""Runtime tokens for tests, in a real store."""

import json
from collections.abc import Iterable

from flagctl.domain.access import token_hash
from flagctl.store.tables import TokenRow
from flagctl.store.writing import ControlStore

TENANT = "tenant-a"


def issue(
    store: ControlStore,
    secret: str,
    tenant_id: str = TENANT,
    workspaces: Iterable[str] | None = None,
    nodes: Iterable[str] | None = None,
) -> str:
    row = TokenRow(
        name=secret,
        secret_hash=token_hash(secret),
        role=None,
        tenant_id=tenant_id,
        workspace_ids=None if workspaces is None else json.dumps(list(workspaces)),
        management_node_ids=None if nodes is None else json.dumps(list(nodes)),
        issued_by="os:test",
        issued_at="2026-05-01T00:00:00.000000Z",
    )
    with store.transaction() as at:
        at.session.add(row)
    return secret


def revoke(store: ControlStore, secret: str) -> None:
    with store.transaction() as at:
        at.connection.execute(
            "UPDATE token SET revoked_at = '2026-05-01T00:00:01.000000Z' WHERE name = ?", (secret,)
        )


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}
