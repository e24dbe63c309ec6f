"""Connections for reading that are used again, as long as the files at their place are the same.

Opening one costs a page more than all that it reads [six of them were half of the first page's
CPU], and whoever closes the last one writes the whole log back. A server process asks for them
once (`keep`); everything that reads in it then has them.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flagctl.store import forking
from flagctl.store.identity import Identity, Places

IDLE_AT_MOST: Final = 4
"""More are opened when more threads read at once, and closed when they are done."""


@dataclass(frozen=True, slots=True)
class _Kept:
    connection: sqlite3.Connection
    files: Identity


class KeptConnections:
    """Connections to one database; safe in threads and over a fork.

    `opened` returns a connection that has read from the file and may be used in any thread, or
    `None` when there is nothing to read.
    """

    def __init__(self, path: Path, opened: Callable[[], sqlite3.Connection | None]) -> None:
        self._places = Places(path)
        self._opened = opened
        self._idle: list[_Kept] = []
        self._lock = threading.Lock()
        forking.suspend_over_fork(self)

    def suspend(self) -> None:
        """Let go of the file before a fork."""
        self._lock.acquire()
        self._close_idle()

    def resume(self) -> None:
        """Go on after it."""
        self._lock.release()

    def close(self) -> None:
        """Let go of the file; it is opened again when somebody reads."""
        with self._lock:
            self._close_idle()

    @contextmanager
    def borrowed(self) -> Iterator[sqlite3.Connection | None]:
        """Give a connection on which every statement sees one moment, `None` without a file.

        Raises:
            sqlite3.Error: the file can't be opened.
            StoreTroubleError: the directory can't be looked into.

        """
        kept = self._idle_one() or self._new()
        if kept is None:
            yield None
            return
        is_sound = False
        try:
            kept.connection.execute("BEGIN")
            yield kept.connection
            is_sound = True
        except Exception as error:
            is_sound = not _is_its_fault(error)
            raise
        finally:
            self._give_back(kept, is_sound=is_sound)

    def _idle_one(self) -> _Kept | None:
        there = self._places.identify()
        with self._lock:
            while self._idle:
                kept = self._idle.pop()
                if kept.files == there:
                    return kept
                kept.connection.close()
        return None

    def _new(self) -> _Kept | None:
        before = self._places.identify()
        connection = self._opened()
        if connection is None:
            return None
        after = self._places.identify()
        # Opening makes log and index. A main file that changed meanwhile is not relied on again.
        return _Kept(connection, after if after.control == before.control else before)

    def _give_back(self, kept: _Kept, *, is_sound: bool) -> None:
        if is_sound:
            kept.connection.execute("ROLLBACK")
            with self._lock:
                if len(self._idle) < IDLE_AT_MOST:
                    self._idle.append(kept)
                    return
        kept.connection.close()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().connection.close()


def _is_its_fault(error: Exception) -> bool:
    # A table of runtime.db is made when something is first written to it.
    return isinstance(error, sqlite3.Error) and "no such table" not in str(error)


_by_path: dict[Path, KeptConnections] = {}


def keep(path: Path, opened: Callable[[], sqlite3.Connection | None]) -> KeptConnections:
    """Let this process keep its connections to a database from now on."""
    kept = _by_path[path] = KeptConnections(path, opened)
    return kept


def keep_no_more(path: Path) -> None:
    """Close what is kept, and keep nothing more of it."""
    kept = _by_path.pop(path, None)
    if kept is not None:
        kept.close()


def kept_at(path: Path) -> KeptConnections | None:
    """Return the connections that are kept to a database, if any are."""
    return _by_path.get(path)
