"""The runtime counts each resolution, and no trouble with that is a request's."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flagctl.store.files import DataFiles
from flagctl.store.resolution_counts import counts_between
from flagctl.vocabulary import Mode, ResolutionOutcome
from tests.runtime.conftest import Serve
from tests.runtime.served import Served
from tests.waiting import wait_until

LOW, MIDDLE, _HIGH = Mode
RESOLVED, DENIED, *_ = ResolutionOutcome


def counted(files: DataFiles) -> Counter[tuple[Mode, ResolutionOutcome, int | None]]:
    found: Counter[tuple[Mode, ResolutionOutcome, int | None]] = Counter()
    for key, count in (counts_between(files, 0, 2**40) or {}).items():
        found[key.mode, key.outcome, key.revision] += count
    return +found


def submit(served: Served, *keys: str, status: int = 202, queue: str = "standard") -> None:
    for key in keys:
        answer = served.submit(idempotency_key=key, execution_profile={"queue_name": queue})
        assert answer.status_code == status, answer.text


def test_every_resolution_counts_once_under_its_mode_outcome_and_revision(
    files: DataFiles, serve: Serve, flip: Callable[[Mode], None]
) -> None:
    first, second = serve(), serve()
    submit(first, "a", "b", "a")  # the third is answered from the record, so nothing is resolved
    submit(second, "c")
    submit(second, "d", queue=" ", status=422)
    flip(LOW)
    submit(first, "e")
    wait_until(lambda: counted(files)[LOW, RESOLVED, 1] == 1)  # within one heartbeat
    first.stop()
    second.stop()
    assert counted(files) == {
        (MIDDLE, RESOLVED, 0): 3,
        (MIDDLE, DENIED, 0): 1,
        (LOW, RESOLVED, 1): 1,
    }


@contextmanager
def in_the_way(path: Path) -> Iterator[None]:
    """Put a directory where runtime.db was, so that nothing can be written or made anew."""
    path.unlink()
    path.mkdir()
    (path / "kept").touch()
    try:
        yield
    finally:
        (path / "kept").unlink()
        path.rmdir()


def test_submissions_go_on_while_runtime_db_is_of_no_use_and_are_counted_afterwards(
    files: DataFiles, serve: Serve
) -> None:
    served = serve()
    with in_the_way(files.runtime):
        submit(served, "a", "b")
    submit(served, "c")
    served.stop()
    assert counted(files) == {(MIDDLE, RESOLVED, 0): 3}
