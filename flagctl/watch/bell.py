"""What a thread that mostly waits is called by."""

from __future__ import annotations

import threading
from contextlib import suppress


class Bell:
    """An event that is over once it was waited for.

    Cheaper than `threading.Event`: many processes wait for one every 2 s.
    """

    def __init__(self) -> None:
        self._silence = threading.Lock()
        self._silence.acquire()

    def ring(self) -> None:
        """Call whoever waits, or comes to wait next; any thread may."""
        with suppress(RuntimeError):  # it rings already
            self._silence.release()

    def is_rung_within(self, timeout_s: float) -> bool:
        """Wait for a call, and tell whether one came."""
        return self._silence.acquire(timeout=timeout_s)
