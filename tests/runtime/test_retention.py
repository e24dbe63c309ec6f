"""A submission is remembered for its retention, then forgotten."""

import asyncio
from datetime import UTC, datetime, timedelta

from starlette.testclient import TestClient

from flagctl.domain.submission import idempotency_digest
from flagctl.runtime.retention import purge
from flagctl.store.files import DataFiles
from flagctl.store.submissions import SubmissionStore
from tests.runtime.commands import PATH, command
from tests.runtime.conftest import MakeRuntime
from tests.runtime.tenants import bearer
from tests.store.test_submissions import claim
from tests.waiting import wait_until


def test_more_than_a_batch_is_forgotten_and_what_is_younger_stays(files: DataFiles) -> None:
    now = datetime(2026, 5, 8, 12, tzinfo=UTC)

    async def story() -> tuple[int, bool]:
        files.directory.mkdir()
        store = SubmissionStore(files.submissions)
        old = [claim(f"old {number}") for number in range(1001)]
        young = claim("young", claimed_at="2026-05-02T00:00:00.000000Z")
        await asyncio.gather(*map(store.claim, [*old[:500], young]))
        await asyncio.gather(*map(store.claim, old[500:]))
        purged = await purge(store, now - timedelta(days=7) + timedelta(seconds=1))
        kept = store.find(young.digest)
        store.close()
        return purged, kept == young

    assert asyncio.run(story()) == (1001, True)


def test_a_runtime_forgets_at_its_start(
    make_runtime: MakeRuntime, token: str, files: DataFiles
) -> None:
    old = claim("key-1", digest=digest(), claimed_at="2020-01-01T00:00:00.000000Z")

    async def remember() -> None:
        store = SubmissionStore(files.submissions)
        await store.claim(old)
        store.close()

    asyncio.run(remember())
    runtime: TestClient = make_runtime()
    # The same key with another intent: a conflict, as long as it is remembered.
    runtime.headers.update(bearer(token))
    wait_until(lambda: runtime.post(PATH, json=command()).status_code == 202)


def digest() -> str:
    made = command()
    return idempotency_digest(made["tenant_id"], made["workspace_id"], made["idempotency_key"])
