"""Waiting for what another process or thread does, without guessing how long it takes."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Event
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], *, deadline_s: float = 60.0) -> T:
    """Return the first true answer of `condition`; `AssertionError` when the deadline passes."""
    pause, end = Event(), time.monotonic() + deadline_s
    while not (answer := condition()):
        assert time.monotonic() < end, f"not within {deadline_s} s: {condition}"
        pause.wait(0.005)
    return answer


def let_a_tick_pass(directory: Path) -> None:
    """From now on a change in the directory gets another time than those before."""
    last_ns = directory.stat().st_ctime_ns
    with NamedTemporaryFile(dir=directory.parent) as beside:

        def has_passed() -> bool:
            os.utime(beside.name)
            return os.stat(beside.name).st_ctime_ns > last_ns  # noqa: PTH116 - as utime

        wait_until(has_passed)
