"""submissions.db: who claims what, and for how long."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from flagctl.domain.canonical import canonical_json
from flagctl.domain.submission import Claim, idempotency_digest
from flagctl.domain.times import to_text
from flagctl.store.claimer import claimer_id, is_provably_gone
from flagctl.store.submissions import Held, SubmissionStore
from flagctl.vocabulary import DispatcherName, Mode, SubmissionState

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
T = TypeVar("T")


def claim(key: str = "key-1", **changes: Any) -> Claim:
    values: dict[str, Any] = {
        "digest": idempotency_digest("t", "w", key),
        "submission_id": f"id of {key}",
        "tenant_id": "t",
        "workspace_id": "w",
        "job_id": "j",
        "management_node_id": "n",
        "idempotency_key": key,
        "intent": "intent",
        "mode": Mode.STUB_POLICY,
        "boundary": canonical_json({}),
        "dispatcher": DispatcherName.SPOOL,
        "trace_id": "trace",
        "claimed_at": to_text(NOON),
        "begun_at": to_text(NOON),
        "claimer": claimer_id(),
    }
    return Claim(**{**values, **changes})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "submissions.db"


def using(path: Path, work: Callable[[SubmissionStore], Awaitable[T]]) -> T:
    """Do something with a store on a loop of its own, as a process does."""

    async def do() -> T:
        store = SubmissionStore(path, busy_timeout_s=0.1)
        try:
            return await work(store)
        finally:
            store.close()

    return asyncio.run(do())


def test_what_was_claimed_is_found_by_another_process(path: Path) -> None:
    async def find(store: SubmissionStore) -> Claim | None:
        return store.find(claim().digest)

    assert using(path, lambda store: store.claim(claim())) == Held(claim(), won=True)
    assert using(path, find) == claim()


def test_nothing_is_found_before_the_first_claim(path: Path) -> None:
    async def find(store: SubmissionStore) -> Claim | None:
        return store.find(claim().digest)

    assert using(path, find) is None


def test_one_of_many_claims_at_once_wins(path: Path) -> None:
    async def race(store: SubmissionStore) -> list[Held]:
        claims = [claim(submission_id=f"{number}") for number in range(50)]
        return await asyncio.gather(*map(store.claim, claims))

    held = using(path, race)
    assert [each.won for each in held].count(True) == 1
    assert {each.claim.submission_id for each in held} == {
        next(each.claim.submission_id for each in held if each.won)
    }


def test_an_unsent_claim_starts_afresh_and_keeps_its_submission_id(path: Path) -> None:
    async def story(store: SubmissionStore) -> Held:
        await store.claim(claim())
        await store.release(claim().digest, SubmissionState.UNSENT)
        return await store.claim(
            claim(submission_id="new", mode=Mode.PASSTHROUGH, boundary="{new}", trace_id="new")
        )

    expected = claim(mode=Mode.PASSTHROUGH, boundary="{new}", trace_id="new")
    assert using(path, story) == Held(expected, won=True)


def test_an_unsent_claim_is_not_for_another_intent(path: Path) -> None:
    async def story(store: SubmissionStore) -> Held:
        await store.claim(claim())
        await store.release(claim().digest, SubmissionState.UNSENT)
        return await store.claim(claim(intent="another"))

    held = using(path, story)
    assert (held.won, held.claim.intent) == (False, "intent")


def test_a_claim_in_doubt_is_taken_over_by_one(path: Path) -> None:
    async def story(store: SubmissionStore) -> list[Held]:
        await store.claim(claim())
        await store.release(claim().digest, SubmissionState.CLAIMED)
        seen = store.find(claim().digest)
        assert seen is not None
        later = NOON + timedelta(seconds=1)
        return await asyncio.gather(*(store.take_over(seen, later) for _ in range(5)))

    held = using(path, story)
    assert [each.won for each in held] == [True, False, False, False, False]
    assert held[0].claim == claim(claimed_at=to_text(NOON + timedelta(seconds=1)))


def test_the_first_answer_stays(path: Path) -> None:
    async def story(store: SubmissionStore) -> list[str]:
        await store.claim(claim())
        return [await store.complete(claim().digest, answer) for answer in ("first", "second")]

    assert using(path, story) == ["first", "first"]


def test_an_answered_claim_is_neither_claimed_nor_taken_over(path: Path) -> None:
    async def story(store: SubmissionStore) -> list[Held]:
        await store.claim(claim())
        await store.complete(claim().digest, "answer")
        return [await store.claim(claim()), await store.take_over(claim(), NOON)]

    for held in using(path, story):
        assert (held.won, held.claim.answer) == (False, "answer")


LEASE_ENDED = NOON - timedelta(seconds=60)


@pytest.mark.parametrize(
    ("changes", "is_left_behind"),
    [
        ({"claimer": None}, True),
        ({"claimer": "of another process"}, False),
        ({"claimer": "of another process", "claimed_at": to_text(LEASE_ENDED)}, False),
        (
            {
                "claimer": "of another process",
                "claimed_at": to_text(LEASE_ENDED - timedelta(microseconds=1)),
            },
            True,
        ),
        ({"claimer": "of a dead process"}, True),
    ],
)
def test_a_claim_is_left_behind_when_nobody_can_be_working_on_it(
    path: Path, changes: dict[str, Any], is_left_behind: bool
) -> None:
    boot, namespace, _, _ = claimer_id().split("/")
    claimers = {
        "of another process": f"{boot}/{namespace}/1/{started(1)}",
        "of a dead process": f"{boot}/{namespace}/1/7",
    }
    given = claim(**changes)
    given = replace(given, claimer=claimers.get(given.claimer or "", given.claimer))

    async def ask(store: SubmissionStore) -> bool:
        return store.is_left_behind(given, LEASE_ENDED)

    assert using(path, ask) is is_left_behind


def started(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def test_only_a_process_that_can_be_seen_is_provably_gone() -> None:
    boot, namespace, pid, ticks = claimer_id().split("/")
    assert not is_provably_gone(claimer_id())
    assert is_provably_gone(f"{boot}/{namespace}/{pid}/{int(ticks) - 1}")
    assert is_provably_gone(f"{boot}/{namespace}/{2**22 + 1}/{ticks}")
    assert is_provably_gone(f"another boot/{namespace}/{pid}/{ticks}")
    assert not is_provably_gone(f"{boot}/another container/{pid}/1")
    assert not is_provably_gone(f"{boot}/{namespace}/{pid}/?")


def test_old_submissions_are_forgotten_a_few_at_a_time(path: Path) -> None:
    async def story(store: SubmissionStore) -> list[object]:
        old = [claim(f"old {number}") for number in range(600)]
        new = claim("new", claimed_at=to_text(NOON + timedelta(microseconds=1)))
        await asyncio.gather(*map(store.claim, [*old, new]))
        before = NOON + timedelta(microseconds=1)
        counts: list[object] = [await store.purge(before) for _ in range(3)]
        return [*counts, store.find(new.digest) == new, store.find(old[0].digest)]

    assert using(path, story) == [500, 100, 0, True, None]
