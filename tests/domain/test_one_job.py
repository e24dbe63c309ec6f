"""One job for each submission: each way that an attempt may take, step by step."""

from collections.abc import Iterator

import pytest

from flagctl.domain.one_job import (
    BeginRelease,
    Cancel,
    EndRelease,
    Entry,
    LookUp,
    LostError,
    NothingSentError,
    Record,
    Release,
    Reopen,
    Replace,
    Seen,
    Step,
    Steps,
    Submit,
    SupersededError,
    one_job,
    without_strays,
)


def follow(steps: Steps, *answers: object) -> Iterator[Step | int | None]:
    """Yield each step, given these answers in turn, and then what it comes to."""
    try:
        yield steps.send(None)
        for answer in answers:
            yield steps.throw(answer) if isinstance(answer, Exception) else steps.send(answer)
    except StopIteration as end:
        yield end.value


HELD, RUNS = Seen(7, held=True), Seen(7, held=False)


def test_a_first_attempt_submits_records_releases_and_looks_nothing_up() -> None:
    taken = list(follow(one_job(is_first=True), 7, Entry(7), True, RUNS))
    assert taken == [Submit(), Record(7), BeginRelease(7), Release(7), 7]


def test_a_retry_looks_up_before_it_submits() -> None:
    taken = list(follow(one_job(is_first=False), Entry(), (), 7, Entry(7), True, RUNS))
    assert taken == [Reopen(), LookUp(), Submit(), Record(7), BeginRelease(7), Release(7), 7]


def test_a_held_job_that_is_found_is_recorded_and_released() -> None:
    taken = list(follow(one_job(is_first=False), Entry(), (HELD,), Entry(7), True, RUNS))
    assert taken == [Reopen(), LookUp(), Record(7), BeginRelease(7), Release(7), 7]


def test_a_released_job_that_is_found_again_is_the_answer() -> None:
    assert list(follow(one_job(is_first=False), Entry(7, 1), (RUNS,))) == [Reopen(), LookUp(), 7]


def test_held_duplicates_are_cancelled_once_the_recorded_one_may_run() -> None:
    twins = (HELD, Seen(8, held=True), Seen(9, held=False))
    taken = list(follow(one_job(is_first=False), Entry(7), twins, True, RUNS, None))
    assert taken == [Reopen(), LookUp(), BeginRelease(7), Release(7), Cancel(8), 7]


def test_the_first_recorded_number_wins_over_ones_own() -> None:
    taken = list(follow(one_job(is_first=True), 8, Entry(7), True, RUNS, None))
    assert taken == [Submit(), Record(8), BeginRelease(7), Release(7), Cancel(8), 7]


def test_a_job_that_somebody_released_by_hand_is_taken_for_the_submissions() -> None:
    both = (Seen(6, held=True), RUNS)
    taken = list(follow(one_job(is_first=False), Entry(), both, Entry(7), None))
    assert taken == [Reopen(), LookUp(), Record(7), Cancel(6), 7]


def test_a_job_lost_before_any_release_is_replaced() -> None:
    taken = list(follow(one_job(is_first=False), Entry(7), (), 8, Entry(8), True, Seen(8, False)))
    assert taken[2:4] == [Submit(), Replace(lost=7, by=8)]


def test_a_job_lost_after_a_release_is_never_replaced() -> None:
    steps = follow(one_job(is_first=False), Entry(7, 1), (), True, None)
    assert [next(steps) for _ in range(4)] == [Reopen(), LookUp(), BeginRelease(7), Release(7)]
    with pytest.raises(LostError, match="--jobs=7"):
        next(steps)


def test_a_release_that_certainly_never_left_is_taken_back() -> None:
    steps = follow(one_job(is_first=True), 7, Entry(7), True, NothingSentError(), None)
    assert list(zip(range(5), steps, strict=False))[-1] == (4, EndRelease(7))
    with pytest.raises(NothingSentError):
        next(steps)


def test_without_leave_to_submit_nothing_found_is_the_answer() -> None:
    taken = list(follow(one_job(is_first=False, may_submit=False), Entry(), ()))
    assert taken == [Reopen(), LookUp(), None]


def test_a_submission_that_went_another_way_meanwhile_is_left_alone() -> None:
    steps = follow(one_job(is_first=True), 7, Entry())
    assert [next(steps), next(steps)] == [Submit(), Record(7)]
    with pytest.raises(SupersededError):
        next(steps)


def test_strays_are_cancelled_and_the_recorded_one_is_not() -> None:
    taken = list(follow(without_strays(7), (HELD, Seen(8, held=True)), None))
    assert taken == [LookUp(), Cancel(8), 7]
