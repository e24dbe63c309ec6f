"""Waiting for what another process or thread does, without guessing how long it takes."""

import time
from collections.abc import Callable
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
