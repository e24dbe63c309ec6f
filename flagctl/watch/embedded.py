"""The watch of a service that has the adapter built in: it begins with the first use."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flagctl.domain.effective import EffectiveMode
from flagctl.ending import end_with
from flagctl.store import forking
from flagctl.store.files import DataFiles
from flagctl.store.mode_reader import ModeReader
from flagctl.vocabulary import Mode, Part
from flagctl.watch.loop import Watch
from flagctl.watch.queues import AskedQueues
from flagctl.watch.tally import Tally
from flagctl.watch.thoughts import Judge

log = logging.getLogger(__name__)

TRIED_AGAIN_AFTER_S: Final = 10.0


class EmbeddedWatch:
    """Makes a process with the adapter built in one of the processes heard of (decision 14).

    Nothing happens before the first use, so that a server which forks its workers after it made
    the adapter is not heard of itself. Each forked child begins anew with its own first use. At
    the end of the process, or of this object, goodbye is said. Nothing here raises.

    Args:
        files: the data directory.
        reader: the reader that the adapter uses.
        pin: the mode that the environment of this process pins.
        policy_path: the queue policy file, if there is one.
        policy_sha256: tells the hash of that file; `None` when it can't be read.
        judge: tells what this process thinks of the top mode.

    """

    def __init__(
        self,
        files: DataFiles,
        reader: ModeReader,
        *,
        pin: Mode | None,
        policy_path: Path | None,
        policy_sha256: Callable[[], str | None],
        judge: Judge | None = None,
    ) -> None:
        self.tally = tally = Tally()
        self.queues = queues = AskedQueues()
        self._make: Callable[[], Watch] = lambda: Watch(
            files,
            reader,
            pin=pin,
            clock=lambda: datetime.now(UTC),
            part=Part.EMBEDDED,
            tally=tally,
            judge=judge,
            queues=queues,
            policy_path=policy_path,
            policy_sha256=policy_sha256,
        )
        self._running = _Running()
        end_with(self, self._running.stop)

    def note(self, used: EffectiveMode) -> None:
        """Hear what a resolution uses; the first one starts the thread."""
        watch = self._running.watch
        if watch is not None:
            watch.note(used)
        else:
            self._running.start(self._make)

    def stop(self) -> None:
        """Say goodbye; a later use begins anew."""
        self._running.stop()


class _Running:
    """The watch of this process while it runs; knows nothing of who owns it."""

    def __init__(self) -> None:
        self.watch: Watch | None = None
        self._starting = threading.Lock()
        self._pid = os.getpid()
        self._try_at_s = 0.0
        forking.suspend_over_fork(self)

    def start(self, make: Callable[[], Watch]) -> None:
        """Start it, unless another thread is about to, or that failed a moment ago."""
        if time.monotonic() < self._try_at_s or not self._starting.acquire(blocking=False):
            return
        try:
            if self.watch is None:
                watch = make()
                watch.start_behind()
                self.watch = watch
        except Exception:
            # No more threads, or the process is about to end: resolving goes on without.
            self._try_at_s = time.monotonic() + TRIED_AGAIN_AFTER_S
            log.exception("This process can't say that it follows; it resolves all the same.")
        finally:
            self._starting.release()

    def stop(self) -> None:
        """Stop it, if it runs in this process."""
        watch, self.watch = self.watch, None
        if watch is not None:
            watch.stop()

    def suspend(self) -> None:
        """Do nothing before a fork: whoever starts needs locks that the fork holds already."""

    def resume(self) -> None:
        """Go on after the fork; what the parent runs is not the child's."""
        if os.getpid() != self._pid:
            self._pid, self.watch = os.getpid(), None
            self._starting = threading.Lock()  # a thread that is not here may hold the other
