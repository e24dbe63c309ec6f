"""The ledger of Slurm jobs: the first number wins, and what fences it."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from flagctl.domain.one_job import Entry
from flagctl.domain.submission import Claim
from flagctl.store.job_ledger import STRAYS_AFTER, JobLedger
from flagctl.store.submissions import SubmissionStore
from flagctl.vocabulary import DispatcherName, SubmissionState
from tests.store.test_submissions import NOON, claim, using

T = TypeVar("T")
MINE = claim(dispatcher=DispatcherName.SLURM)
D = MINE.digest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "submissions.db"


def on(
    path: Path,
    work: Callable[[JobLedger], Awaitable[T]],
    claimed: Claim = MINE,
    at: datetime = NOON,
) -> T:
    """Do something with the ledger after a claim."""

    async def do(store: SubmissionStore) -> T:
        await store.claim(claimed)
        return await work(JobLedger(store, lambda: at))

    return using(path, do)


def test_the_first_recorded_number_is_the_jobs_for_good(path: Path) -> None:
    first = on(path, lambda it: it.record(D, MINE.submission_id, 7))
    second = on(path, lambda it: it.record(D, MINE.submission_id, 8))
    assert first == second == Entry(7)


def test_of_two_that_record_at_once_one_wins(path: Path) -> None:
    async def both(ledger: JobLedger) -> list[Entry]:
        found = (ledger.record(D, MINE.submission_id, number) for number in (7, 8))
        return list(await asyncio.gather(*found))

    one, other = on(path, both)
    assert one == other


OTHERS = {
    "another dispatcher's": claim(dispatcher=DispatcherName.SPOOL),
    "unsent": claim(dispatcher=DispatcherName.SLURM, state=SubmissionState.UNSENT),
    "answered": claim(dispatcher=DispatcherName.SLURM, state=SubmissionState.ACCEPTED, answer="{}"),
    "another submission under the same digest": claim(
        dispatcher=DispatcherName.SLURM, submission_id="another"
    ),
}


@pytest.mark.parametrize("claimed", OTHERS.values(), ids=OTHERS.keys())
def test_nothing_is_recorded_for_a_submission_that_is_not_claimed_for_slurm(
    path: Path, claimed: Claim
) -> None:
    assert on(path, lambda it: it.record(D, MINE.submission_id, 7), claimed) == Entry()


def test_only_a_job_that_was_never_released_is_replaced(path: Path) -> None:
    on(path, lambda it: it.record(D, MINE.submission_id, 7))
    assert on(path, lambda it: it.replace(D, 7, 8)) == Entry(8)
    assert on(path, lambda it: it.replace(D, 7, 9)) == Entry(8)
    assert on(path, lambda it: it.begin_release(D, 8))
    assert on(path, lambda it: it.replace(D, 8, 9)) == Entry(8, 1)


def test_a_release_is_begun_for_the_recorded_job_only(path: Path) -> None:
    on(path, lambda it: it.record(D, MINE.submission_id, 7))
    assert on(path, lambda it: it.begin_release(D, 8)) is False
    assert on(path, lambda it: it.begin_release(D, 7)) is True
    on(path, lambda it: it.end_release(D, 7))
    assert on(path, lambda it: it.reopen(D)) == Entry(7)


def test_a_submission_with_a_job_is_never_let_go_of_as_unsent(path: Path) -> None:
    on(path, lambda it: it.record(D, MINE.submission_id, 7))

    async def let_go(store: SubmissionStore) -> None:
        await store.release(D, SubmissionState.UNSENT)

    using(path, let_go)
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT state, claimer FROM submission").fetchall()
    assert found == [(SubmissionState.CLAIMED, None)]


def test_strays_of_an_answered_submission_are_looked_for_until_their_time_is_over(
    path: Path,
) -> None:
    on(path, lambda it: it.record(D, MINE.submission_id, 7))
    on(path, lambda it: it.reopen(D))
    assert on(path, lambda it: it.strays(10)) == []

    async def answer(store: SubmissionStore) -> None:
        await store.complete(D, "{}")

    using(path, answer)
    ((named, job_id),) = on(path, lambda it: it.strays(10))
    assert (named.submission_id, named.begun_at, job_id) == (MINE.submission_id, NOON, 7)
    on(path, lambda it: it.no_strays(D), at=NOON + STRAYS_AFTER - timedelta(seconds=1))
    assert on(path, lambda it: it.strays(10))
    on(path, lambda it: it.no_strays(D), at=NOON + STRAYS_AFTER)
    assert on(path, lambda it: it.strays(10)) == []


def test_a_forgotten_submission_takes_its_job_along(path: Path) -> None:
    on(path, lambda it: it.record(D, MINE.submission_id, 7))

    async def purge(store: SubmissionStore) -> int:
        return await store.purge(NOON + timedelta(days=1))

    assert using(path, purge) == 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM slurm_job").fetchone() == (0,)


VERSION_1 = """
CREATE TABLE submission (
    id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, submission_id TEXT NOT NULL,
    tenant_id TEXT NOT NULL, workspace_id TEXT NOT NULL, job_id TEXT NOT NULL,
    management_node_id TEXT NOT NULL, idempotency_key TEXT NOT NULL, intent TEXT NOT NULL,
    mode TEXT NOT NULL, boundary TEXT NOT NULL, dispatcher TEXT NOT NULL, trace_id TEXT NOT NULL,
    claimed_at TEXT NOT NULL, claimer TEXT, state TEXT NOT NULL, answer TEXT
) STRICT;
INSERT INTO submission VALUES (1, 'd', 's', 't', 'w', 'j', 'n', 'k', 'i', 'stub-policy', '{}',
    'spool', 'trace', '2026-05-01T12:00:00.000000Z', NULL, 'claimed', NULL);
PRAGMA user_version=1;
"""


def test_a_file_of_the_version_before_keeps_its_claims(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)

    async def check(store: SubmissionStore) -> Claim | None:
        await store.check()
        return store.find("d")

    found = using(path, check)
    assert found
    assert (found.submission_id, found.begun_at) == ("s", "2026-05-01T12:00:00.000000Z")
