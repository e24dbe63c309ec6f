"""What holds still over a fork is found also while threads make more of it."""

import threading

import pytest

from flagctl.store import forking


class Thing:
    def suspend(self) -> None: ...

    def resume(self) -> None: ...


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
