"""What ends with the object that owns it, or with the process, whichever is first."""

from __future__ import annotations

import _thread
import atexit
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Final

WAITED_FOR_S: Final = 5.0
"""How long the end of the process waits for an ending that is under way."""


def end_with(owner: object, stop: Callable[[], None]) -> None:
    """Call `stop` when `owner` is collected or the process ends; it may be called twice.

    An object is collected at any moment and in any thread: in one that `stop` would wait for, in
    one that holds a lock which `stop` wants, or in an event loop. So that happens in a new thread,
    begun in the one way that takes no lock itself.

    Args:
        owner: must not be reachable from `stop`.
        stop: ends what runs for the owner, and may wait for it.

    """
    ending = _Ending(stop)
    atexit.register(ending.now)
    weakref.finalize(owner, ending.elsewhere).atexit = False


class _Ending:
    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._under_way = threading.Lock()

    def now(self) -> None:
        """Stop, or wait until another thread has; bounded, for a fork may have kept the lock."""
        if self._under_way.acquire(timeout=WAITED_FOR_S):
            try:
                self._stop()
            finally:
                self._under_way.release()

    def elsewhere(self) -> None:
        with suppress(RuntimeError):  # no more threads: the end of the process is left
            _thread.start_new_thread(self._finish, ())

    def _finish(self) -> None:
        self.now()
        atexit.unregister(self.now)
