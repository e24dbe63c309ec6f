"""Forgetting submissions after their retention, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from flagctl.errors import UnavailableError
from flagctl.store.submissions import PURGE_BATCH_ROWS, SubmissionStore

EVERY_S: Final = 600.0
_log: Final = structlog.get_logger("flagctl.runtime")


async def forget_old_submissions(
    store: SubmissionStore, clock: Callable[[], datetime], retention: timedelta
) -> None:
    """Purge now and every ten minutes, until it is cancelled."""
    while True:
        try:
            await purge(store, clock() - retention)
        except UnavailableError as error:
            _log.warning("submissions_not_purged", error=str(error))
        await asyncio.sleep(EVERY_S)


async def purge(store: SubmissionStore, before: datetime) -> int:
    """Forget all submissions claimed before then; between two batches others may write."""
    purged = 0
    while (count := await store.purge(before)) > 0:
        purged += count
        if count < PURGE_BATCH_ROWS:
            break
    if purged:
        _log.info("submissions_purged", count=purged, before=before.isoformat())
    return purged
