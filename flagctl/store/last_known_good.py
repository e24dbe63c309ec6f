"""The last-known-good file: what a process that starts without a store may lower its mode by."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flagctl.domain.effective import NOTHING_KNOWN, LastKnown
from flagctl.domain.flag import ControlState
from flagctl.domain.times import to_text
from flagctl.store.filesystem import create_file, only_one
from flagctl.store.small_file import read_small_file
from flagctl.vocabulary import Mode

READ_BELOW_BYTES = 4096


class LastKnownGoodFile:
    """Written in a thread of its own, so that no request waits for the disk.

    All processes of the data directory write the same file; whatever is older than what it holds
    is not written. It may be missing, or be removed at any time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._newest: ControlState | None = None
        self._thread: threading.Thread | None = None

    def read(self) -> LastKnown:
        """Return what it holds; nothing at all when it can't be read; never raises."""
        try:
            held = json.loads(read_small_file(self._path, READ_BELOW_BYTES))
            return LastKnown(int(held["revision"]), _mode(held["cutover"]), _mode(held["rollback"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return NOTHING_KNOWN

    def keep(self, state: ControlState) -> None:
        """Have this state written soon, instead of any that still waits for it."""
        if state.revision <= NOTHING_KNOWN.revision:
            return
        with self._turn:
            self._newest = state
            # After a fork the thread of the parent is there, but not alive.
            if self._thread is None or not self._thread.is_alive():
                self._start()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._write_newest, daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # no more threads, or the process is about to end
            _log(self._path, error)

    def settle(self, timeout_s: float = 1.0) -> None:
        """Wait until everything is written, so that no fork copies a lock that is held."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def _write_newest(self) -> None:
        while (state := self._next()) is not None:
            try:
                self._write(state)
            except OSError as error:
                _log(self._path, error)

    def _next(self) -> ControlState | None:
        with self._turn:
            state, self._newest = self._newest, None
            if state is None:
                self._thread = None
            return state

    def _write(self, state: ControlState) -> None:
        with only_one(self._path.with_suffix(".lock")):
            if state.revision > self.read().revision:
                self._replace(_text(state))

    def _replace(self, content: str) -> None:
        partial = self._path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        create_file(partial)
        with partial.open("w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _mode(word: Any) -> Mode | None:
    return None if word is None else Mode(word)


def _text(state: ControlState) -> str:
    held = {
        "revision": state.revision,
        "cutover": state.cutover_mode,
        "rollback": state.rollback_mode,
        "written_at": to_text(datetime.now(UTC)),
    }
    return json.dumps(held, indent=2) + "\n"


def _log(path: Path, error: Exception) -> None:
    import structlog

    structlog.get_logger(__name__).warning(
        "last_known_good_not_written", path=str(path), message=str(error)
    )
