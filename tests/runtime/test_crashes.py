"""`kill -9` of the runtime between claim, dispatch and answer, then retries."""

import random
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Timer
from typing import Any

import httpx2
import pytest

from flagctl.store.files import DataFiles
from flagctl.vocabulary import Mode
from tests.runtime.conftest import Serve
from tests.runtime.served import Served
from tests.runtime.test_submit import spooled

POINTS = (
    "before-dispatch",
    "before-the-file-has-its-name",
    "after-dispatch",
    "after-the-answer-is-recorded",
)
KEYS = [f"key-{number}" for number in range(60)]


@pytest.mark.parametrize("point", POINTS)
def test_a_runtime_killed_between_claim_and_answer_leaves_one_file_and_one_answer(
    serve: Serve, files: DataFiles, point: str
) -> None:
    killed = serve(fault=point)
    with pytest.raises(httpx2.TransportError):
        killed.submit()
    assert killed.process.wait() == -9
    again = serve()
    answers = [again.submit() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert len({answer.content for answer in answers}) == 1
    (order,) = spooled(files)
    assert order["submission_id"] == answers[0].json()["submission_id"]


def test_whoever_finishes_a_claim_left_behind_uses_its_recorded_mode(
    serve: Serve, files: DataFiles, flip: Callable[[Mode], None]
) -> None:
    killed = serve(fault="before-dispatch")
    with pytest.raises(httpx2.TransportError):
        killed.submit(execution_profile__queue_name="unknown")
    flip(Mode.PASSTHROUGH)
    assert serve().submit(execution_profile__queue_name="unknown").status_code == 202
    (order,) = spooled(files)
    assert order["boundary"]["adapter"] == Mode.STUB_POLICY
    assert order["boundary"]["resolved_queue"] == "standard"


def test_a_conflict_stays_one_after_a_crash(serve: Serve) -> None:
    killed = serve(fault="before-dispatch")
    with pytest.raises(httpx2.TransportError):
        killed.submit()
    assert serve().submit(job_id="another").status_code == 409


@pytest.mark.parametrize("seed", range(3))
def test_a_runtime_killed_at_any_moment_under_load_leaves_one_file_for_each_key(
    serve: Serve, files: DataFiles, seed: int
) -> None:
    killed = serve()
    end = Timer(random.Random(seed).uniform(0.02, 0.15), killed.kill)  # noqa: S311 - a moment
    end.start()
    first = answers(killed, KEYS)
    end.join()
    again = serve()
    second = answers(again, KEYS)
    assert len(second) == len(KEYS)
    assert all(second[key] == body for key, body in first.items())
    orders = spooled(files)
    assert sorted(order["command"]["idempotency_key"] for order in orders) == sorted(KEYS)
    ids = {order["submission_id"] for order in orders}
    assert ids == {body["submission_id"] for body in second.values()}
    assert not unanswered(files)


def answers(served: Served, keys: list[str]) -> dict[str, Any]:
    """Submit all keys at once; return the bodies of those that were accepted."""

    def submit(key: str) -> Any:
        try:
            answer = served.submit(idempotency_key=key)
        except httpx2.TransportError:
            return None
        return answer.json() if answer.status_code == 202 else None

    with ThreadPoolExecutor(8) as pool:
        found = zip(keys, pool.map(submit, keys), strict=True)
        return {key: body for key, body in found if body is not None}


def unanswered(files: DataFiles) -> list[Any]:
    with closing(sqlite3.connect(files.submissions)) as connection:
        return connection.execute("SELECT * FROM submission WHERE answer IS NULL").fetchall()
