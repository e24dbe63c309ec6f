"""What holds still over a fork is found also while threads make more of it."""

import sys
import threading
from collections.abc import Iterator

import pytest

from flagctl.store import forking


class Thing:
    def suspend(self) -> None: ...

    def resume(self) -> None: ...


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual_s)


@pytest.mark.usefixtures("hasty_threads")
def test_everybody_is_found_while_another_thread_makes_more_and_lets_go_of_them() -> None:
    kept = [Thing() for _ in range(1000)]
    for each in kept:
        forking.suspend_over_fork(each)
    is_over = threading.Event()

    def make_more() -> None:
        while not is_over.is_set():
            forking.suspend_over_fork(Thing())

    making = threading.Thread(target=make_more)
    making.start()
    try:
        for _ in range(2_000):
            assert set(kept) <= set(forking.everybody())
    finally:
        is_over.set()
        making.join()
