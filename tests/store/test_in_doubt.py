"""Which submissions are in doubt: those that nobody works on and nobody answered."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flagctl.domain.one_job import Entry
from flagctl.domain.submission import Claim
from flagctl.domain.times import to_text
from flagctl.store.claimer import claimer_id
from flagctl.store.in_doubt import read_in_doubt
from flagctl.store.job_ledger import JobLedger
from flagctl.store.submission_file import SubmissionsTroubleError
from flagctl.store.submissions import SubmissionStore
from flagctl.vocabulary import DispatcherName, SubmissionState
from tests.store.test_submissions import NOON, claim, using

LEASE = timedelta(seconds=60)
ON_SLURM = {"dispatcher": DispatcherName.SLURM}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "submissions.db"


def put(path: Path, *claims: Claim) -> None:
    async def do(store: SubmissionStore) -> None:
        for each in claims:
            await store.claim(each)

    using(path, do)


def ids(path: Path) -> list[str]:
    return [each.submission_id for each in read_in_doubt(path, NOON, LEASE)]


def test_without_the_file_there_are_none(path: Path) -> None:
    assert ids(path) == []


def test_those_that_nobody_works_on_are_listed_the_oldest_first(path: Path) -> None:
    hour = timedelta(hours=1)
    put(
        path,
        claim("released", claimer=None),
        claim("at work"),
        claim("gone", claimer="another-boot/pid:[1]/1/1", begun_at=to_text(NOON - 3 * hour)),
        claim(
            "hangs",
            claimed_at=to_text(NOON - hour),
            begun_at=to_text(NOON - hour),
        ),
        claim("unsent", claimer=None, state=SubmissionState.UNSENT),
        claim("answered", claimer=None, state=SubmissionState.ACCEPTED, answer="{}"),
    )
    assert ids(path) == ["id of gone", "id of hangs", "id of released"]


def test_one_says_its_slurm_job_as_far_as_it_is_known(path: Path) -> None:
    mine = claim("key-1", claimer=None, **ON_SLURM)
    put(path, mine, claim("key-2", claimer=None, begun_at=to_text(NOON + LEASE), **ON_SLURM))

    async def record(store: SubmissionStore) -> None:
        ledger = JobLedger(store, lambda: NOON)
        await ledger.record(mine.digest, mine.submission_id, 7)
        await ledger.begin_release(mine.digest, 7)

    using(path, record)
    first, second = read_in_doubt(path, NOON, LEASE)
    assert (first.entry, second.entry) == (Entry(7, 1), Entry())


def test_a_file_that_can_not_be_read_is_trouble(path: Path) -> None:
    path.write_text("this is no database, and long enough to be looked at as if it were one" * 20)
    with pytest.raises(SubmissionsTroubleError):
        read_in_doubt(path, NOON, LEASE)


def test_a_claim_of_this_very_process_is_at_work(path: Path) -> None:
    put(path, replace(claim(), claimer=claimer_id()))
    assert ids(path) == []
